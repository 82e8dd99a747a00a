"""How the gradient changes from step to step (Adan, MARS)."""

import functools
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks, by_leaf
from optax_zoo.primitives.denominators import LaggedState, debias_weight_through
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import zeros_for
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import DType, Scalar


class DifferenceState(NamedTuple):
    """State of `difference`.

    Attributes:
      previous: the updates of the step before, a tree of arrays (float32 or wider).
      count: steps taken (int32 scalar); there is no such field where the first change is from 0.
    """

    previous: Any
    count: Any = None


@primitive
def difference(*, seeded: Literal["first_step"] | None = "first_step", accumulator_dtype: DType = None) -> Rule:
    """What updates differ by from those of the step before: x - x'.

    Elements beyond 2^60 (2^508 in float64) count as that large: differences of larger ones could overflow.

    Args:
      seeded: "first_step": x' starts from the first x, so that the first difference is 0. None: it starts from 0.
      accumulator_dtype: dtype of x'; by default the gradient's, at least float32.

    Returns:
      A transformation with state `DifferenceState`.
    """
    _checks.one_of("seeded", seeded, ["first_step", None])
    check_accumulator_dtype(accumulator_dtype, scale=False)

    def init(params: Any) -> DifferenceState:
        previous = jax.tree.map(lambda p: zeros_for(identity, p, accumulator_dtype), params)
        return filled(DifferenceState(previous, None if seeded is None else jnp.zeros((), jnp.int32)))

    def update(updates: Any, state: DifferenceState, params: Any = None, **extra_args: Any) -> Any:
        updates = jax.tree.map(bounded, updates)
        kept = jax.tree.map(lambda x, before: jnp.array(x, before.dtype), updates, state.previous)  # a copy
        count: Any = None if seeded is None else optax.safe_increment(state.count)
        return _changes(updates, state), filled(DifferenceState(kept, count))

    return Rule(init, update, by_leaf=True)


@primitive
def extrapolated(estimator: optax.GradientTransformation, weight: Scalar, *, of: str = "numerator") -> Rule:
    """An estimate of the gradient carried on along its last change: estimator(x + weight (x - x')).

    The gradient x' of the step before is that which a `difference` keeps in another slot.

    Args:
      estimator: the estimate, with all that belongs to it inside: `root(debiased(ema(0.99, of=square)))`.
      weight: how far, a number.
      of: the slot with the `difference`.

    Returns:
      An estimator with the state of the one inside. It works in a pipeline, which hands the states of all slots on.
    """
    _checks.scalar("weight", weight, "finite", lambda x: True)
    update_estimate = update_of(estimator)

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        states_before: Mapping[str, Any] | None = None,
        **extra_args: Any,
    ) -> Any:
        changes = _changes(updates, _kept_in(states_before, of))
        ahead = jax.tree.map(lambda x, change: x + weight * change, updates, changes)
        return update_estimate(ahead, state, params, states_before=states_before, **extra_args)

    debias_weight = debias_weight_through(estimator, lambda state: state)
    return Rule(estimator.init, update, needs_of(estimator), debias_weight, all_by_leaf(estimator))


def _changes(updates: Any, state: DifferenceState) -> Any:
    changes = jax.tree.map(lambda x, before: x - before.astype(x.dtype), updates, state.previous)
    if not hasattr(state, "count"):
        return changes
    return jax.tree.map(lambda change: jnp.where(state.count == 0, 0, change), changes)


def _is_difference(node: Any) -> bool:
    return hasattr(node, "previous")


def _kept_in(states: Mapping[str, Any] | None, slot: str) -> DifferenceState:
    """The state of the one `difference` in a slot."""
    if states is None:
        raise TypeError(
            "extrapolated needs the gradient before, which a pipeline hands to the parts in its slots; it must be "
            "outermost in its own."
        )
    found = list(filter(_is_difference, jax.tree.leaves(states.get(slot), is_leaf=_is_difference)))
    if len(found) != 1:
        raise ValueError(f"of is {slot!r}, but must be a slot with one difference(), and has {len(found) or 'none'}.")
    return found[0]


def kept_last(states: dict[str, Any]) -> dict[str, Any]:
    """New states by slot in which what a `difference` or a `lagged` keeps is written when those after it have been.

    Nothing else follows from it, and XLA on CPUs would copy what was kept before, of which others are made, before it
    writes over it: a step of Adan would take four times as long.
    """
    slots = list(states.items())
    return {
        slot: _kept_last(state, [after for _, after in slots[number:]]) for number, (slot, state) in enumerate(slots)
    }


def _kept_last(state: Any, since: list[Any]) -> Any:
    def last(node: Any) -> Any:
        if not _is_kept(node) or not all(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(node)):
            return node
        kept = node.previous if _is_difference(node) else node.estimator.value
        others = [tree for tree in by_leaf.alike(since, kept)[0] if tree is not kept]
        written = jax.tree.map(_written_after, kept, *others) if others else kept
        if _is_difference(node):
            return node._replace(previous=written)
        return node._replace(estimator=node.estimator._replace(value=written))

    return jax.tree.map(last, state, is_leaf=_is_kept)


def _is_kept(node: Any) -> bool:
    return _is_difference(node) or isinstance(node, LaggedState)


def _written_after(x: jax.Array, *others: jax.Array) -> jax.Array:
    """x, in a way that XLA takes for one that needs the others."""
    zero = jax.lax.optimization_barrier(jnp.zeros((), x.dtype))
    seldom = [jnp.isinf(other) for other in others]
    return jnp.where(functools.reduce(jnp.logical_or, seldom), x + zero, x)


def written_after(state: Any, others: Any) -> Any:
    """A new state whose arrays like others are written when these have been, which are made of what is there before."""
    if not isinstance(jax.tree.leaves(others)[0], jax.core.Tracer):
        return state
    found, put = by_leaf.alike(state, others)
    return put([jax.tree.map(_written_after, each, others) for each in found])
