"""Coin betting: each parameter is its start and what a gambler has won who bets on the signs of gradients."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.iterates import own
from optax_zoo.primitives.learning_rate import evaluate_rate, init_rate
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.statistics import absolute
from optax_zoo.primitives.types import Scalar


class CoinBettingState(NamedTuple):
    """State of `coin_betting`: trees like the parameters, float32 or wider.

    Attributes:
      start: the first parameters.
      gradient_sum: the sum of gradients.
      largest: the largest absolute gradient L.
      sizes: the sum G of absolute gradients.
      reward: what has been won, R.
      rate: the state of the factor, where it is a schedule.
    """

    start: Any
    gradient_sum: Any
    largest: Any
    sizes: Any
    reward: Any
    rate: Any


@primitive
def coin_betting(learning_rate: optax.ScalarOrSchedule = 1.0, *, alpha: Scalar = 100.0, eps: Scalar = 1e-8) -> Rule:
    r"""COCOB's step: a share of the wealth L + R is bet on where gradients have pointed so far.

    Elementwise, with the gradient times the factor c,

    .. math::

        L_t &= \max(L_{t-1}, |g_t|), \qquad G_t = G_{t-1} + |g_t|, \qquad
        R_t = \max(R_{t-1} - g_t (p_{t-1} - p_0), 0) \\
        p_t &= p_0 - \frac{\sum_{s \le t} g_s}{\max(G_t + L_t, \alpha L_t)} \frac{L_t + R_t}{L_t}, \qquad L_0 = \epsilon

    Args:
      learning_rate: the factor c, at least 0, or a schedule.
      alpha: at least 0; about as many steps stay short at the start.
      eps: the first L, above 0.

    Returns:
      A transformation of gradients to finished steps that needs the parameters, for the slot learning_rate, with state
      `CoinBettingState`.

    Raises:
      ValueError: for a number outside its range.

    Source:
      F. Orabona, T. Tommasi (2017): Training Deep Networks without Learning Rates Through Coin Betting.
    """
    _checks.non_negative("learning_rate", learning_rate, schedule=True)
    _checks.non_negative("alpha", alpha)
    _checks.positive("eps", eps)

    def init(params: Any) -> CoinBettingState:
        def zeros(of: Any) -> Any:
            return jax.tree.map(lambda p: jnp.zeros_like(of(lift(p))), params)

        largest = jax.tree.map(lambda zero: zero + eps, zeros(absolute))
        return CoinBettingState(
            own(params), zeros(jnp.asarray), largest, zeros(absolute), zeros(absolute), init_rate(learning_rate)
        )

    def update(updates: Any, state: CoinBettingState, params: Any = None, **extra_args: Any) -> Any:
        factor, rate_state = evaluate_rate(learning_rate, state.rate)
        g = jax.tree.map(lambda u, s: (factor * bounded(u, 3)).astype(s.dtype), updates, state.gradient_sum)
        gradient_sum = jax.tree.map(jnp.add, state.gradient_sum, g)
        largest = jax.tree.map(lambda most, g: jnp.maximum(most, absolute(g)), state.largest, g)
        sizes = jax.tree.map(lambda size, g: size + absolute(g), state.sizes, g)

        def won(reward: jax.Array, g: jax.Array, start: jax.Array, p: Any) -> jax.Array:
            return jnp.maximum(reward - jnp.real(g.conj() * (lift(p) - start)), 0)

        reward = jax.tree.map(won, state.reward, g, state.start, params)

        def step(p: Any, start: jax.Array, total: jax.Array, most: jax.Array, size: jax.Array, won: jax.Array) -> Any:
            return start - lift(p) - total / jnp.maximum(size + most, alpha * most) * ((most + won) / most)

        steps = jax.tree.map(step, params, state.start, gradient_sum, largest, sizes, reward)
        return steps, CoinBettingState(state.start, gradient_sum, largest, sizes, reward, rate_state)

    return Rule(init, update, ("params",), by_leaf=not callable(learning_rate))
