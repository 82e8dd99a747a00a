"""AvaGrad."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import debiased, ema, lagged, normalize_by_norm, root, square
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="AvaGrad: adaptive vector of averaged rates",
    paper="Savarese, McAllester, Babu and Maire: Domain-independent Dominance of Adaptive Methods",
    year=2021,
    url="https://arxiv.org/abs/1912.01823",
    example={"learning_rate": 5e-2},
    claims=("order", "rest", "sign"),
    proof="an independent implementation",
)
def avagrad(
    learning_rate: ScalarOrSchedule = 0.1,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 0.1,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""AvaGrad: Adam with the root of before the step, and elementwise rates whose root mean square is the rate.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \eta_t &= \frac{1}{\sqrt{v_{t-1} / (1 - \beta_2^{t-1})} + \epsilon}, \qquad \eta_1 = 0 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{\eta_t}{\sqrt{\mathrm{mean}(\eta_t^2)}} \frac{m_t}{1 - \beta_1^t}
               + \lambda p_{t-1} \right) \quad \text{(the mean over all elements of all leaves)}

    Args:
      learning_rate: ... Of an element whose gradients are of average size it is that of gradient descent. Default of
        the authors' code, like the others.
      eps: ... How far from gradient descent it is: the larger, the nearer; it is chosen apart from the rate.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.estimator.value`: v, both shaped like
      the parameters; `.weight` of each slot: 1 - beta^t, and `state["denominator"].estimator.count`: steps taken
      (scalars). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.avagrad().slots["denominator"], zoo.avagrad().slots["bound"]
      (root(debiased(lagged(ema(0.999, of=square))), eps=0.1), normalize_by_norm('avg_l2', eps=0, scope='tree'))

    Claim:
      Use it when you want to tune the rate, and how adaptive steps are, one after the other.

    Source:
      P. Savarese et al. (2021), algorithm 2. In the authors' code, lolemacs/avagrad, and in pytorch_optimizer 4.1.0,
      whose trajectories are replayed, elementwise rates are divided by the root mean square of those of the step
      before, and these are corrected for one step more than they have seen: at the third step, for a small eps, it is
      1.4 times too large. There the decay of the authors' AvaGradW begins with the second step.
    """
    plain = adamw(
        learning_rate,
        b1,
        b2,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    before = debiased(lagged(ema(b2, of=square, accumulator_dtype=accumulator_dtype)))
    return plain.replace(
        denominator=root(before, eps=eps),
        bound=normalize_by_norm("avg_l2", eps=0.0, scope="tree", axis_name=axis_name),
    )
