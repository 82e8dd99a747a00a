"""Frozen checkpoints restore: names, shapes and dtypes of states are a promise, and so is what they mean."""

import chex
import jax
import numpy as np
import pytest
from freeze import STEPS, by_path, example, frozen, parameters, steps
from in_numpy import in_numpy

import optax_zoo as zoo


@pytest.mark.parametrize("name", zoo.list_algorithms())
@pytest.mark.parametrize("transform", [in_numpy, pytest.param(jax.jit, marks=pytest.mark.slow)])
def test_a_frozen_state_restores_and_goes_on(transform, name):
    params, tx = parameters(), example(name)
    kept = dict(np.load(frozen(name), allow_pickle=False))
    shapes = jax.eval_shape(tx.init, params)
    leaves, treedef = jax.tree.flatten(shapes)
    paths = ["state" + jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(shapes)]
    assert sorted(paths) == sorted(path for path in kept if path.startswith("state"))
    state = jax.tree.unflatten(treedef, [kept[path] for path in paths])
    chex.assert_trees_all_equal_shapes_and_dtypes(state, jax.tree.unflatten(treedef, leaves))
    updates, _ = steps(tx, params, state, STEPS, 1, transform)
    for path, value in by_path(updates, "updates").items():
        np.testing.assert_allclose(value, kept[path], rtol=1e-4, atol=1e-4 * np.max(np.abs(kept[path])))
