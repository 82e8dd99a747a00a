"""Statistics of what an average in another slot did not foresee."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, residual, root, square

GRADS = [jnp.array(x) for x in ([1.0, -2.0], [3.0, 0.0], [-1.0, 4.0])]


def denominators(tx, grads=GRADS):
    """What the denominator was in each step, from a direction that is all numerator over denominator."""
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state)
        found.append(updates)
    return found


@pytest.mark.parametrize("numerator", [ema(0.5), debiased(ema(0.5)), zoo.serial(a=debiased(ema(0.5)))], ids=repr)
def test_the_raw_average_is_taken_off(numerator):
    tx = zoo.pipeline(numerator=numerator, denominator=residual(root(ema(0.5, of=square), eps=0.0)))
    m, s, state = 0.0, 0.0, tx.init(GRADS[0])
    for g in GRADS:
        _, state = tx.update(g, state)
        m = 0.5 * m + 0.5 * g
        s = 0.5 * s + 0.5 * (g - m) ** 2
        np.testing.assert_allclose(zoo.moment(state, "v"), s, rtol=1e-6)


def test_it_can_be_debiased_inside_and_outside():
    inside = zoo.pipeline(numerator=ema(0.5), denominator=residual(root(debiased(ema(0.5, of=square)))))
    outside = inside.replace(denominator=debiased(residual(root(ema(0.5, of=square), eps=0.0))))
    chex.assert_trees_all_close(denominators(inside), denominators(outside), rtol=1e-6)


def test_it_is_traced_leaf_by_leaf():
    assert zoo.adabelief().rule.by_leaf
    assert not zoo.adabelief().replace(denominator=residual(ema(0.5, of=zoo.leaf_sum(square, stacked=1)))).rule.by_leaf


def test_it_prints_and_says_where_it_works():
    assert repr(residual(ema(0.5))) == "residual(ema(0.5))"
    assert repr(residual(ema(0.5), "momentum")) == "residual(ema(0.5), 'momentum')"
    part = residual(ema(0.5))
    with pytest.raises(TypeError, match="residual needs the state of an earlier slot"):
        part.update(GRADS[0], part.init(GRADS[0]))
    with pytest.raises(ValueError, match="of is 'numerator', but the earlier slots are empty"):
        zoo.pipeline(denominator=part).update(GRADS[0], zoo.pipeline(denominator=part).init(GRADS[0]))
    with pytest.raises(ValueError, match="'numerator' is not the name of one average; the state"):
        denominators(zoo.pipeline(numerator=zoo.parallel(a=ema(0.5), b=ema(0.9)), denominator=part))


def test_a_member_can_be_named():
    both = zoo.parallel(fast=ema(0.5), slow=ema(0.9))
    tx = zoo.pipeline(numerator=both, denominator=residual(ema(0.0, of=square), "numerator.slow"))
    state = tx.init(GRADS[0])
    _, state = tx.update(GRADS[0], state)
    np.testing.assert_allclose(zoo.moment(state, "v"), (0.9 * GRADS[0]) ** 2, rtol=1e-6)


def test_low_precision_gradients_differ_from_averages_in_float32():
    low = jnp.array([1.0, 2.0], jnp.bfloat16)
    state = zoo.adabelief().init(low)
    updates, state = jax.jit(zoo.adabelief().update)(low, state)
    assert updates.dtype == low.dtype and zoo.moment(state, "v").dtype == jnp.float32


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_projections_onto_each_other(count):
    x, m = np.array([3.0, -1.0, 2.0]), np.array([1.0, 0.5, -2.0])
    found = zoo.mutual_projections(count)(jnp.array(x, jnp.float32), jnp.array(m, jnp.float32))
    for _ in range(count):
        x, m = x * (x @ m) / (x @ x), m * (x @ m) / (m @ m)
    np.testing.assert_allclose(found[0], x, rtol=1e-5)
    np.testing.assert_allclose(found[1], m, rtol=1e-5)


def test_projections_of_what_vanishes_and_of_what_is_huge():
    zero, huge = jnp.zeros(3), jnp.full(3, 3e37)
    assert not jnp.any(jnp.array(zoo.mutual_projections(1)(zero, huge)))
    for projected in zoo.mutual_projections(2)(huge, -huge):
        np.testing.assert_allclose(jnp.abs(projected), huge, rtol=1e-5)


def test_layers_are_projected_by_themselves():
    x, m = jnp.array([[1.0, 2.0], [3.0, -1.0]]), jnp.array([[0.5, -1.0], [2.0, 2.0]])
    together = zoo.mutual_projections(2, stacked=1)(x, m)
    for row in range(2):
        alone = zoo.mutual_projections(2)(x[row], m[row])
        chex.assert_trees_all_close((together[0][row], together[1][row]), alone, rtol=1e-6)


def test_projections_print_and_are_checked():
    assert repr(zoo.mutual_projections()) == "mutual_projections(2)"
    assert repr(zoo.mutual_projections(1, eps=0.1, stacked=1)) == "mutual_projections(1, eps=0.1, stacked=1)"
    with pytest.raises(ValueError, match="count is -1"):
        zoo.mutual_projections(-1)
    assert not zoo.aida(stacked=1).rule.by_leaf
