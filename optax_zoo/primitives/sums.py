"""Sums of estimates: several in one slot, of the same gradient."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.part import Part, Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import in_dtype
from optax_zoo.primitives.statistics import is_by_leaf, statistic_of
from optax_zoo.primitives.types import Decay, Statistic


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


class WeighedState(NamedTuple):
    """State of `scaled` where the weight is an estimate.

    Attributes:
      weight: the state of the estimator of the weight.
      estimator: the state of the part.
    """

    weight: Any
    estimator: Any


@primitive
def scaled(
    weight: Decay | optax.GradientTransformation,
    part: optax.GradientTransformation | Statistic,
    *,
    rated: bool = False,
) -> Rule:
    """What a transformation returns, times a weight: `scaled(5.0, ema(0.9999))`.

    Args:
      weight: a number, a function of the number of steps taken, or an estimator: its estimate from the same updates is
        the weight of each element.
      part: the transformation; or a statistic, for that of this gradient alone: `scaled(0.3, square)`, and
        `scaled(0.3, identity)` for the gradient itself.
      rated: whether the weight is multiplied by the rate of the step: an average or sum of `scaled(1.0, identity,
        rated=True)` is of steps, in place of gradients. The slot learning_rate of a pipeline hands the rate on, and
        must then not multiply by it again (`already_applied`); elsewhere it is an argument of `update`.

    Returns:
      A transformation with the state of the one inside; with a schedule `ScaledState`, with an estimator
      `WeighedState`.

    Raises:
      TypeError: from `update` without the rate, where it is `rated`.
      ValueError: for an estimator that is `rated`.
    """
    if not isinstance(part, optax.GradientTransformation):
        part = _of_this_gradient(part)
    if isinstance(weight, optax.GradientTransformation):
        if rated:
            raise ValueError(f"rated is True, but must be False where weight is an estimator, {weight!r}.")
        return _weighed(weight, part)
    _checks.scalar("weight", weight, "finite", lambda x: True, schedule=True)
    update_part, scheduled = update_of(part), callable(weight)

    def inner(state: Any) -> Any:
        return state.estimator if scheduled else state

    def init(params: Any) -> Any:
        return ScaledState(part.init(params), jnp.zeros((), jnp.int32)) if scheduled else part.init(params)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        now = weight(state.count) if callable(weight) else weight
        if rated:
            check_given("scaled", extra_args.get("learning_rate"))
            now = now * extra_args["learning_rate"]
        made, after = update_part(updates, inner(state), params, **extra_args)
        made = jax.tree.map(lambda x: in_dtype(now * x, x.dtype), made)
        return made, ScaledState(after, optax.safe_increment(state.count)) if scheduled else after

    return Rule(init, update, needs_of(part), debias_weight_through(part, inner), all_by_leaf(part))


def _weighed(weight: optax.GradientTransformation, part: optax.GradientTransformation) -> Rule:
    """What a transformation returns, times an estimate from the same updates."""
    update_weight, update_part = update_of(weight), update_of(part)

    def update(updates: Any, state: WeighedState, params: Any = None, **extra_args: Any) -> Any:
        weights, of_weight = update_weight(updates, state.weight, params, **extra_args)
        made, after = update_part(updates, state.estimator, params, **extra_args)
        return jax.tree.map(lambda w, x: in_dtype(w * x, x.dtype), weights, made), WeighedState(of_weight, after)

    def init(params: Any) -> WeighedState:
        return WeighedState(weight.init(params), part.init(params))

    return Rule(init, update, needs_of(weight, part), by_leaf=all_by_leaf(weight, part))


def _of_this_gradient(statistic: Statistic) -> Part:
    """The statistic of each gradient, without a memory."""

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return statistic_of(statistic, updates), state

    rule = Rule(lambda params: optax.EmptyState(), update, by_leaf=is_by_leaf(statistic))
    return Part(rule.init, rule.update)
