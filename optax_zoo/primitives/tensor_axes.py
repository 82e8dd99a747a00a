"""A leaf as a tensor along whose axes matrices act: which axes have one, and how the leaf is seen for it."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

_LETTERS = "abcdefghijklm"


@dataclasses.dataclass(frozen=True)
class TensorAxes:
    """A leaf seen as layers of tensors: (number of layers, *shape).

    Attributes:
      order: the axes of the leaf, those that stack layers first.
      layers: the lengths of those.
      shape: the lengths of the axes of a tensor.
      sizes: of the matrix along each of them, 0 where there is none.
    """

    order: tuple[int, ...]
    layers: tuple[int, ...]
    shape: tuple[int, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(
        cls,
        leaf: Any,
        stacked: tuple[int, ...] = (),
        *,
        max_size: int,
        of_vectors: bool,
        merge: bool = False,
        channels_last: bool = False,
        one_sided: bool = False,
    ) -> "TensorAxes":
        """How a leaf is seen, see `eigenbasis`."""
        lengths = jnp.shape(leaf)
        rest = [axis for axis in range(len(lengths)) if axis not in stacked]
        has_matrices = len(rest) > 1 or of_vectors
        if merge and channels_last and len(rest) == 4:
            rest = [rest[0], rest[3], rest[1], rest[2]]
        shape = tuple(lengths[axis] for axis in rest)
        if merge and len(rest) > 1:
            shape = merged(shape, max_size)
        sizes = tuple(n if has_matrices and n <= max_size else 0 for n in shape)
        if one_sided and len(shape) > 1:
            shortest = shape.index(min(shape))
            sizes = tuple(n if axis == shortest else 0 for axis, n in enumerate(sizes))
        return cls((*stacked, *rest), tuple(lengths[axis] for axis in stacked), shape, sizes)

    @property
    def cost(self) -> int:
        """What decompositions of the matrices cost."""
        return math.prod(self.layers) * sum(n**3 for n in self.sizes)

    def __str__(self) -> str:
        """Along which axes there are matrices: "factors of 768, 2304", "12 of factors of 768, none of 50257"."""
        if not any(self.sizes):
            return "no factors"
        with_one, without = (
            [n for n, size in zip(self.shape, self.sizes, strict=True) if bool(size) is has] for has in (True, False)
        )
        layers = f"{math.prod(self.layers)} of " * bool(self.layers)
        none = f", none of {', '.join(map(str, without))}" if without else ""
        return f"{layers}factors of {', '.join(map(str, with_one))}{none}"

    def tensors(self, x: jax.Array) -> jax.Array:
        """A leaf as its layers of tensors."""
        return x.transpose(self.order).reshape(math.prod(self.layers), *self.shape)

    def leaf(self, tensors: jax.Array, like: jax.Array) -> jax.Array:
        """Layers of tensors as the leaf that they are of."""
        lengths = [like.shape[axis] for axis in self.order]
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return tensors.reshape(lengths).transpose(back)

    def batched(self, matrices: Sequence[jax.Array]) -> list[jax.Array]:
        """The matrices of a leaf, as many as it has axes: (number of layers, n, n)."""
        count = math.prod(self.layers)
        own = zip(matrices[: len(self.sizes)], self.sizes, strict=True)
        return [m.reshape(count, n, n) if n else jnp.zeros((count, 0, 0), m.dtype) for m, n in own]

    def unbatched(self, batches: Sequence[jax.Array], matrices: Sequence[jax.Array]) -> list[jax.Array]:
        """New matrices in place of others, of which those that stand for none stay."""
        own = zip(batches, matrices[: len(self.sizes)], self.sizes, strict=True)
        new = [batch.reshape(m.shape) if n else m for batch, m, n in own]
        return [*new, *matrices[len(self.sizes) :]]

    def covariances(self, tensors: jax.Array) -> list[jax.Array]:
        """For each axis that has a matrix the products of the tensor's slices along it, summed over all others."""
        letters = _LETTERS[: len(self.shape)]
        pairs = [(a, letters.replace(a, a.upper()), n) for a, n in zip(letters, self.sizes, strict=True)]
        none = jnp.zeros((len(tensors), 0, 0), tensors.dtype)
        return [
            jnp.einsum(f"z{letters},z{other}->z{a}{a.upper()}", tensors, tensors.conj()) if n else none
            for a, other, n in pairs
        ]

    def rotated(self, tensors: jax.Array, vectors: Sequence[jax.Array]) -> jax.Array:
        """Tensors in the coordinates of orthonormal vectors, the columns of matrices: Q^H along each axis."""
        return self._applied("{a}{A}", tensors, [q.conj() for q in vectors])

    def rotated_back(self, tensors: jax.Array, vectors: Sequence[jax.Array]) -> jax.Array:
        """Tensors out of such coordinates: Q along each axis."""
        return self._applied("{A}{a}", tensors, vectors)

    def _applied(self, indices: str, tensors: jax.Array, matrices: Sequence[jax.Array]) -> jax.Array:
        letters = _LETTERS[: len(self.shape)]
        for a, n, matrix in zip(letters, self.sizes, matrices, strict=True):
            if n:
                of_matrix = indices.format(a=a, A=a.upper())
                result = letters.replace(a, a.upper())
                tensors = jnp.einsum(f"z{letters},z{of_matrix}->z{result}", tensors, matrix)
        return tensors


def merged(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Neighbouring axes joined as long as their product is at most `most`."""
    found, product = [], 1
    for n in shape:
        if product * n <= most:
            product *= n
        elif product > 1:
            found.append(product)
            product = n
        else:
            found.append(n)
    return (*found, product) if product > 1 or not found else tuple(found)
