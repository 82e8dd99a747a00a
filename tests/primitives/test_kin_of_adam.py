"""Parts of Adam's kin: additive averages, bounds by an average, friction, norms kept up, clips of whitened ones."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import ema, square

GRADS = [jnp.array(x) for x in ([1.0, -2.0], [3.0, 0.5], [-1.0, 4.0])]


def outputs(tx, grads=GRADS, **extra_args):
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state, **extra_args)
        found.append(np.asarray(updates))
    return found


def test_an_additive_average_moves_by_a_share_of_the_square_however_far_it_is():
    found = outputs(ema(0.9, of=square, initial=5.0, additive=True))
    np.testing.assert_allclose(found, [[4.9, 4.6], [5.8, 4.575], [5.7, 6.175]], rtol=1e-6)
    decaying = outputs(ema(0.9, of=square, initial=5.0, additive="decaying"))
    np.testing.assert_allclose(decaying[0], found[0] - 0.5, rtol=1e-6)
    corrected = zoo.debiased(ema(0.9, of=square, initial=5.0, additive=True))
    np.testing.assert_allclose(outputs(corrected)[0], [49, 46], rtol=1e-5)
    with pytest.raises(ValueError, match="additive is True, but must be False where nesterov, blend or seeded"):
        ema(0.9, additive=True, nesterov=True)


def test_the_statistic_of_this_gradient_alone_is_a_part_of_a_sum():
    mixed = zoo.parallel(average=zoo.scaled(0.5, ema(0.9)), now=zoo.scaled(0.5, zoo.identity))
    np.testing.assert_allclose(outputs(mixed), [(m + g) / 2 for m, g in zip(outputs(ema(0.9)), GRADS, strict=True)])
    assert repr(zoo.scaled(0.3, square)) == "scaled(0.3, square)" and zoo.scaled(0.3, square).rule.by_leaf
    np.testing.assert_allclose(outputs(zoo.scaled(0.5, square))[0], [0.5, 2.0])


def test_rates_are_at_most_their_average():
    tx = zoo.bound_by_average(0.5)
    sizes = [jnp.array([1.0, 1.0]), jnp.array([4.0, 0.1])]
    np.testing.assert_allclose(outputs(tx, sizes, learning_rate=2.0), [[1.0, 1.0], [4.5, 0.2]], rtol=1e-6)
    with pytest.raises(TypeError, match="bound_by_average needs the learning rate"):
        outputs(tx, sizes)


def test_friction_halves_the_steps_of_gradients_that_stand_still():
    tx = zoo.friction(zoo.difference())
    state = tx.init(GRADS[0])
    for g in GRADS[:2]:
        slowed, state = tx.update(jnp.ones(2), state, gradient=g)
    np.testing.assert_allclose(slowed, jax.nn.sigmoid(jnp.array([2.0, 2.5])), rtol=1e-6)
    still, _ = tx.update(jnp.ones(2), state, gradient=GRADS[1])
    np.testing.assert_allclose(still, [0.5, 0.5])
    with pytest.raises(TypeError, match="friction needs the gradient"):
        tx.update(jnp.ones(2), state)


def test_gradients_are_raised_to_their_average_norm():
    tx = zoo.raise_to_average_norm(0.5)
    grads = [jnp.array([30.0, 40.0]), jnp.array([3.0, 4.0]), jnp.zeros(2)]
    found = outputs(tx, grads)
    np.testing.assert_allclose(found[:2], [[30, 40], [9, 12]], rtol=1e-6)  # norms 50 and 5, averages 25 and 15
    np.testing.assert_array_equal(found[2], [0, 0])
    state = tx.init(grads[0])
    _, state = tx.update(jnp.array([3e38, 3e38]), state)
    after, _ = tx.update(grads[0], state)
    assert np.isfinite(state.mean_norm) and np.isfinite(after).all()


def test_a_clip_can_measure_the_gradient_over_its_denominator():
    clip = zoo.clip_by_norm("avg_l2", 1.0, eps=0.0, of=zoo.whitened_gradient(0.5))
    given = {"gradient": jnp.array([6.0, 6.0]), "denominator": jnp.array([2.5, 2.5])}
    np.testing.assert_allclose(outputs(clip, GRADS[:1], **given)[0], [1 / 3, -2 / 3], rtol=1e-6)
    given["denominator"] = jnp.array([0.6, 0.6])  # of a root below eps, which counts
    np.testing.assert_allclose(outputs(clip, GRADS[:1], **given)[0], [1 / 12, -2 / 12], rtol=1e-6)
    with pytest.raises(TypeError, match="whitened_gradient needs the gradient"):
        outputs(clip)
    assert repr(zoo.whitened_gradient()) == "whitened_gradient()"


def test_decay_can_follow_the_square_of_the_rate():
    rates = optax.linear_schedule(0.4, 0.0, 2)
    tx, params = zoo.sgd(rates).replace(decay=zoo.decoupled_decay(0.5, base_learning_rate=0.4)), jnp.ones(1)
    state, found = tx.init(params), []
    for _ in range(3):
        update, state = tx.update(jnp.zeros(1), state, params)
        found.append(float(update[0]))
    np.testing.assert_allclose(found, [-0.2, -0.05, 0.0], rtol=1e-6)
    with pytest.raises(ValueError, match="base_learning_rate is None, but must be given"):
        zoo.adamc(rates)


def test_schedules_of_decays_and_weights():
    growing = zoo.warming_half_life(0.99, 0.5, 4)
    half_lives = [np.log(0.5) / np.log(float(growing(jnp.int32(n)))) for n in range(6)]
    limit = np.log(0.5) / np.log(0.99)
    np.testing.assert_allclose(half_lives, 1 + (limit - 1) * np.minimum(np.arange(1, 7) / 4, 1), rtol=1e-3)
    assert repr(growing) == "warming_half_life(0.99, 0.5, 4)"
    later = zoo.from_step(0.3, 2)
    np.testing.assert_allclose([float(later(jnp.int32(n))) for n in range(4)], [0, 0, 0.3, 0.3])
    assert repr(zoo.from_step(growing, 1)) == "from_step(warming_half_life(0.99, 0.5, 4), 1)"


def test_the_numerator_alone_can_be_corrected():
    np.testing.assert_allclose(outputs(zoo.scale_by_bias_correction(0.75), GRADS[:1])[0], [4, -8], rtol=1e-6)
