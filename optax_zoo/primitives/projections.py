"""What gradient and average have in common by direction (Aida)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.sizes import Size
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.types import Scalar


@dataclasses.dataclass(frozen=True)
class mutual_projections:  # noqa: N801  (used like a function of two trees)
    """Two trees, of which each leaf is projected onto the line of its counterpart, and this onto its, again and again.

    Both at once: x <- <x, m> / (norm(x)^2 + eps) x and m <- <x, m> / (norm(m)^2 + eps) m, so that each keeps its line,
    and is as long as the other's projection onto it. After two of them both have become shorter by the squared cosine
    of their angle.

    Args:
      count: how many times, at least 0.
      eps: added to the squared norms.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is projected by itself; see `normalize_by_norm`.
    """

    count: int = 2
    eps: Scalar = 1e-20
    axis_name: Any = None
    stacked: Stacked = None

    def __post_init__(self) -> None:
        _checks.whole("count", self.count, 0)
        _checks.non_negative("eps", self.eps)
        check_stacked(self.stacked)

    def __call__(self, tree: Any, other: Any) -> tuple[Any, Any]:
        """Both trees, projected."""
        measure = measure_leaves("l2", self.axis_name, self.stacked)
        leaves = jax.tree.leaves(tree)
        treedef: Any = jax.tree.structure(tree)
        others = treedef.flatten_up_to(other)
        names, axes = broadcast_axis_names(self.axis_name, tree), stacked_axes(self.stacked, tree)
        pairs = [
            self._pair(*each) for each in zip(leaves, others, measure(tree), measure(other), names, axes, strict=True)
        ]
        return treedef.unflatten(x for x, _ in pairs), treedef.unflatten(m for _, m in pairs)

    def _pair(self, x: Any, m: Any, of_x: Size, of_m: Size, name: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
        """Unit vectors of both, times the lengths that come of their norms and their cosine."""
        units = _unit(of_x), _unit(of_m)
        product = (x * units[0] * (m * units[1]).conj()).real
        cosine = Reduction([product], [name], axes).sum(lambda terms: terms)
        units, cosine = jax.lax.optimization_barrier((units, cosine))  # else XLA keeps both vectors for its two readers
        length, other = of_x.norm / of_x.scale, of_m.norm / of_m.scale
        for _ in range(self.count):
            length, other = other * cosine * self._share(length), length * cosine * self._share(other)
        return x * units[0] * length, m * units[1] * other

    def _share(self, length: Any) -> Any:
        """length^2 / (length^2 + eps)."""
        some = length != 0
        return jnp.where(some, 1 / (1 + (jnp.sqrt(self.eps) / jnp.where(some, length, 1)) ** 2), 0)

    def __repr__(self) -> str:
        given = [f"{self.count}"]
        given += [] if isinstance(self.eps, float) and self.eps == 1e-20 else [f"eps={expression(self.eps, 'eps')}"]
        given += [] if self.axis_name is None else ["axis_name=axis_name"]
        given += [] if self.stacked is None else [f"stacked={expression(self.stacked, 'stacked')}"]
        return f"mutual_projections({', '.join(given)})"


def _unit(size: Size) -> jax.Array:
    """What makes an array a unit vector; 0 where it vanishes."""
    vanishes = size.norm < size.least
    return jnp.where(vanishes, 0, size.scale) / jnp.where(vanishes, 1, size.norm)
