"""Clips against what gradients were before: of spikes (SPAM), and of leaves that are longer than on average (AdaGC)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.moments import average_of
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.sizes import finite_norm
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import leaf_sum, square, statistic_zeros
from optax_zoo.primitives.types import Scalar


class SpikesState(NamedTuple):
    """State of `clip_spikes`.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@primitive
def clip_spikes(
    threshold: Scalar = 5000.0, *, pause: Scalar = 20, every: Scalar | None = None, of: str = "denominator"
) -> Rule:
    """Elements whose square is above threshold v are given that size: sign(x) sqrt(threshold v) (SPAM).

    v is the average square in another slot as it was before the step. Where all gradients of an element were 0 since
    that average has begun, so is v, and the element stays at 0 when clips set in.

    Args:
      threshold: how many times the average a square may be, above 0.
      pause: the number of the first step that is clipped, at least 1; `every` so many steps it is counted anew.
      every: how often the average restarts, see `restarted`; None for never.
      of: the slot with the average; where it keeps several, with the name of one: "denominator.slow".

    Returns:
      A transformation for the slot gradient of a pipeline, which hands the states of all slots on, with state
      `SpikesState`.
    """
    _checks.positive("threshold", threshold)
    _checks.non_negative("pause", pause)
    if every is not None:
        _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    slot, _, member = of.partition(".")

    def init(params: Any) -> SpikesState:
        return SpikesState(jnp.zeros((), jnp.int32))

    def update(
        updates: Any,
        state: SpikesState,
        params: Any = None,
        *,
        states_before: Mapping[str, Any] | None = None,
        **extra_args: Any,
    ) -> Any:
        if slot not in (states_before or {}):
            raise ValueError(
                f"of is {of!r}, but must be a slot of the pipeline that clip_spikes stands in: "
                f"{', '.join(states_before or ()) or 'it stands in none'}."
            )
        count: Any = optax.safe_increment(state.count)
        since = count if every is None else count % every

        def clip(x: jax.Array, v: jax.Array) -> jax.Array:
            limit = jnp.sqrt(threshold) * root_of(v.astype(x.real.dtype))
            return jnp.where((since >= pause) & (jnp.abs(x) > limit), jnp.sign(x) * limit, x).astype(x.dtype)

        average = average_of((states_before or {})[slot], slot, member)
        return jax.tree.map(clip, updates, average), SpikesState(count)

    return Rule(init, update, by_leaf=True)


class AverageClipState(NamedTuple):
    """State of `clip_by_average_norm`.

    Attributes:
      norm: the average norm, a scalar a leaf; of stacked layers one each.
      count: steps taken (int32 scalar).
    """

    norm: Any
    count: Any


@primitive
def clip_by_average_norm(
    decay: Scalar = 0.98,
    *,
    ratio: Scalar = 1.05,
    warmup_steps: Scalar = 100,
    max_norm: Scalar = 1.0,
    eps: Scalar = 1e-8,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Scales each leaf down to a multiple of the norm that it had on average (AdaGC): x min(1, ratio n / norm(x)).

    n is an average of the norms of clipped leaves: n <- decay n + (1 - decay) norm(u). Before it sets in, during the
    warm-up, leaves are clipped by their norm together, x min(1, max_norm / (norm + eps)), and n is the least norm of
    that. Norms beyond 2^120 (2^1016 in float64) count as that large.

    Args:
      decay: of the average, in [0, 1).
      ratio: how many times n a norm may be, above 0.
      warmup_steps: the number of the first step that is clipped by n; the first step of all is not.
      max_norm: of all leaves together during the warm-up, above 0.
      eps: the least that n and a norm count, and added to the norm of all leaves.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is clipped by itself; see `normalize_by_norm`.

    Returns:
      A transformation with state `AverageClipState`.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("warmup_steps", warmup_steps)
    _checks.non_negative("eps", eps)
    for name, value in {"ratio": ratio, "max_norm": max_norm}.items():
        _checks.positive(name, value)
    square_norm = leaf_sum(square, axis_name, stacked)
    measure = measure_leaves("l2", axis_name, stacked)

    def init(params: Any) -> AverageClipState:
        return AverageClipState(statistic_zeros(square_norm, params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: AverageClipState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        first, warm = count == 1, (count == 1) | (count < warmup_steps)
        leaves = jax.tree.leaves(updates)
        treedef: Any = jax.tree.structure(updates)
        norms = [finite_norm(size) for size in measure(updates)]
        whole = jnp.minimum(max_norm / (_of_norms(norms) + eps), 1)

        def share(norm: jax.Array, average: jax.Array) -> jax.Array:
            relative = jnp.minimum(ratio * jnp.maximum(average, eps) / jnp.maximum(norm, eps), 1)
            return jnp.where(warm, whole, relative)

        def averaged(n: jax.Array, norm: jax.Array) -> jax.Array:
            after = jnp.where(warm, jnp.minimum(n, norm), decay * n + (1 - decay) * norm)
            return jnp.where(first, norm, after).astype(n.dtype)

        averages = treedef.flatten_up_to(state.norm)
        shares = list(map(share, norms, averages))
        kept = [averaged(n, norm * c) for n, norm, c in zip(averages, norms, shares, strict=True)]
        clipped = [x * c.astype(x.real.dtype) for x, c in zip(leaves, shares, strict=True)]
        return treedef.unflatten(clipped), AverageClipState(treedef.unflatten(kept), count)

    return Rule(init, update, by_leaf=False)


def _of_norms(norms: list[jax.Array]) -> Any:
    """The norm of what several arrays of norms are of."""
    flat = jnp.concatenate([norm.ravel() for norm in norms]) if norms else jnp.zeros(1)
    largest = jnp.max(flat)
    return largest * root_of(jnp.sum(square(flat / jnp.where(largest > 0, largest, 1))))
