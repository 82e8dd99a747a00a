"""How the gradient changes from step to step (Adan)."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks, by_leaf
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import zeros_for
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import DType, Scalar


class DifferenceState(NamedTuple):
    """State of `difference`.

    Attributes:
      previous: the updates of the step before, a tree of arrays (float32 or wider).
      count: steps taken (int32 scalar).
    """

    previous: Any
    count: Any


@primitive
def difference(*, accumulator_dtype: DType = None) -> Rule:
    """What updates differ by from those of the step before: x - x', at the first step 0.

    Args:
      accumulator_dtype: dtype of x'; by default the gradient's, at least float32.

    Returns:
      A transformation with state `DifferenceState`.
    """

    check_accumulator_dtype(accumulator_dtype, scale=False)

    def init(params: Any) -> DifferenceState:
        previous = jax.tree.map(lambda p: zeros_for(identity, p, accumulator_dtype), params)
        return DifferenceState(previous, jnp.zeros((), jnp.int32))

    def update(updates: Any, state: DifferenceState, params: Any = None, **extra_args: Any) -> Any:
        kept = jax.tree.map(lambda x, before: jnp.array(x, before.dtype), updates, state.previous)  # a copy
        return _changes(updates, state), DifferenceState(kept, optax.safe_increment(state.count))

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
    first = state.count == 0
    return jax.tree.map(lambda x, before: jnp.where(first, 0, x - before.astype(x.dtype)), updates, state.previous)


def _is_difference(node: Any) -> bool:
    return isinstance(node, DifferenceState)


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
    """New states by slot in which the gradient that a `difference` keeps is written when the others have been.

    Nothing else follows from them, and XLA on CPUs would copy the one before, of which others are made, before it
    writes over it: a step of Adan would take four times as long.
    """
    nodes, treedef = jax.tree.flatten(states, is_leaf=_is_difference)
    if not any(map(_is_difference, nodes)):
        return states

    def last(node: Any) -> Any:
        if not _is_difference(node) or not isinstance(node.count, jax.core.Tracer):
            return node
        others = [tree for tree in by_leaf.alike(states, node.previous)[0] if tree is not node.previous]
        return node._replace(previous=jax.tree.map(_written_after, node.previous, *others))

    return jax.tree.unflatten(treedef, map(last, nodes))


def _written_after(x: jax.Array, *others: jax.Array) -> jax.Array:
    """x, in a way that XLA takes for one that needs the others."""
    zero = jax.lax.optimization_barrier(jnp.zeros((), x.dtype))
    seldom = [jnp.isinf(other) for other in others]
    return jnp.where(functools.reduce(jnp.logical_or, seldom), x + zero, x)
