"""Sums of estimates: several in one slot, of the same gradient."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import in_dtype
from optax_zoo.primitives.types import Decay


@primitive
def parallel(**parts: optax.GradientTransformation) -> Rule:
    """The sum of what several transformations make of the same updates: `parallel(fast=ema(0.9), slow=ema(0.999))`.

    Args:
      **parts: transformations by name.

    Returns:
      A transformation whose state is a dict by name.
    """
    if not parts:
        raise TypeError("parallel() adds up parts, but was given none.")
    updates_of = {name: update_of(part) for name, part in parts.items()}

    def init(params: Any) -> dict[str, Any]:
        return {name: part.init(params) for name, part in parts.items()}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        done = {name: each(updates, state[name], params, **extra_args) for name, each in updates_of.items()}
        summed = jax.tree.map(lambda *terms: sum(terms[1:], terms[0]), *(term for term, _ in done.values()))
        return summed, {name: after for name, (_, after) in done.items()}

    return Rule(init, update, needs_of(*parts.values()), by_leaf=all_by_leaf(*parts.values()))


class ScaledState(NamedTuple):
    """State of `scaled` where the weight is a schedule.

    Attributes:
      estimator: the state of the part.
      count: steps taken (int32 scalar).
    """

    estimator: Any
    count: Any


@primitive
def scaled(weight: Decay, part: optax.GradientTransformation) -> Rule:
    """What a transformation returns, times a weight: `scaled(5.0, ema(0.9999))`.

    Args:
      weight: a number, or a function of the number of steps taken.
      part: the transformation.

    Returns:
      A transformation with the state of the one inside; with a schedule `ScaledState`.
    """
    _checks.scalar("weight", weight, "finite", lambda x: True, schedule=True)
    update_part, scheduled = update_of(part), callable(weight)

    def inner(state: Any) -> Any:
        return state.estimator if scheduled else state

    def init(params: Any) -> Any:
        return ScaledState(part.init(params), jnp.zeros((), jnp.int32)) if scheduled else part.init(params)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        now = weight(state.count) if callable(weight) else weight
        made, after = update_part(updates, inner(state), params, **extra_args)
        made = jax.tree.map(lambda x: in_dtype(now * x, x.dtype), made)
        return made, ScaledState(after, optax.safe_increment(state.count)) if scheduled else after

    return Rule(init, update, needs_of(part), debias_weight_through(part, inner), all_by_leaf(part))
