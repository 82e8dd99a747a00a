"""Parts that stand in the modules of rows: Nero's, FTRL's and RangerVA's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.algorithms.dual_averaging.madgrad import raised_schedule

RNG = np.random.default_rng(5)
MATRIX = jnp.asarray(RNG.normal(size=(4, 3)), jnp.float32)


def after(tx, params, gradients):
    """The parameters after each step."""
    state, found = tx.init(params), []
    for g in gradients:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


@pytest.mark.parametrize(("outputs", "axis"), [("last", 0), ("first", 1)])
def test_balanced_weights_are_centred_and_of_norm_1(outputs, axis):
    tx = zoo.sgd(0.1).replace(iterate=zoo.balanced(outputs=outputs))
    for found in after(tx, MATRIX, [MATRIX, -2 * MATRIX]):
        np.testing.assert_allclose(found.mean(axis), 0, atol=1e-6)
        np.testing.assert_allclose(jnp.linalg.norm(found, axis=axis), 1, rtol=1e-5)


def test_without_constraints_steps_are_in_proportion_to_the_first_norms():
    tx = zoo.sgd(0.1).replace(iterate=zoo.balanced(constrain=False))
    scale = jnp.linalg.norm(MATRIX, axis=0).mean()
    np.testing.assert_allclose(after(tx, MATRIX, [jnp.ones((4, 3))])[0], MATRIX - 0.1 * scale, rtol=1e-5)
    np.testing.assert_allclose(after(tx, jnp.zeros(3), [jnp.ones(3)])[0], -0.1 * 0.01, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.1, lambda count: 0.1 / (1 + count)])
def test_without_penalties_the_leader_is_adagrad(rate):
    gradients = [jnp.asarray(RNG.normal(size=(4, 3)), jnp.float32) for _ in range(5)]
    ours, theirs = after(zoo.ftrl(rate), MATRIX, gradients), after(zoo.adagrad(rate, eps=0.0), MATRIX, gradients)
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_an_l1_penalty_makes_parameters_exactly_0():
    tx = zoo.ftrl(0.1, l1=5.0, l2=1.0, beta=1.0, power=0.4)
    (found,) = after(tx, jnp.array([0.0, 0.0, 0.0]), [jnp.array([4.0, -6.0, 20.0])])
    expected = [0.0, 0.1 / (1 + 36**0.4 + 0.1), -1.5 / (1 + 400**0.4 + 0.1)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[0] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: zoo.balanced(outputs="middle"), "outputs is 'middle', but must be one of"),
        (lambda: zoo.balanced(eps=-1), "eps is -1, but must be at least 0"),
        (lambda: zoo.follow_the_leader(-1), "l1 is -1, but must be at least 0"),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_rate_with_an_eps_is_0_where_it_was():
    assert repr(zoo.madgrad(0.5, eps=0.25).slots["learning_rate"]) == "already_applied(0.75)"
    schedule = raised_schedule(lambda count: 1.0 * count, 0.25)
    assert [float(schedule(jnp.int32(count))) for count in range(2)] == [0.0, 1.25]
    assert jax.jit(lambda rate: zoo.madgrad(rate).init(MATRIX)["iterate"].base)(0.0).shape == (4, 3)


def test_fromage_keeps_lengths_of_steps_across():
    for rate in (0.5, lambda count: 0.5):
        params, across = jnp.array([3.0, 0.0]), jnp.array([0.0, 1.0])
        (found,) = after(zoo.fromage(rate), params, [across])
        np.testing.assert_allclose(jnp.linalg.norm(found), 3.0, rtol=1e-6)
