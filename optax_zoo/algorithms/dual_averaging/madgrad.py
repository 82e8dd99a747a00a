"""MADGRAD."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import (
    already_applied,
    coupled_decay,
    optional,
    power_growth,
    primal_averaging,
    root,
    square,
    total,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@dataclasses.dataclass(frozen=True)
class raised_schedule:  # noqa: N801  (used like a schedule function)
    """A schedule plus a constant, but 0 where the schedule is 0.

    Args:
      schedule: a function of the number of steps taken.
      by: the constant, at least 0.
    """

    schedule: Any
    by: Scalar

    def __post_init__(self) -> None:
        _checks.non_negative("by", self.by)

    def __call__(self, count: jax.Array) -> Any:
        return _raised(self.schedule(count), self.by)

    def __repr__(self) -> str:
        return f"raised_schedule({expression(self.schedule, 'schedule')}, {expression(self.by, 'by')})"


def _raised(rate: ScalarOrSchedule, by: Scalar) -> Any:
    """A rate plus a constant, but 0 where the rate is 0: a number, or a schedule of a schedule."""
    _checks.non_negative("learning_rate", rate, schedule=True)
    if callable(rate):
        return raised_schedule(rate, by)
    if _checks.is_number(rate):
        return rate + by if rate else rate
    return jnp.where(rate == 0, 0, rate + by)


@algorithm(
    full_name="MADGRAD: momentumized, adaptive, dual averaged gradient",
    paper="Defazio and Jelassi: Adaptivity without Compromise: A Momentumized, Adaptive, Dual Averaged Gradient Method "
    "for Stochastic Optimization",
    year=2022,
    url="https://arxiv.org/abs/2101.11075",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    proof="authors' code",
)
def madgrad(
    learning_rate: ScalarOrSchedule = 1e-2,
    momentum: Scalar = 0.9,
    *,
    eps: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""MADGRAD: dual averaging with AdaGrad's sums under a cube root, and momentum as an average of iterates.

    .. math::

        \lambda_t &= (\alpha_t + \epsilon) \sqrt{t}, \qquad
        s_t = s_{t-1} + \lambda_t g_t, \qquad \nu_t = \nu_{t-1} + \lambda_t g_t^2 \\
        z_t &= p_0 - \frac{s_t}{\nu_t^{1/3} + \epsilon}, \qquad p_t = \beta p_{t-1} + (1 - \beta) z_t

    Args:
      learning_rate: ... Default of the authors' code, like all that follow; the best rate is another than SGD's or
        Adam's.
      momentum: beta, in [0, 1).
      eps: added outside the root, and to a rate that is not 0.

    State:
      `state["numerator"].value`: s, `state["denominator"].value`: nu, and `state["iterate"].base`: the first
      parameters, all shaped like the parameters. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.madgrad(0.01).slots["denominator"]
      root(total(of=square, weight=power_growth(0.5), rated=True), eps=1e-06, order=3)

    Claim:
      Use it when models are to generalize as with SGD and to train as fast as with an adaptive method, also on sparse
      problems; with less weight decay than either.

    Source:
      A. Defazio, S. Jelassi (2022); their package madgrad. torch-optimizer, timm, pytorch_optimizer and
      optax.contrib agree where the decay is coupled, as here. Decoupled, the authors and pytorch_optimizer decay by
      (alpha + eps) lambda after the average over iterates, timm by alpha lambda before it. Without momentum they keep
      no p_0, but find it from p and s, which is the same but for rounding.
    """
    _checks.non_negative("eps", eps)

    def summed(**of: Any) -> Any:
        return total(weight=power_growth(0.5), rated=True, accumulator_dtype=accumulator_dtype, **of)

    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=summed(),
        denominator=root(summed(of=square), eps=eps, order=3, still=_checks.is_absent(eps)),
        learning_rate=already_applied(_raised(learning_rate, eps)),
        iterate=primal_averaging(momentum, from_start=True),
    )
