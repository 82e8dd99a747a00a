"""Blocks of an array: boxes of equal sides, so that an array that is split over devices is split between blocks."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

PARTS = 8  # into how many an axis can be split, if it could be before, whatever the blocks are


@dataclasses.dataclass(frozen=True)
class Blocks:
    """How an array is made of blocks.

    Attributes:
      shape: of the array.
      counts: how many blocks there are along each axis. Those at its end may be shorter.
    """

    shape: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], size: int) -> "Blocks":
        """Blocks of a size, as the shape alone determines them.

        Sides are powers of 2 that divide the axes. One after another is doubled, always that of the axis which has the
        most factors of 2 left, or of the last such axis: 16 x 16 of 4096 x 4096. From a quarter of the size on only
        axes are that keep 8 parts. Where there are no factors of 2 for a quarter, the longest axes are cut into equal
        pieces with a shorter one at the end.
        """
        sides = [1] * len(shape)
        while math.prod(sides) < size:
            left = [_twos(n // side) for n, side in zip(shape, sides, strict=True)]
            most = max(left, default=0)
            if most == 0 or (math.prod(sides) >= size // 4 and 2**most <= PARTS):
                break
            sides[len(left) - 1 - left[::-1].index(most)] *= 2
        while math.prod(sides) < min(size // 4, math.prod(shape)):
            lengths = [n // side for n, side in zip(shape, sides, strict=True)]
            longest = lengths.index(max(lengths))
            sides[longest] *= min(size // math.prod(sides), lengths[longest])
        return cls(shape, tuple(-(-n // side) for n, side in zip(shape, sides, strict=True)))

    @property
    def sides(self) -> tuple[int, ...]:
        """The lengths of a block along each axis."""
        return tuple(-(-n // max(count, 1)) for n, count in zip(self.shape, self.counts, strict=True))

    @property
    def inside(self) -> tuple[int, ...]:
        """The axes of `apart` that are within blocks."""
        return tuple(range(1, 2 * len(self.shape), 2))

    def apart(self, x: jax.Array) -> jax.Array:
        """The array with two axes for each of its own: that of blocks, and that in a block. Ends are filled with 0."""
        filled = [count * side for count, side in zip(self.counts, self.sides, strict=True)]
        x = self._whole_where_blocks_are_split(x)
        if filled != list(self.shape):
            x = jnp.pad(x, [(0, more - n) for more, n in zip(filled, self.shape, strict=True)])
        shape = [n for pair in zip(self.counts, self.sides, strict=True) for n in pair]
        return _reshaped(x, shape, [name for pair in zip(_spec(x), [None] * x.ndim, strict=True) for name in pair])

    def together(self, x: jax.Array, like: Any) -> jax.Array:
        """The inverse of `apart`, laid out as an array is."""
        filled = [count * side for count, side in zip(self.counts, self.sides, strict=True)]
        x = _reshaped(x, filled, _spec(x)[::2])
        if filled != list(self.shape):
            x = x[tuple(slice(n) for n in self.shape)]
        return _laid_out(x, _spec(like), like)

    def spread(self, of_blocks: jax.Array) -> jax.Array:
        """Numbers of blocks beside what `apart` returns."""
        return jnp.expand_dims(of_blocks, self.inside)

    def _whole_where_blocks_are_split(self, x: jax.Array) -> jax.Array:
        """The array in one piece along Explicit axes that would split its blocks."""
        mesh = jax.typeof(x).sharding.mesh
        spec = [
            None if count % parts_of(mesh, names) else names for names, count in zip(_spec(x), self.counts, strict=True)
        ]
        return _laid_out(x, spec, x)


def _twos(n: int) -> int:
    """How often a number can be halved."""
    return (n & -n).bit_length() - 1 if n else 0


def _spec(x: Any) -> list[Any]:
    """What an array is split over, where the axes of its mesh are Explicit; None for each axis elsewhere."""
    spec = jax.typeof(x).sharding.spec
    return [*spec, *[None] * (x.ndim - len(spec))]


def parts_of(mesh: Any, names: Any) -> int:
    """Into how many parts some axes of a mesh split one of an array; their names as a PartitionSpec has them."""
    return math.prod(mesh.shape[name] for name in ((names,) if isinstance(names, str) else names or ()))


def _laid_out(x: jax.Array, spec: list[Any], like: Any) -> jax.Array:
    if _spec(x) == spec:
        return x
    return jax.sharding.reshard(x, NamedSharding(jax.typeof(like).sharding.mesh, PartitionSpec(*spec)))


def _reshaped(x: jax.Array, shape: list[int], spec: list[Any]) -> jax.Array:
    if not any(spec):
        return x.reshape(shape)
    out = NamedSharding(jax.typeof(x).sharding.mesh, PartitionSpec(*spec))
    return jnp.reshape(x, shape, out_sharding=out)


def extent(x: jax.Array, axes: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """The largest size and the least number along some axes, which stay with length 1, in one pass.

    Two reductions of what is computed in the same program would be made of a copy of it in memory each.
    """

    def both(one: Any, other: Any) -> Any:
        return jnp.maximum(one[0], other[0]), jnp.minimum(one[1], other[1])

    start = np.zeros((), x.dtype), np.full((), np.inf, x.dtype)
    largest, least = jax.lax.reduce((jnp.abs(x), x), start, both, axes)
    return jnp.expand_dims(largest, axes), jnp.expand_dims(least, axes)
