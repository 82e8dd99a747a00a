"""D-Adaptation's estimates that are made after a step, from the sum of what the rate has multiplied."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo.primitives.distances import most_grown, norms_of, product_of, size_of, sum_of
from optax_zoo.primitives.learning_rate import Estimate, RateRule, Told, evaluate_rate, init_rate
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift, scalar_dtype
from optax_zoo.primitives.states import filled


class DadaptSumState(NamedTuple):
    """State of `dadapt_rate` of squares and of directions.

    Attributes:
      distance: d, the estimated lower bound of the distance (scalar).
      numerator: the sum r of products, or the sum q of squares (scalar).
      gradient_sum: the sum s, a tree like the parameters.
      rate: the state of the factor, where it is a schedule.
      first_norm: the norm of the first gradient that is not 0 (scalar), with the l2 norm.
    """

    distance: jax.Array
    numerator: jax.Array
    gradient_sum: Any
    rate: Any
    first_norm: Any = None


def afterwards(
    learning_rate: Any,
    decay: Any,
    of: str,
    norm: str,
    already_applied: bool,
    d0: Any,
    growth_rate: Any,
    axis_name: Any,
) -> RateRule:
    """The rule of `dadapt_rate` of squares or directions, whose arguments have been checked."""
    a, b = (1, 1) if decay is None else (decay, 1 - decay)

    def init(params: Any) -> DadaptSumState:
        first = jnp.asarray(d0, scalar_dtype(params))
        zeros = jax.tree.map(lambda p: jnp.zeros_like(lift(p)), params)
        return filled(
            DadaptSumState(first, first * 0, zeros, init_rate(learning_rate), first * 0 if norm == "l2" else None)
        )

    def estimate(
        g: Any, state: DadaptSumState, params: Any = None, **extra_args: Any
    ) -> tuple[Estimate, DadaptSumState]:
        gamma, rate_state = evaluate_rate(learning_rate, state.rate)
        rate, after = state.distance * gamma, state._replace(rate=rate_state)
        if norm == "l2":
            first = jnp.where(state.first_norm == 0, norms_of(g, "tree", axis_name), state.first_norm)
            rate, after = rate / jnp.where(first == 0, 1, first), after._replace(first_norm=first)
        return Estimate(rate, 1 if already_applied else rate), after

    def with_sum(state: DadaptSumState, x: Any, rate: Any) -> DadaptSumState:
        def added(s: jax.Array, x: jax.Array) -> jax.Array:
            return (a * s + b * rate * bounded(x, 3)).astype(s.dtype)

        return state._replace(gradient_sum=jax.tree.map(added, state.gradient_sum, x))

    def of_directions(state: DadaptSumState, told: Told) -> tuple[DadaptSumState, Any]:
        product = product_of(told.direction, state.gradient_sum, axis_name)
        after = with_sum(state, told.direction, told.rate)
        after = after._replace(numerator=a * state.numerator + b * told.rate * product)
        return after, after.numerator / b * (2 if norm == "l2" else 1)

    def of_squares(state: DadaptSumState, told: Told) -> tuple[DadaptSumState, Any]:
        def squared(tree: Any) -> Any:
            over = tree if told.denominator is None else jax.tree.map(jnp.divide, tree, told.denominator)
            return product_of(tree, over, axis_name)

        after = with_sum(state, told.gradient, told.rate)
        squares = a * state.numerator + b * told.rate**2 * squared(told.gradient)
        return after._replace(numerator=squares), squared(after.gradient_sum) / b - squares

    def conclude(state: DadaptSumState, told: Told) -> DadaptSumState:
        after, gain = (of_squares if of == "squares" else of_directions)(state, told)
        if norm == "l2":
            size = norms_of(after.gradient_sum, "tree", axis_name)
        else:
            size = sum_of(jax.tree.map(size_of, after.gradient_sum), axis_name)
        moves = size != 0
        guess = gain / jnp.where(moves, size, 1)
        grown = jnp.maximum(state.distance, jnp.minimum(guess, most_grown(state.distance, growth_rate)))
        return after._replace(distance=jnp.where(moves, grown, state.distance))

    return RateRule(init, estimate, conclude)
