"""QHAdam."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, debiased, ema, identity, optional, parallel, root, scaled, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="QHAdam: quasi-hyperbolic Adam",
    paper="Ma and Yarats: Quasi-hyperbolic momentum and Adam for deep learning",
    year=2019,
    url="https://arxiv.org/abs/1810.06801",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def qhadam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.995,
    b2: Decay = 0.999,
    *,
    nu1: Scalar = 0.7,
    nu2: Scalar = 1.0,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""QHAdam: Adam whose averages, of the gradient and of its square, are mixed with those of this step.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{\nu_1 m_t / (1 - \beta_1^t) + (1 - \nu_1) g_t}{\sqrt{\nu_2 v_t
               / (1 - \beta_2^t) + (1 - \nu_2) g_t^2 + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of the authors' code.
      b1: ... The paper recommends 0.995 with a nu1 of 0.7; the default of the authors' code, 0.9 with 1, is Adam.
      nu1: the share of the average gradient, at least 0 and at most 1.
      nu2: the share of the average squared gradient, at least 0 and at most 1.

    State:
      `state["numerator"]["average"].estimator.value`: m, and `state["denominator"]["average"].estimator.value`: v, both
      shaped like the parameters; `.weight` beside each: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.qhadam(1e-3).slots["numerator"]
      parallel(average=scaled(0.7, debiased(ema(0.995))), now=scaled(0.3, identity))

    Claim:
      Use it when the gradient of the moment is worth more than momentum gives it: with a slow average beside it, the
      paper trains a translation model more stably than with Adam.

    Source:
      J. Ma, D. Yarats (2019); their package qhoptim, with which torch-optimizer agrees. pytorch_optimizer keeps the
      weights of the averages in float32, which is what its recorded steps differ by, 4e-8.
    """
    for name, share in {"nu1": nu1, "nu2": nu2}.items():
        _checks.scalar(name, share, "at least 0 and at most 1", lambda x: 0 <= x <= 1)
    mean = debiased(ema(b1, accumulator_dtype=accumulator_dtype))
    mean_square = debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype))
    mixed = parallel(average=scaled(nu2, mean_square), now=scaled(1 - nu2, square))
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=parallel(average=scaled(nu1, mean), now=scaled(1 - nu1, identity)),
        denominator=root(mixed, eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
    )
