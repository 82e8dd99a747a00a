"""AdamG."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    Part,
    coupled_decay,
    debiased,
    ema,
    identity,
    optional,
    relative_rate,
    root,
    scaled,
    serial,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdamG: Adam with the golden step size",
    paper="Pan, Xiong, Suo, Liu and Pan: Towards Stability of Parameter-free Optimization",
    year=2024,
    url="https://arxiv.org/abs/2405.04376",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def adamg(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Decay = 0.95,
    b2: Decay = 0.999,
    b3: Decay = 0.95,
    *,
    p: Scalar = 0.2,
    q: Scalar = 0.24,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Adam whose gradients are weighed with a power of their second moment, which stands for the distance to go.

    .. math::

        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad r_t = \beta_3 r_{t-1} + (1 - \beta_3)\, p\, v_t^q, \qquad
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) r_t g_t \\
        p_t &= p_{t-1} - \min\left(\alpha_t, \frac{1}{\sqrt{t}}\right) \frac{m_t / (1 - \beta_1^t)}
               {\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Args:
      learning_rate: the largest rate alpha, at least 0, or a schedule; leave it at 1. Default of pytorch_optimizer,
        like all that follow.
      b1: decay of the average of weighed gradients, in [0, 1), or a function of the number of steps taken.
      b3: decay of the average weight, in [0, 1), or a function of the number of steps taken.
      p: the factor of the weight, above 0.
      q: the power of the weight, above 0: a little less than that of a root of a root, by default.

    State:
      `state["numerator"]["weighed"].weight`: v (`["power"]`) and r (`["average"]`), `["average"].estimator.value`: m,
      `state["denominator"].estimator.value`: v again, all shaped like the parameters; `.weight` of averages:
      1 - beta^t, `state["learning_rate"].count`: steps taken (int32 scalar). 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamg().slots["learning_rate"]
      relative_rate(largest=1)

    Claim:
      Use it when Adam is to be trained without a search for its rate, and rates that follow an estimated distance are
      not stable enough.

    Source:
      Y. Pan et al. (2024); pytorch_optimizer, which is replayed. Its decoupled decay follows alpha, not the rate of the
      step; here the decay is coupled. Numerator and denominator keep v each.
    """
    for name, value in {"p": p, "q": q}.items():
        _checks.positive(name, value)

    def energy() -> Part:
        return ema(b2, of=square, accumulator_dtype=accumulator_dtype)

    weight = serial(
        power=scaled(p, root(energy(), eps=0.0, power=2 * q)),
        average=ema(b3, accumulator_dtype=accumulator_dtype),
    )
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=serial(
            weighed=scaled(weight, identity), average=debiased(ema(b1, accumulator_dtype=accumulator_dtype))
        ),
        denominator=root(debiased(energy()), eps=eps),
        learning_rate=relative_rate(learning_rate),
    )
