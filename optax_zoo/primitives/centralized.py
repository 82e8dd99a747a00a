"""Gradients whose mean over the inputs of each output is 0 (gradient centralization)."""

from typing import Any

import jax

from optax_zoo import _checks
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.statistics import identity


@primitive
def centralized(*, outputs: Outputs = "last", min_axes: int = 2, stacked: Stacked = None) -> Rule:
    """Subtracts from the gradient of each output's weights their mean, in leaves of two and more axes.

    `optax.centralize()` is `centralized(outputs="first")`: outputs along the first axis, which in Flax is an input's.

    Args:
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.
      min_axes: of how many axes a leaf must be; 4 for convolutions alone.
      stacked: which axes of a leaf stack layers, see `normalize_by_norm`; they do not count as axes.

    Returns:
      A stateless transformation.

    Raises:
      ValueError: if `stacked` gives a leaf axes that it does not have.

    Source:
      H. Yong et al. (2020): Gradient Centralization: A New Optimization Technique for Deep Neural Networks.
    """
    _checks.one_of("outputs", outputs, ["first", "last"])
    _checks.whole("min_axes", min_axes, 2)
    check_stacked(stacked)

    def centralize(x: jax.Array, layers: tuple[int, ...]) -> jax.Array:
        rest = [axis for axis in range(x.ndim) if axis not in layers]
        if len(rest) < min_axes:
            return x
        kept = (*layers, rest[0 if outputs == "first" else -1])
        return x - Reduction([x], [None], kept).mean(identity)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        return jax.tree.unflatten(treedef, list(map(centralize, leaves, stacked_axes(stacked, updates)))), state

    return Rule(init_for(stacked), update, by_leaf=stacked is None)
