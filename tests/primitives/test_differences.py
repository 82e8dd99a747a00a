"""Changes of gradients, sums of estimates, and Adan's parts exchanged for others."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, difference, ema, extrapolated, parallel, scaled

GRADS = [jnp.array(x) for x in ([1.0, -2.0], [3.0, 0.5], [-1.0, 4.0])]


def outputs(tx, grads=GRADS):
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state)
        found.append(np.asarray(updates))
    return found


def test_differences_are_of_the_step_before_and_0_at_first():
    np.testing.assert_allclose(outputs(difference()), [[0, 0], [2, 2.5], [-4, 3.5]])
    state = difference(accumulator_dtype=jnp.bfloat16).init(GRADS[0])
    assert state.previous.dtype == jnp.bfloat16
    low = [g.astype(jnp.bfloat16) for g in GRADS]
    np.testing.assert_allclose(outputs(difference(accumulator_dtype=jnp.bfloat16), low), outputs(difference(), low))


def test_the_gradient_that_is_kept_is_a_buffer_of_its_own():
    part = difference()
    _, state = part.update(GRADS[0], part.init(GRADS[0]))
    donate = jax.jit(lambda state: jax.tree.map(lambda x: x + 1, state), donate_argnums=0)
    donate(state)
    np.testing.assert_array_equal(GRADS[0], [1.0, -2.0])


def test_sums_and_weights():
    both = parallel(fast=ema(0.5), slow=scaled(3.0, ema(0.9)))
    fast, slow = outputs(ema(0.5)), outputs(ema(0.9))
    np.testing.assert_allclose(outputs(both), [f + 3 * s for f, s in zip(fast, slow, strict=True)], rtol=1e-6)
    assert repr(both) == "parallel(fast=ema(0.5), slow=scaled(3, ema(0.9)))"
    assert set(both.init(GRADS[0])) == {"fast", "slow"}
    assert both.rule.by_leaf and not parallel(a=ema(0.5), b=optax.trace(0.5)).rule.by_leaf
    assert parallel(decay=zoo.coupled_decay(0.1), mean=ema(0.5)).needs == ("params",)
    with pytest.raises(TypeError, match=r"parallel\(\) adds up parts, but was given none"):
        parallel()


def test_weights_may_be_schedules():
    growing = scaled(lambda count: count + 1, ema(0.0))
    np.testing.assert_allclose(outputs(growing), [(t + 1) * g for t, g in enumerate(GRADS)])
    np.testing.assert_allclose(outputs(debiased(scaled(2.0, ema(0.5)))), [2 * x for x in outputs(debiased(ema(0.5)))])
    with pytest.raises(ValueError, match="weight is nan, but must be finite"):
        scaled(float("nan"), ema(0.5))


def test_the_gradient_is_carried_on_along_its_change():
    tx = zoo.pipeline(numerator=difference(), denominator=extrapolated(ema(0.0), 0.5))
    changes = outputs(difference())
    expected = [c / (g + 0.5 * c) for c, g in zip(changes, GRADS, strict=True)]
    np.testing.assert_allclose(outputs(tx), expected, rtol=1e-6)


def test_it_says_what_it_needs():
    alone = extrapolated(ema(0.0), 0.5)
    with pytest.raises(TypeError, match="extrapolated needs the gradient before, which a pipeline hands"):
        outputs(alone)
    with pytest.raises(ValueError, match=r"of is 'numerator', but must be .* difference\(\), and has none"):
        outputs(zoo.adan(0.1).replace(numerator=ema(0.9)))
    twice = parallel(a=difference(), b=difference())
    with pytest.raises(ValueError, match="and has 2"):
        outputs(zoo.adan(0.1).replace(numerator=twice))


def test_adans_numerator_is_a_part_that_others_can_follow():
    """Muon with Adan's momentum: its direction is orthogonalized, and nothing divided."""
    numerator = zoo.adan().slots["numerator"]
    tx = zoo.pipeline(numerator=numerator, rescale=zoo.orthogonalize(), learning_rate=0.1)
    matrices = [jax.random.normal(key, (3, 4)) for key in jax.random.split(jax.random.key(0), 4)]
    alone = outputs(zoo.pipeline(numerator=numerator), matrices)
    for step, direction in zip(outputs(tx, matrices), alone, strict=True):
        orthogonal, _ = zoo.orthogonalize().update(jnp.asarray(direction), optax.EmptyState())
        np.testing.assert_allclose(step, -0.1 * orthogonal, rtol=1e-5)
        assert np.all(np.abs(np.linalg.svd(step, compute_uv=False) / 0.1 - 1) < 0.5)


def test_adans_numerator_stands_in_other_rows():
    rows = [zoo.expectigrad(0.1), zoo.adam(0.1), zoo.lion(0.1), zoo.novograd(0.1)]
    for row in rows:
        tx = row.replace(numerator=zoo.adan().slots["numerator"])
        assert np.all(np.isfinite(outputs(tx)))
    chex.assert_trees_all_equal(
        zoo.moment(zoo.adan().init(GRADS[0]), "m.change"), zoo.moment(tx.init(GRADS[0]), "m.change")
    )


def test_a_difference_can_be_from_0_at_first():
    part = difference(seeded=None)
    np.testing.assert_allclose(outputs(part), [[1, -2], [2, 2.5], [-4, 3.5]])
    assert part.init(GRADS[0])._fields == ("previous",)
    with pytest.raises(ValueError, match="seeded is 'while_zero'"):
        difference(seeded="while_zero")


def test_differences_of_huge_elements_are_finite():
    huge = jnp.array([3e38, -3e38])
    assert np.all(np.isfinite(outputs(difference(), [huge, -huge])))
