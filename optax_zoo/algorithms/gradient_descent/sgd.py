"""Stochastic gradient descent, plain."""

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Stochastic gradient descent",
    paper="Robbins and Monro: A Stochastic Approximation Method",
    year=1951,
    url="https://doi.org/10.1214/aoms/1177729586",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
)
def sgd(
    learning_rate: ScalarOrSchedule = 1e-2,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""Stochastic gradient descent: a step against the gradient.

    .. math::

        g_t &\leftarrow g_t + \lambda p_{t-1} \quad \text{(with weight decay)} \\
        p_t &= p_{t-1} - \alpha g_t

    Args:
      learning_rate: ... Default as in Keras.

    State:
      Nothing for a constant rate; `state["learning_rate"].count` (int32 scalar) for a schedule. 0 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sgd(0.1)
      pipeline(learning_rate=0.1)

    Claim:
      Use it when a rate can be tuned, and memory, or a simple theory, matters more than speed.

    Source:
      H. Robbins, S. Monro: A Stochastic Approximation Method (1951). Agrees with `torch.optim.SGD` and Keras; the
      `decay` of Keras 2 is the schedule learning_rate / (1 + decay count).
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=learning_rate,
    )
