"""AdaMod."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import already_applied, bound_by_average, debiased, decoupled_decay, ema, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaMod: Adam with a momental bound",
    paper="Ding, Ren, Luo and Sun: An Adaptive and Momental Bound Method for Stochastic Learning",
    year=2019,
    url="https://arxiv.org/abs/1910.12249",
    example={"learning_rate": 1e-2, "b3": 0.9},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def adamod(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Scalar = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaMod: Adam whose elementwise rates are at most their own average over the steps.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \eta_t &= \frac{\alpha_t \sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{1}{\sqrt{v_t + \epsilon_r} + \epsilon},
                  \qquad s_t = \beta_3 s_{t-1} + (1 - \beta_3) \eta_t \\
        p_t &= p_{t-1} - \min(\eta_t, s_t) \, m_t - \alpha_t \lambda p_{t-1}

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b3: decay of the average rate, in [0, 1); the average starts from 0, so that this is also how slowly rates warm
        up.
      eps: added outside the root, which is not corrected for its start.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, `state["denominator"].estimator.value`: v, and `state["bound"].value`: s,
      all shaped like the parameters; `.weight` of the first two: 1 - beta^t (scalar). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamod(1e-3).slots["bound"]
      bound_by_average(0.999)

    Claim:
      Use it when Adam needs a warm-up: the paper trains translation models without one.

    Source:
      J. Ding et al. (2019), whose algorithm 1 averages rates without the correction of m; the authors' code has it in
      the rate, as written above, and so have torch-optimizer and pytorch_optimizer, which agree but for their defaults:
      the latter has a b2 of 0.99 and a b3 of 0.9999.
    """
    squares = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=debiased(root(squares, eps=eps, eps_root=eps_root)),
        bound=bound_by_average(b3, accumulator_dtype=accumulator_dtype),
        learning_rate=already_applied(learning_rate),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
