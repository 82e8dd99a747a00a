"""Scaling by the size of the parameters: trust ratios (LAMB, LARS) and steps relative to the parameters (Adafactor)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.masks import check_mask, masked
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.sizes import Size
from optax_zoo.primitives.stacked import Stacked, init_for
from optax_zoo.primitives.types import Mask, Scalar


@primitive
def trust_ratio(
    norm: str = "l2",
    *,
    eps: Scalar = 0.0,
    max_param_norm: Scalar | None = None,
    max_ratio: Scalar | None = None,
    mask: Mask = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Gives each leaf of the updates the norm of its parameter: u <- u norm(p) / (norm(u) + eps).

    A leaf whose parameters are all 0, or whose updates are, is left alone. Right for every finite u, see
    `normalize_by_norm`.

    Args:
      norm: a registered name, see `normalize_by_norm`.
      eps: added to the norm of the updates.
      max_param_norm: the largest that a norm of parameters counts, at least 0; None for no limit.
      max_ratio: the largest ratio, at least 0; None for no limit.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a ratio of its own; see `normalize_by_norm`.

    Returns:
      A transformation that needs the parameters, without state.

    Raises:
      ValueError: as `normalize_by_norm`; for a mask that does not fit the parameters.
    """
    _checks.non_negative("eps", eps)
    for name, limit in {"max_param_norm": max_param_norm, "max_ratio": max_ratio}.items():
        if limit is not None:
            _checks.non_negative(name, limit)
    check_mask(mask)
    measure = measure_leaves(norm, axis_name, stacked)

    def rescale(u: jax.Array, of_u: Size, of_p: Size) -> jax.Array:
        unit = 1 if of_u.scale is None else of_u.scale
        total, target = of_u.norm + eps * unit, _norm(of_p)
        if max_param_norm is not None:
            target = jnp.minimum(target, max_param_norm)
        alone = (of_u.norm < of_u.least) | (target == 0)
        if max_ratio is not None:
            target = jnp.minimum(target, max_ratio * (total / unit))
        return u * jnp.where(alone, 1, unit) / jnp.where(alone, 1, total) * jnp.where(alone, 1, target)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        rescaled = list(map(rescale, leaves, measure(updates), measure(params)))
        return jax.tree.unflatten(treedef, rescaled), state

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
        scaled = [u * jnp.maximum(_norm(size), min_norm) for u, size in zip(leaves, measure(params), strict=True)]
        return jax.tree.unflatten(treedef, scaled), state

    return Rule(init_for(stacked), update, ("params",), by_leaf=axis_name is None and stacked is None)


def _norm(size: Size) -> jax.Array:
    """The norm itself, where it can be represented."""
    return size.norm if size.scale is None else size.norm / size.scale
