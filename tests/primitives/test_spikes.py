"""Clips against what gradients were before."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import clip_by_average_norm, clip_spikes, ema, root, square
from optax_zoo.algorithms.adam.stable_spam import stabilized

GRADS = [{"a": jnp.array([3.0, 4.0]), "b": jnp.array(5.0)}, {"a": jnp.array([30.0, 40.0]), "b": jnp.array(-1.0)}]


def run(tx, grads):
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state)
        found.append(jax.tree.map(np.asarray, updates))
    return found, state


def test_spikes_are_clipped_by_the_average_square_before():
    denominator = root(ema(0.5, of=square), eps=0.0)
    tx = zoo.pipeline(gradient=clip_spikes(4.0, pause=2), denominator=denominator)
    _, state = run(tx, [jnp.array([1.0, -2.0]), jnp.array([10.0, -1.0])])
    limit = 2 * np.sqrt(0.5)
    np.testing.assert_allclose(zoo.moment(state, "v"), [0.25 + limit**2 / 2, 1 + 0.5], rtol=1e-6)


def test_nothing_is_clipped_in_the_pause_nor_outside_a_pipeline():
    tx = zoo.pipeline(gradient=clip_spikes(4.0, pause=2, every=4), denominator=ema(0.5, of=square))
    found, _ = run(tx, [jnp.array([1.0])] * 3 + [jnp.array([100.0])])
    assert float(found[-1][0]) < 1.0  # the denominator has it whole
    with pytest.raises(ValueError, match="of is 'denominator', but must be a slot of the pipeline"):
        clip_spikes().update(GRADS[0], clip_spikes().init(GRADS[0]))
    with pytest.raises(ValueError, match="threshold is 0"):
        clip_spikes(0)


def test_leaves_are_clipped_by_their_average_norm_after_a_clip_of_all():
    found, state = run(clip_by_average_norm(0.5, ratio=2.0, warmup_steps=2, max_norm=1.0, eps=0.0), GRADS)
    together = np.sqrt(50)
    np.testing.assert_allclose(found[0]["a"], np.array([3, 4]) / together, rtol=1e-6)
    np.testing.assert_allclose(found[1]["a"], np.array([3, 4]) / 5 * 2 * 5 / together, rtol=1e-6)
    np.testing.assert_allclose(found[1]["b"], -1.0, rtol=1e-6)
    np.testing.assert_allclose(state.norm["a"], 1.5 * 5 / together, rtol=1e-6)


def test_during_the_warm_up_the_least_norm_is_kept():
    _, state = run(clip_by_average_norm(warmup_steps=9, max_norm=100.0), GRADS)
    np.testing.assert_allclose([state.norm["a"], state.norm["b"]], [5, 1], rtol=1e-6)


def test_elements_and_norms_become_average():
    grads = [jnp.array([3.0, 4.0]), jnp.array([4.0, 8.0])]
    found, state = run(stabilized(0.5, 0.5, 0.5, eps=0.0), grads)
    np.testing.assert_allclose(found[0], [0.6, 0.8], rtol=1e-6)
    largest = (0.25 * 4 + 0.5 * 8) / 0.75  # 6.67, above 4, so that only 8 is clipped
    clipped = np.array([4, largest])
    norm = np.linalg.norm(clipped)
    mean, mean_square = (5 + 2 * norm) / 3, (25 + 2 * norm**2) / 3
    np.testing.assert_allclose(found[1], clipped / norm * mean / np.sqrt(mean_square), rtol=1e-6)
    np.testing.assert_allclose(state.largest, 5.0, rtol=1e-6)


def test_layers_are_stabilized_and_clipped_by_themselves():
    layers = jnp.array([[1.0, 2.0], [30.0, -10.0]])
    for part in (stabilized(stacked=1), clip_by_average_norm(warmup_steps=0, stacked=1)):
        found, _ = run(part, [layers, 3 * layers])
        assert found[1].shape == layers.shape and not part.rule.by_leaf
    found, _ = run(stabilized(stacked=1), [layers, 3 * layers])
    single, _ = run(stabilized(), [layers[1], 3 * layers[1]])
    np.testing.assert_allclose(found[1][1], single[1], rtol=1e-6)
