"""Optimistic gradient descent."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.gradient_descent.sgd import sgd
from optax_zoo.parts import difference, parallel, scaled, serial
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Optimistic gradient descent",
    paper="Mokhtari, Ozdaglar and Pattathil: A Unified Analysis of Extra-gradient and Optimistic Gradient Methods for "
    "Saddle Point Problems",
    year=2020,
    url="https://arxiv.org/abs/1901.08511",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
)
def optimistic_gradient_descent(
    learning_rate: ScalarOrSchedule = 1e-2,
    optimism: Decay = 1.0,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Optimistic gradient descent: the gradient carried on by its last change, for games of two players.

    .. math::

        p_t = p_{t-1} - \alpha_t \left( g_t + \beta (g_t - g_{t-1}) \right), \qquad g_0 = g_1

    Args:
      learning_rate: ... Default as of gradient descent.
      optimism: the factor beta of the change, at least 0, or a function of the number of steps taken.

    State:
      `state["momentum"]["change"].previous`: the last gradient, shaped like the parameters, float32 or wider; `.count`:
      steps taken (int32 scalar). 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.optimistic_gradient_descent(0.1).slots["momentum"]
      parallel(gradient=serial(), change=scaled(1, difference()))

    Claim:
      Use it when players descend and ascend the same loss, as in adversarial training: plain gradient descent goes
      round the solution, and this approaches it.

    Source:
      C. Daskalakis et al. (2017), arXiv:1711.00141, who train GANs with it and beta = 1; A. Mokhtari et
      al. (2020) let the factor be another. optax multiplies the gradient by an `alpha` of its own, which is part of the
      rate here: learning_rate alpha, and optimism beta / alpha.
    """
    _checks.non_negative("optimism", optimism, schedule=True)
    plain = sgd(learning_rate, weight_decay=weight_decay, weight_decay_mask=weight_decay_mask)
    change = difference(accumulator_dtype=accumulator_dtype)
    return plain.replace(momentum=parallel(gradient=serial(), change=scaled(optimism, change)))
