"""Agreement of a step with the gradient of the moment (cautious optimizers, Grams)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.trees import leaves_beside
from optax_zoo.primitives.types import AxisName, Scalar


@primitive
def cautious(min_share: Scalar | None = 1e-3, *, axis_name: Any = None, stacked: Stacked = None) -> Rule:
    """Keeps the elements that have the sign of the gradient, and divides them by the share of the leaf that was kept.

    With k = 1 where u g > 0, else 0, for a direction u and the gradient g of this step,

        u <- k u / max(mean(k), min_share).

    It stands where directions still have the sign of gradients, in the slot rescale or momentum. In a pipeline the
    gradient is handed on as it left the gradient slot; elsewhere it is an argument of `update`. Complex numbers are
    kept that have a positive component along the gradient.

    Args:
      min_share: the least share to divide by, above 0 and at most 1. None: in the share one element more is counted
        than is kept, as in the paper.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a share of its own; see `normalize_by_norm`.

    Returns:
      A stateless transformation.

    Raises:
      TypeError: from `update` without the gradient.
      ValueError: if `stacked` gives a leaf axes that it does not have.
    """
    if min_share is not None:
        _checks.scalar("min_share", min_share, "above 0 and at most 1", lambda x: 0 < x <= 1)
    check_stacked(stacked)

    def keep(u: jax.Array, g: Any, name: AxisName, axes: tuple[int, ...]) -> jax.Array:
        g = lift(g)
        over = Reduction([_along(u, g)], [name], axes)
        share = over.mean(lambda s: s * s + s) / 2  # 1 of 1, 0 of 0 and -1
        share = share + 1 / max(over.count, 1) if min_share is None else jnp.maximum(share, min_share)
        one, share = jax.lax.optimization_barrier((jnp.ones((), u.dtype), share))  # else XLA keeps what both read
        return jnp.where(_along(one * u, one * g) <= 0, 0, u / share)  # keeps NaN

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        check_gradient("cautious", gradient)
        leaves, treedef = jax.tree.flatten(updates)
        names, axes = broadcast_axis_names(axis_name, updates), stacked_axes(stacked, updates)
        kept = list(map(keep, leaves, leaves_beside(updates, gradient), names, axes))
        return jax.tree.unflatten(treedef, kept), state

    return Rule(init_for(stacked), update, by_leaf=axis_name is None and stacked is None)


@primitive
def signed_by_gradient() -> Rule:
    """Gives each element of the updates the sign of the gradient: u <- abs(u) sign(g).

    Where the gradient is 0, so is u. In a pipeline the gradient is handed on as it left the gradient slot; elsewhere it
    is an argument of `update`. Complex numbers point along the gradient.

    Returns:
      A stateless transformation.

    Raises:
      TypeError: from `update` without the gradient.
    """

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        check_gradient("signed_by_gradient", gradient)
        leaves, treedef = jax.tree.flatten(updates)
        signs = [jnp.sign(lift(g)) for g in leaves_beside(updates, gradient)]
        return jax.tree.unflatten(treedef, [jnp.abs(u) * sign for u, sign in zip(leaves, signs, strict=True)]), state

    return Rule(lambda params: optax.EmptyState(), update, by_leaf=True)


def check_gradient(name: str, gradient: Any) -> None:
    """Refuses a step without the gradient."""
    if gradient is None:
        raise TypeError(
            f"{name} needs the gradient: put it into a slot of a pipeline, or call update(updates, state, params, "
            "gradient=...)."
        )


def _along(u: jax.Array, g: jax.Array) -> jax.Array:
    """The sign of u g, a product that can vanish; of complex numbers that of the component of u along g."""
    return jnp.sign((jnp.sign(u) * jnp.sign(g).conj()).real)
