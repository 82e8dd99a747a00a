"""Annealing: how the inverse temperature of Santa's noise grows."""

import dataclasses

import jax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Scalar


@dataclasses.dataclass(frozen=True)
class power_annealing:  # noqa: N801  (used like a schedule function)
    """An inverse temperature that grows as a power of the step: beta_t = scale (t + offset)^power, t = 1, 2, ...

    Args:
      power: above 0.
      scale: above 0.
      offset: above -1.
    """

    power: Scalar
    scale: Scalar = 1.0
    offset: Scalar = 0.0

    def __post_init__(self) -> None:
        _checks.positive("power", self.power)
        _checks.positive("scale", self.scale)
        _checks.scalar("offset", self.offset, "above -1", lambda x: x > -1)

    def __call__(self, count: jax.Array) -> jax.Array:
        return self.scale * (weak_float(count) + 1 + self.offset) ** self.power

    def __repr__(self) -> str:
        scale = (
            "" if _checks.is_number(self.scale) and self.scale == 1 else f", scale={expression(self.scale, 'scale')}"
        )
        offset = "" if _checks.is_absent(self.offset) else f", offset={expression(self.offset, 'offset')}"
        return f"power_annealing({expression(self.power, 'power')}{scale}{offset})"
