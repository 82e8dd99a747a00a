"""Equality with optax at options and compositions, and what sets both apart; at defaults see test_counterparts.py."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.compat import enable_x64

# Ours, optax's, relative tolerance in float32. Adam differs by more than rounding because optax corrects the bias with
# 1 - b2**t in float32 (off by 7e-6 for b2 = 0.999); in float64 both agree, see below.
SAME = {
    "adam eps_root": (zoo.adam(0.1, eps_root=1e-3), optax.adam(0.1, eps_root=1e-3), 1e-4),
    "novograd": (
        zoo.novograd(0.1, 0.9, 0.25, eps=1e-6, eps_root=0.0, weight_decay=0.1, reseed=False),
        optax.novograd(0.1, b1=0.9, b2=0.25, eps=1e-6, weight_decay=0.1),
        1e-5,
    ),
    "clipped tree": (
        zoo.clipped(zoo.sgd(0.1), "l2", 1.0, eps=0.0, scope="tree"),
        optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)),
        1e-6,
    ),
    "coupled decay": (
        zoo.sgd(0.1, weight_decay=0.3),
        optax.chain(optax.add_decayed_weights(0.3), optax.sgd(0.1)),
        1e-6,
    ),
}


def varying(grads, step):
    return jax.tree.map(lambda g: g * jnp.cos(step + 1.0), grads)


def trajectory(tx, params, grads):
    state, found = tx.init(params), []
    for step in range(10):
        updates, state = tx.update(varying(grads, step), state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


@pytest.mark.parametrize("name", SAME)
def test_equals_optax(name, params, grads):
    ours, theirs, tolerance = SAME[name]
    chex.assert_trees_all_close(
        trajectory(ours, params, grads), trajectory(theirs, params, grads), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("name", SAME)
def test_equals_optax_in_float64(name, params, grads):
    ours, theirs, _ = SAME[name]
    with enable_x64(True):
        params, grads = (jax.tree.map(lambda x: x.astype("float64"), tree) for tree in (params, grads))
        chex.assert_trees_all_close(
            trajectory(ours, params, grads), trajectory(theirs, params, grads), rtol=1e-11, atol=1e-11
        )


def test_adafactor_equals_optax_as_far_as_its_decay_goes_which_is_float32(params, grads):
    theirs = optax.adafactor(0.1, min_dim_size_to_factor=1, momentum=0.9)
    expected = trajectory(theirs, params, grads)
    chex.assert_trees_all_close(trajectory(zoo.adafactor(0.1, 0.9), params, grads), expected, rtol=1e-5)


def test_adam_at_the_first_step_is_nearer_to_the_paper_than_optax():
    """The first step of Adam is the rate times g / (|g| + eps), whatever b2."""
    exact = 0.1 * 3.0 / (3.0 + 1e-8)

    def error(tx):
        updates, _ = tx.update(jnp.float32(3.0), tx.init(jnp.float32(0.0)))
        return abs(float(-updates) / exact - 1)

    assert error(zoo.adam(0.1, b2=0.9999)) < 3e-7 < 1e-5 < error(optax.adam(0.1, b2=0.9999))


def test_radam_rectifies_to_more_digits_than_optax():
    """The sixth step along constant gradients is r times the rate, with rho = 5.9994 for b2 = 0.9999."""
    rho, limit = 5.999416636521346, 2 / (1 - 0.9999) - 1
    r = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5

    def error(tx):
        state = tx.init(jnp.float32(0.0))
        for _ in range(6):
            updates, state = tx.update(jnp.float32(3.0), state)
        return abs(float(-updates) / (0.1 * r) - 1)

    assert error(zoo.radam(0.1, b2=0.9999)) < 1e-6 < 0.5 < error(optax.radam(0.1, b2=0.9999))


def test_novograd_reseeds_a_leaf_that_began_with_a_zero_gradient():
    """optax seeds at the first step only: v after gradients 0, 1 of three elements is 0.75 * 3 = 2.25, not 3."""

    def second_average(tx, read):
        state = tx.init(jnp.zeros(3))
        for gradient in (jnp.zeros(3), jnp.ones(3)):
            _, state = tx.update(gradient, state, jnp.zeros(3))
        return float(read(state))

    ours = second_average(zoo.novograd(0.1, b2=0.25), lambda state: state["denominator"].value)
    by_step = second_average(zoo.novograd(0.1, b2=0.25, reseed=False), lambda state: state["denominator"].value)
    theirs = second_average(optax.novograd(0.1, b2=0.25), lambda state: state[0].nu)
    assert (ours, by_step, theirs) == (3.0, 2.25, 2.25)
