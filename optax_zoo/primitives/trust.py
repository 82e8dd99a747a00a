"""Scaling by the size of the parameters: trust ratios (LAMB, LARS) and steps relative to the parameters (Adafactor)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.masks import check_mask, masked
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.sizes import Size, norm_of
from optax_zoo.primitives.stacked import Stacked, init_for
from optax_zoo.primitives.trees import leaves_beside
from optax_zoo.primitives.types import Mask, Scalar


@primitive
def trust_ratio(
    norm: str = "l2",
    *,
    coefficient: Scalar = 1.0,
    weight_decay: Scalar | None = None,
    eps: Scalar = 0.0,
    max_param_norm: Scalar | None = None,
    max_ratio: Scalar | None = None,
    min_norm: Scalar | None = None,
    min_ratio: Scalar | None = None,
    min_size: int = 1,
    mask: Mask = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Gives each leaf of the updates the norm of its parameter: u <- coefficient u norm(p) / (norm(u) + eps).

    A leaf whose parameters are all 0, or whose updates are, is left alone. Right for every finite u, see
    `normalize_by_norm`.

    Args:
      norm: a registered name, see `normalize_by_norm`.
      coefficient: what the ratio is multiplied by, at least 0.
      weight_decay: that of LARS, at least 0: the parameters are added, and their norm to that of the updates:
        u <- coefficient (u + weight_decay p) norm(p) / (norm(u) + weight_decay norm(p) + eps). None or 0 for none.
      eps: added to the norm of the updates.
      max_param_norm: the largest that a norm of parameters counts, at least 0; None for no limit.
      max_ratio: the largest ratio, at least 0; None for no limit.
      min_norm: the least that a norm of updates counts, at least 0; None for no limit.
      min_ratio: the least ratio, at least 0, also where the parameters are all 0; None for no limit.
      min_size: leaves of fewer elements are left alone, at least 1.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a ratio of its own; see `normalize_by_norm`.

    Returns:
      A transformation that needs the parameters, without state.

    Raises:
      ValueError: as `normalize_by_norm`; for a mask that does not fit the parameters.
    """
    _checks.non_negative("coefficient", coefficient)
    _checks.non_negative("eps", eps)
    optional = {"weight_decay": weight_decay, "max_param_norm": max_param_norm, "max_ratio": max_ratio}
    optional |= {"min_norm": min_norm, "min_ratio": min_ratio}
    for name, number in optional.items():
        if number is not None:
            _checks.non_negative(name, number)
    _checks.whole("min_size", min_size)
    check_mask(mask)
    measure = measure_leaves(norm, axis_name, stacked)
    decays, strength = not _checks.is_absent(weight_decay), 0.0 if weight_decay is None else weight_decay

    def target_of(of_p: Size, total: Any) -> tuple[jax.Array, Any]:
        """The norm that updates of a norm shall have, and whether there is none."""
        size = norm_of(of_p) if max_param_norm is None else jnp.minimum(norm_of(of_p), max_param_norm)
        target = coefficient * size
        if max_ratio is not None:
            target = jnp.minimum(target, max_ratio * total)
        return (target, size == 0) if min_ratio is None else (jnp.maximum(target, min_ratio * total), False)

    def rescale(u: jax.Array, of_u: Size, of_p: Size) -> jax.Array:
        unit = 1 if of_u.scale is None else of_u.scale
        total = of_u.norm + eps * unit
        total = total if min_norm is None else jnp.maximum(total, min_norm * unit)
        target, nothing = target_of(of_p, total / unit)
        alone = (of_u.norm < of_u.least) | nothing
        return u * jnp.where(alone, 1, unit) / jnp.where(alone, 1, total) * jnp.where(alone, 1, target)

    def rescale_decaying(u: jax.Array, p: Any, of_u: Size, of_p: Size) -> jax.Array:
        own = norm_of(of_u) + strength * norm_of(of_p)
        target, nothing = target_of(of_p, own + eps)
        alone = (own == 0) | nothing
        return (u + strength * lift(p)) / jnp.where(alone, 1, own + eps) * jnp.where(alone, 1, target)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        sizes = measure(updates), measure(params)
        if decays:
            beside = leaves_beside(updates, params)
            rescaled = list(map(rescale_decaying, leaves, beside, *sizes))
        else:
            rescaled = list(map(rescale, leaves, *sizes))
        return jax.tree.unflatten(
            treedef, [r if u.size >= min_size else u for r, u in zip(rescaled, leaves, strict=True)]
        ), state

    init: Any = init_for(stacked)
    whole = optax.GradientTransformationExtraArgs(init, update)
    chosen = masked(whole, mask, "trust ratio")
    return Rule(chosen.init, chosen.update, ("params",), by_leaf=mask is None and axis_name is None and stacked is None)


@primitive
def scale_by_param_norm(
    norm: str = "avg_l2", *, min_norm: Scalar = 1e-3, axis_name: Any = None, stacked: Stacked = None
) -> Rule:
    """Multiplies each leaf of the updates by the norm of its parameter: u <- u max(norm(p), min_norm).

    With the root mean square, avg_l2, the rate is relative to the size of the parameters (Adafactor).

    Args:
      norm: a registered name, see `normalize_by_norm`.
      min_norm: the least that the norm counts, at least 0, so that parameters which start at 0 move.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a norm of its own; see `normalize_by_norm`.

    Returns:
      A transformation that needs the parameters, without state.

    Raises:
      ValueError: as `normalize_by_norm`.
    """
    _checks.non_negative("min_norm", min_norm)
    measure = measure_leaves(norm, axis_name, stacked)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        scaled = [u * jnp.maximum(norm_of(size), min_norm) for u, size in zip(leaves, measure(params), strict=True)]
        return jax.tree.unflatten(treedef, scaled), state

    return Rule(init_for(stacked), update, ("params",), by_leaf=axis_name is None and stacked is None)
