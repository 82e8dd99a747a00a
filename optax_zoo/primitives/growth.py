"""A limit of how fast steps grow (Fira)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.sizes import finite_norm
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import leaf_sum, square, statistic_zeros
from optax_zoo.primitives.types import Scalar


class GrowthState(NamedTuple):
    """State of `limit_growth`.

    Attributes:
      norm: of what was returned last, a scalar a leaf; of stacked layers one each.
      count: steps taken (int32 scalar).
    """

    norm: Any
    count: Any


@primitive
def limit_growth(ratio: Scalar = 1.01, *, eps: Scalar = 1e-8, axis_name: Any = None, stacked: Stacked = None) -> Rule:
    """Scales each leaf down to a multiple of the norm that it had in the step before: ratio (n + eps) at most (Fira).

    n is the norm of what was returned then; the first step passes. After a leaf of 0, eps is all that the next may grow
    from; with an eps of 0 that passes. Norms beyond 2^120 (2^1016 in float64) count as that large.

    Args:
      ratio: how many times as long a leaf may become in a step, above 0.
      eps: added to the norm before.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is limited by itself; see `normalize_by_norm`.

    Returns:
      A transformation with state `GrowthState`.

    Source:
      X. Chen et al. (2024): Fira: Can We Achieve Full-rank Training of LLMs Under Low-rank Constraint?
    """
    _checks.positive("ratio", ratio)
    _checks.non_negative("eps", eps)
    square_norm = leaf_sum(square, axis_name, stacked)
    measure = measure_leaves("l2", axis_name, stacked)

    def init(params: Any) -> GrowthState:
        return GrowthState(statistic_zeros(square_norm, params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: GrowthState, params: Any = None, **extra_args: Any) -> Any:
        leaves = jax.tree.leaves(updates)
        treedef: Any = jax.tree.structure(updates)
        norms = [finite_norm(size) for size in measure(updates)]

        def share(norm: jax.Array, before: jax.Array) -> jax.Array:
            most = ratio * (before + eps)
            limited = (state.count > 0) & (most > 0) & (norm > most)
            return jnp.where(limited, most / jnp.where(limited, norm, 1), 1)

        shares = list(map(share, norms, treedef.flatten_up_to(state.norm)))
        limited = [(x * c).astype(x.dtype) for x, c in zip(leaves, shares, strict=True)]
        after = [norm * c for norm, c in zip(norms, shares, strict=True)]
        return treedef.unflatten(limited), GrowthState(treedef.unflatten(after), optax.safe_increment(state.count))

    return Rule(init, update, by_leaf=axis_name is None and stacked is None)
