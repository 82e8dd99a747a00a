"""Numbers of a block in 8 bits: the levels that there are between 0 and its largest number."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.precision.blocks import extent
from optax_zoo.primitives.scale import power_of_two

HALF = 0.5  # the chance with which rounding is to the nearest


@dataclasses.dataclass(frozen=True)
class Map:
    """The levels of a block: powers of codes, in proportion, of which the last is its largest number.

    Of each pair of attributes the first is for blocks with numbers of both signs, and the second for those without
    negative numbers.

    Attributes:
      dtype: of codes.
      tops: the largest code.
      powers: the power of codes that levels are, 1, 2 or 4.
      spacing: the distance from a code to the next one; of numbers between them it is the same.
    """

    dtype: Any
    tops: tuple[float, float]
    powers: tuple[int, int]
    spacing: Callable[[jax.Array], Any]

    def encoded(self, x: jax.Array, axes: tuple[int, ...], chance: Any = HALF) -> tuple[jax.Array, jax.Array]:
        """The codes of numbers, and the scales of blocks: their largest number, negative if none of theirs is.

        Args:
          x: numbers in float32 or wider.
          axes: those within blocks.
          chance: in (0, 1), by number: the upper of the levels around it is taken where its place between them exceeds
            that. One half rounds to the nearest, and numbers that are drawn uniformly round without bias.

        Returns:
          Codes, and scales, which have length 1 along the axes. A block with infinities or NaN has the scale NaN.
        """
        largest, least = extent(x, axes)
        onesided = least >= 0
        less = jnp.where(largest > 1, 1 / 16, 1).astype(x.dtype)  # XLA may divide by a reciprocal, which is 0 of 1e38
        share = jnp.abs(x) * less / (largest * less)
        share = jnp.where((largest > 0) & (largest < jnp.inf), share, 0).astype(jnp.float32)
        whole = [top**power for top, power in zip(self.tops, self.powers, strict=True)]
        target = share * _either(onesided, *whole)
        root = _either(onesided, *(_root(target, power) for power in self.powers))
        step = self.spacing(root)
        below = jnp.floor(root / step) * step
        low, high = self._power(below, onesided), self._power(below + step, onesided)
        code = jnp.where(target - low > chance * (high - low), below + step, below)
        scale = jnp.where(largest < jnp.inf, jnp.where(onesided, -largest, largest), jnp.nan)
        return _stored(jnp.where(x < 0, -code, code), self.dtype), scale

    def decoded(self, codes: jax.Array, scale: jax.Array) -> jax.Array:
        """The numbers that codes stand for, in the dtype of the scales, which is float32 or wider."""
        onesided, code = scale < 0, codes.astype(jnp.float32)
        code = jnp.where(onesided & (code < 0), code + 256, code)
        size, top = jnp.abs(code), _either(onesided, *self.tops)
        share = jnp.where(size == top, 1, self._power(size / top, onesided))  # XLA may divide by an inexact reciprocal
        return jnp.where(code < 0, -share, share).astype(scale.dtype) * jnp.abs(scale)

    def _power(self, x: jax.Array, onesided: jax.Array) -> jax.Array:
        return _either(onesided, *(_power(x, power) for power in self.powers))


def _either(onesided: jax.Array, of_both_signs: Any, of_one: Any) -> jax.Array:
    return jnp.where(onesided, jnp.float32(of_one), jnp.float32(of_both_signs))


def _power(x: jax.Array, power: int) -> jax.Array:
    return x if power == 1 else _power(x * x, power // 2)


def _root(x: jax.Array, power: int) -> jax.Array:
    return x if power == 1 else _root(jnp.sqrt(x), power // 2)


def _stored(codes: jax.Array, dtype: Any) -> jax.Array:
    """Codes in their dtype; those of int8 beyond 127 as what has the same bits."""
    return codes.astype(jnp.int32).astype(dtype) if jnp.issubdtype(dtype, jnp.integer) else codes.astype(dtype)


def _float8_spacing(code: jax.Array) -> jax.Array:
    """The power of 2 of a number, but of subnormal ones that of the smallest normal one, over 8."""
    return jnp.maximum(power_of_two(code), 2.0**-6) / 8


MAPS = {
    "int8": Map(jnp.int8, (127.0, 255.0), (2, 4), lambda code: 1.0),
    "float8_e4m3fn": Map(jnp.float8_e4m3fn, (448.0, 448.0), (1, 2), _float8_spacing),
}
