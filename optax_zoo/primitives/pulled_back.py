"""Momentum that goes back with the slow weights of lookahead."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Part, Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.types import Scalar


class PulledBackState(NamedTuple):
    """State of `pulled_back`.

    Attributes:
      average: the state of the average.
      slow: what its value was after the last interpolation, a tree like it.
      count: steps taken (int32 scalar).
    """

    average: Any
    slow: Any
    count: Any


@primitive
def pulled_back(average: Part, every: int | jax.Array = 5, alpha: Scalar = 0.5) -> Rule:
    r"""A momentum that goes back as the weights of lookahead do: every k steps :math:`v \leftarrow s + \alpha (v - s)`.

    s is v after the last interpolation, 0 at first, so that v starts over where alpha is 0 and is left alone where it
    is 1.

    Args:
      average: `trace` or `ema`.
      every: k, at least 1, that of `lookahead_steps`.
      alpha: the share that v keeps, in [0, 1].

    Returns:
      A transformation with state `PulledBackState`.

    Raises:
      TypeError: for a part that does not average.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.scalar("alpha", alpha, "at least 0 and at most 1", lambda x: 0 <= x <= 1)
    update_average = update_of(average)

    def init(params: Any) -> PulledBackState:
        state = average.init(params)
        if not hasattr(state, "value"):
            raise TypeError(f"pulled_back() got {average!r}, but needs trace or ema.")
        return PulledBackState(state, jax.tree.map(jnp.zeros_like, state.value), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: PulledBackState, params: Any = None, **extra_args: Any) -> Any:
        u, after = update_average(updates, state.average, params, **extra_args)
        count: Any = optax.safe_increment(state.count)
        meets = count % every == 0
        slow = jax.tree.map(
            lambda v, s: jnp.where(meets, s + alpha * (v - s), s).astype(s.dtype), after.value, state.slow
        )
        value = jax.tree.map(lambda v, s: jnp.where(meets, s, v), after.value, slow)
        return u, PulledBackState(after._replace(value=value), slow, count)

    return Rule(init, update, needs_of(average), by_leaf=all_by_leaf(average))
