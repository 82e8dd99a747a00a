"""ADOPT."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import (
    Part,
    clip_by_value,
    decoupled_decay,
    ema,
    from_step,
    in_series,
    lagged,
    optional,
    power_growth,
    root,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="ADOPT: Adam with any b2 at the optimal rate of convergence",
    paper="Taniguchi et al.: ADOPT: Modified Adam Can Converge with Any beta2 with the Optimal Rate",
    year=2024,
    url="https://arxiv.org/abs/2411.02853",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
)
def adopt(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.9999,
    *,
    eps: Scalar = 1e-6,
    clip: Decay | None = power_growth(0.25, offset=-1),
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""ADOPT: an average of gradients, each over the root of the average square of those before it.

    .. math::

        v_1 &= g_1^2, \qquad p_1 = p_0, \qquad \text{and for } t > 1 \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, \mathrm{clip}\left( \frac{g_t}{\max(\sqrt{v_{t-1}}, \epsilon)},\;
               \pm (t - 1)^{1/4} \right) \\
        p_t &= p_{t-1} - \alpha_t (m_t + \lambda p_{t-1}), \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      eps: the least that the root counts.
      clip: the largest that an element of a quotient may be, at least 0, or a function of the number of steps taken;
        None for no limit.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none. There is
        none in the first step.

    State:
      `state["momentum"]["average"].value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `state["denominator"].count` and `.estimator.count`, and `state["momentum"]["clip"].count`: steps
      taken (int32 scalars). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> tx = zoo.adopt(1e-3)
      >>> tx.slots["denominator"]
      root(lagged(ema(0.9999, of=square, seeded='first_step')), eps=0, floor=1e-06)
      >>> tx.slots["momentum"]
      serial(clip=clip_by_value(power_growth(0.25, -1)), average=ema(0.9))

    Claim:
      Use it when Adam does not converge, or only with a b2 that has been tuned: the paper proves the optimal rate of
      convergence with any b2.

    Source:
      S. Taniguchi et al. (2024); iShohei220/adopt, whose first step only fills v, and whose decay is coupled unless
      `decouple` is set (`adopt().replace(gradient=coupled_decay(0.1))`). timm's limit grows with the power 0.333;
      pytorch_optimizer's is of the next step, t^(1/4), and its decoupled decay begins with the first step.
    """
    squares = ema(b2, of=square, seeded="first_step", accumulator_dtype=accumulator_dtype)
    return pipeline(
        denominator=root(lagged(squares), eps=0.0, floor=eps),
        momentum=in_series(
            clip=None if clip is None else clip_by_value(clip),
            average=ema(b1, accumulator_dtype=accumulator_dtype),
        ),
        learning_rate=learning_rate,
        decay=optional(_decay_after_first, weight_decay, weight_decay_mask),
    )


def _decay_after_first(weight_decay: Decay, mask: Mask) -> Part:
    _checks.non_negative("weight_decay", weight_decay, schedule=True)
    return decoupled_decay(from_step(weight_decay, 1), mask)
