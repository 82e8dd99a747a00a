"""Optimistic Adam."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import difference, parallel, scaled, serial
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="Optimistic Adam",
    paper="Daskalakis, Ilyas, Syrgkanis and Zeng: Training GANs with Optimism",
    year=2017,
    url="https://arxiv.org/abs/1711.00141",
    example={"learning_rate": 1e-2},
    also_called=("optimistic_adam_v2",),
)
def optimistic_adam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    optimism: Decay = 1.0,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Optimistic Adam: Adam's step carried on by its last change, for games of two players.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        r_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}, \qquad r_0 = r_1 \\
        p_t &= p_{t-1} - \alpha_t \left( r_t + o\, (r_t - r_{t-1}) \right)

    Args:
      learning_rate: ... Default of Adam's paper, like b1, b2 and eps.
      optimism: the factor o of the change, at least 0, or a function of the number of steps taken.

    State:
      `state["numerator"].estimator.value`: m, `state["denominator"].estimator.value`: v, and
      `state["rescale"]["change"].previous`: r, all shaped like the parameters; `state["rescale"]["change"].count`:
      steps taken (int32 scalar); `.weight` of numerator and denominator: 1 - beta^t (scalar). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.optimistic_adam(1e-3).slots["rescale"]
      parallel(step=serial(), change=scaled(1, difference()))

    Claim:
      Use it when a GAN is trained: the paper reports a better score of Inception than Adam's on images of CIFAR-10.

    Source:
      C. Daskalakis et al. (2017), with o = 1. The first step is Adam's, as in optax; from r_0 = 0 it would be longer by
      1 + o, `difference(seeded=None)`. The numerator of optax looks ahead unless told otherwise (`nesterov_ema(0.9)`).
      Its version 2 multiplies r by an `alpha` of its own, which is part of the rate here: learning_rate alpha, and
      optimism beta / alpha. The version before takes no schedule, and does not multiply the change by the rate: its
      optimism is learning_rate times the one here.
    """
    _checks.non_negative("optimism", optimism, schedule=True)
    plain = adam(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    change = difference(accumulator_dtype=accumulator_dtype)
    return plain.replace(rescale=parallel(step=serial(), change=scaled(optimism, change)))
