"""Momentum that goes back with the slow weights of lookahead."""

import chex
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import ema, pulled_back, trace

GRADS = [jnp.array([1.0, -2.0]), jnp.array([0.5, 0.25]), jnp.array([-1.0, 3.0]), jnp.array([2.0, 2.0])]


def values(part, grads=GRADS):
    """What is kept after each step, and what comes out."""
    state, found = part.init(grads[0]), []
    for g in grads:
        u, state = part.update(g, state)
        found.append((state.average.value, u))
    return found


@pytest.mark.parametrize("average", [trace(0.9), ema(0.5)], ids=repr)
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_every_few_steps_it_goes_a_part_of_the_way_from_where_it_was(average, alpha):
    slow, before = jnp.zeros(2), average.init(GRADS[0])
    for t, (g, (value, u)) in enumerate(zip(GRADS, values(pulled_back(average, 2, alpha)), strict=True), start=1):
        expected, before = average.update(g, before)
        chex.assert_trees_all_close(u, expected, rtol=1e-6)  # the step itself is that of the average
        if t % 2 == 0:
            slow = slow + alpha * (before.value - slow)
            before = before._replace(value=slow)
        chex.assert_trees_all_close(value, before.value, rtol=1e-6)


def test_at_the_ends_of_alpha_it_starts_over_or_is_left_alone():
    assert not jnp.any(values(pulled_back(trace(0.9), 2, 0.0))[1][0])
    plain, state = trace(0.9), trace(0.9).init(GRADS[0])
    for g, (value, _) in zip(GRADS, values(pulled_back(trace(0.9), 2, 1.0)), strict=True):
        _, state = plain.update(g, state)
        chex.assert_trees_all_close(value, state.value)


def test_in_a_row_with_lookahead_it_prints_and_goes_leaf_by_leaf():
    tx = zoo.lookahead(zoo.momentum(0.1)).replace(velocity=pulled_back(trace(0.9)))
    assert repr(tx) == "pipeline(learning_rate=0.1, velocity=pulled_back(trace(0.9)), iterate=lookahead_steps())"
    assert tx.rule.by_leaf


@pytest.mark.parametrize("part", [zoo.scale_by_sign(), zoo.debiased(ema(0.9)), optax.identity()])
def test_what_does_not_average_is_refused(part):
    with pytest.raises(TypeError, match=r"pulled_back\(\) got .*, but needs trace or ema"):
        pulled_back(part).init(GRADS[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"every": 0}, "every is 0"), ({"alpha": -0.1}, r"alpha is -0\.1, but must be at least 0")],
)
def test_numbers_outside_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        pulled_back(trace(0.9), **arguments)
