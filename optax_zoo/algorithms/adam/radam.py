"""RAdam."""

from optax import ScalarOrSchedule

from optax_zoo.parts import debiased, decoupled_decay, ema, optional, rectified, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="RAdam: rectified Adam",
    paper="Liu et al.: On the Variance of the Adaptive Learning Rate and Beyond",
    year=2020,
    url="https://arxiv.org/abs/1908.03265",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
)
def radam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    threshold: Scalar = 5.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""RAdam: Adam with shorter steps while the average squared gradient is young, and steps of momentum before.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \rho_t &= \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \qquad \rho_\infty = \frac{2}{1 - \beta_2} - 1,
               \qquad r_t^2 = \frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t} \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t}{1 - \beta_1^t} \cdot \begin{cases}
               r_t \sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \epsilon) & \rho_t \ge \theta \\ 1 & \text{otherwise}
               \end{cases} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like b1, b2 and eps.
      eps: ... The root is not corrected for its start.
      threshold: the length theta, at least 4, from which on steps are divided by the root. 5 in the authors' code and
        all others; 4 in the paper.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.estimator.value`: v, shaped like the
      parameters; `state["denominator"].age`: (rho + 1) / 2, and `.weight`, like that inside and that of the numerator:
      1 - beta^t (scalars). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.radam(1e-3).slots["denominator"]
      rectified(debiased(root(ema(0.999, of=square))), 0.999)

    Claim:
      Use it when Adam needs a warmup of its rate: the rectified variance stands in for it.

    Source:
      L. Liu et al. (2020). The first steps, five at b2 = 0.999, are those of momentum, as in the paper and in PyTorch;
      the authors' later code and pytorch_optimizer stand still there: `rectified(..., otherwise="still")`. PyTorch's
      weight decay is coupled unless told otherwise: `radam().replace(gradient=coupled_decay(1e-2))`.
    """
    second_moment = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=rectified(debiased(root(second_moment, eps=eps)), b2, threshold=threshold),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
