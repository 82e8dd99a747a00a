"""Averages of every other step, and sizes that follow the signs."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo


def run(tx, gradients):
    state, made = tx.init(gradients[0]), []
    for g in gradients:
        u, state = tx.update(g, state, gradients[0])
        made.append(u)
    return np.stack(made), state


def test_the_averages_of_odd_and_even_steps_are_weighed_against_each_other():
    x = np.array([[1.0], [-2.0], [0.5], [4.0]], np.float32)
    made, state = run(zoo.positive_negative(0.8, 0.5), list(map(jnp.asarray, x)))
    a, b = 0.64, 0.36
    odd, even = [b * x[0], a * b * x[0] + b * x[2]], [b * x[1], a * b * x[1] + b * x[3]]
    pairs = [(odd[0], 0), (even[0], odd[0]), (odd[1], even[0]), (even[1], odd[1])]
    expected = [(1.5 * now - 0.5 * before) / np.sqrt(1.5**2 + 0.5**2) for now, before in pairs]
    np.testing.assert_allclose(made, np.stack(expected), rtol=1e-6)
    np.testing.assert_allclose(state.odd, odd[1], rtol=1e-6)
    np.testing.assert_allclose(state.even, even[1], rtol=1e-6)


def test_without_the_negative_part_a_debiased_first_step_is_larger_than_the_gradient():
    (first,), _ = run(zoo.debiased(zoo.positive_negative(0.9, 0.0)), [jnp.ones(2)])
    np.testing.assert_allclose(first, (1 - 0.9**2) / (1 - 0.9), rtol=1e-6)  # as the authors correct it


def test_sizes_grow_while_a_sign_stays_and_shrink_where_it_turns():
    tx = zoo.resilient_steps(0.5, 2.0, min_size=0.3, max_size=3.0)
    made, state = run(tx, [jnp.array([g]) for g in (2.0, 3.0, 1.0, -1.0, -2.0, -1.0, 0.0, 5.0, -1.0)])
    np.testing.assert_allclose(made[:, 0], [1.0, 2.0, 3.0, 0.0, -1.5, -3.0, 0.0, 3.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(state.size, [1.5])
    assert state.previous == 0


def test_numbers_outside_their_ranges():
    for make in (lambda: zoo.positive_negative(1.0), lambda: zoo.positive_negative(0.9, -1.0)):
        with pytest.raises(ValueError, match=r"(decay|negative) is .*, but must be at least 0"):
            make()
    with pytest.raises(ValueError, match=r"shrink is 1\.5, but must be above 0 and below 1"):
        zoo.rprop(shrink=1.5)
    with pytest.raises(ValueError, match=r"grow is 0\.5, but must be at least 1"):
        zoo.resilient_steps(grow=0.5)


def test_rprop_follows_a_schedule_of_the_rate():
    made, _ = run(zoo.rprop(lambda count: jnp.where(count < 2, 0.1, 0.05)), [jnp.ones(1)] * 3)
    np.testing.assert_allclose(made[:, 0], [-0.1, -0.1 * 1.2, -0.05 * 1.44], rtol=1e-6)
