"""Which leaves have factors that fit: as `matrices`, and neither too long nor merged to vectors."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.stacked import stacked_axes
from optax_zoo.primitives.tensor_axes import merged
from optax_zoo.route import matrices


@dataclasses.dataclass(frozen=True, repr=False)
class short_matrices(matrices):  # noqa: N801  (used like a function of path and leaf)
    """A rule for `route`: as `matrices`, but of merged axes, and without leaves that are too long or have too few axes.

    Args:
      merged_to: neighbouring axes are seen as one while their product is at most this; None for no merging.
      max_size: leaves that have a longer axis are "rest"; None for no limit.
      min_axes: leaves that have fewer axes, before they are merged, are "rest".
    """

    merged_to: int | None = None
    max_size: int | None = None
    min_axes: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, number in {"merged_to": self.merged_to, "max_size": self.max_size, "min_axes": self.min_axes}.items():
            if number is not None:
                _checks.whole(name, number)

    def reasons(self, tree: Any) -> list[tuple[str, str]]:
        """The side of each leaf of a tree, and why."""
        of_leaves = zip(jax.tree.leaves(tree), stacked_axes(self.stacked, tree), super().reasons(tree), strict=True)
        return [self._judged(*each) for each in of_leaves]

    def _judged(self, leaf: Any, layers: tuple[int, ...], before: tuple[str, str]) -> tuple[str, str]:
        shape = [n for axis, n in enumerate(jnp.shape(leaf)) if axis not in layers]
        if before[0] != "matrices":
            return before
        if len(shape) < self.min_axes:
            return "rest", f"{before[1]}, below {self.min_axes}"
        if self.max_size is not None and max(shape) > self.max_size:
            return "rest", f"an axis of {max(shape)}, above {self.max_size}"
        if self.merged_to is not None and len(merged(tuple(shape), self.merged_to)) < 2:
            return "rest", f"merged to one axis of {math.prod(shape)}"
        return before

    def __repr__(self) -> str:
        own = {"merged_to": self.merged_to, "max_size": self.max_size}
        shown = [f"{name}={value}" for name, value in own.items() if value is not None]
        shown += [f"min_axes={self.min_axes}"] if self.min_axes != 1 else []
        inherited = super().__repr__().removeprefix("matrices(").removesuffix(")")
        return f"short_matrices({', '.join(filter(None, (inherited, *shown)))})"
