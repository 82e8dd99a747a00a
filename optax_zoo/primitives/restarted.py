"""Estimates that start anew every so many steps (SPAM)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.types import Scalar


class RestartedState(NamedTuple):
    """State of `restarted`.

    Attributes:
      estimator: the state of the estimator.
      count: steps taken (int32 scalar).
    """

    estimator: Any
    count: Any


@primitive
def restarted(estimator: optax.GradientTransformation, every: Scalar) -> Rule:
    """An estimate that forgets all it has seen at each step whose number is a multiple of `every` (SPAM's reset).

    That step is the first one that it sees again. Around `debiased` the weight is forgotten, too; inside, it is not:
    then what comes after a restart is nearer to 0 than the gradients are. Counters go on, and with them schedules.

    Args:
      estimator: `debiased(ema(0.9))`, or any other.
      every: after how many steps, at least 1.

    Returns:
      An estimator with state `RestartedState`.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    update_estimate = update_of(estimator)

    def init(params: Any) -> RestartedState:
        return RestartedState(estimator.init(params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: RestartedState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        anew = count % every == 0

        def forget(start: jax.Array, s: jax.Array) -> jax.Array:
            return s if jnp.issubdtype(s.dtype, jnp.integer) else jnp.where(anew, start.astype(s.dtype), s)

        first = estimator.init(updates if params is None else params)
        inner = jax.tree.map(forget, first, state.estimator)
        estimate, inner = update_estimate(updates, inner, params, **extra_args)
        return estimate, RestartedState(inner, count)

    debias_weight = debias_weight_through(estimator, lambda state: state.estimator)
    return Rule(init, update, needs_of(estimator), debias_weight, all_by_leaf(estimator))
