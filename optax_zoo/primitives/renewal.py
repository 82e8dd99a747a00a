"""What is renewed every few steps: bases, roots, projections. At other steps nothing is computed for it.

The choice is a `lax.cond`, also under jit, scan, pmap and shard_map; under `jax.vmap` over optimizers whose counts or
periods differ it is a select, which computes both.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.layout import laid_out_like

_Tree = TypeVar("_Tree")


def phases(costs: Sequence[float], every: Any, staggered: bool = True) -> list[Any]:
    """At which step of a period each of several things is renewed, so that steps take alike: see `due`.

    Args:
      costs: of renewing each (a matrix of n rows: n^3). What costs nothing goes along with its neighbour.
      every: the length of the period, a number (then phases are ints, and what has the same can be renewed together)
        or an array.
      staggered: False renews all at once, in phase 0.
    """
    total = sum(costs)
    if not staggered or not total:
        return [0] * len(costs)
    before = itertools.accumulate(costs, initial=0)
    shares = [cost / total for cost, _ in zip(before, costs, strict=False)]
    if _checks.is_number(every):
        return [int(share * every) for share in shares]
    return [jnp.floor(share * every) for share in shares]


def due(count: Any, every: Any, phase: Any = 0) -> Any:
    """Whether the step of this number renews what has this phase: all at step 0, then each once in a period.

    Args:
      count: of the step, from 0 or, where the first step renews nothing, from 1.
      every: the length of the period, a number or an array. A number of 1 is always due, and needs no `lax.cond`.
      phase: 0, or one of `phases`.
    """
    if _checks.is_number(every) and every == 1:
        return True
    if _checks.is_number(phase) and phase == 0:
        return count % every == 0
    return (count == 0) | ((count - phase) % every == 0)


def renewed(when: Any, renew: Callable[[], _Tree], old: _Tree) -> _Tree:
    """What `renew` returns where it is due, in the dtypes and layout of the old; else the old."""

    def new() -> _Tree:
        return jax.tree.map(lambda x, like: laid_out_like(_cast(x, like), like), renew(), old)

    return new() if when is True else either(when, new, lambda: old)


def either(when: Any, first: Callable[[], _Tree], second: Callable[[], _Tree]) -> _Tree:
    """What one of two functions returns, by `lax.cond`; in `jax.shard_map` they may vary over different axes."""
    if not jax.sharding.get_abstract_mesh().manual_axes:
        return jax.lax.cond(when, first, second)
    kinds = jax.eval_shape(first), jax.eval_shape(second)
    over = jax.tree.map(lambda *of_both: frozenset().union(*map(_varies_over, of_both)), *kinds)
    return jax.lax.cond(when, *(lambda made=made: jax.tree.map(_varying, made(), over) for made in (first, second)))


def _cast(x: jax.Array, like: jax.Array) -> jax.Array:
    return (x if jnp.iscomplexobj(like) else x.real).astype(like.dtype)


def _varies_over(x: Any) -> frozenset[str]:
    of: Any = x if isinstance(x, jax.ShapeDtypeStruct) else jax.typeof(x)
    if hasattr(of, "manual_axis_type"):
        return getattr(of.manual_axis_type, "varying", frozenset())  # of arrays in jax.pmap there is none
    return of.vma  # as older versions call it


def _varying(x: jax.Array, over: frozenset[str]) -> jax.Array:
    axes = tuple(over - _varies_over(x))
    if not axes:
        return x
    lax: Any = jax.lax
    return lax.pcast(x, axes, to="varying") if hasattr(lax, "pcast") else lax.pvary(x, axes)
