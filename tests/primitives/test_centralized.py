"""Gradients whose mean over the inputs of each output is 0."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo

RNG = np.random.default_rng(3)
TREE = {
    "matrix": jnp.asarray(RNG.normal(size=(3, 4))),
    "filters": jnp.asarray(RNG.normal(size=(2, 2, 3, 5))),
    "bias": jnp.asarray(RNG.normal(size=4)),
    "scale": jnp.float32(2.0),
}


def apply(tx, tree):
    return tx.update(tree, tx.init(tree))[0]


def test_outputs_are_on_the_last_axis():
    found = apply(zoo.centralized(), TREE)
    np.testing.assert_allclose(found["matrix"], TREE["matrix"] - TREE["matrix"].mean(0), rtol=1e-5)
    np.testing.assert_allclose(found["filters"], TREE["filters"] - TREE["filters"].mean((0, 1, 2)), atol=1e-6)
    assert found["bias"] is TREE["bias"] and found["scale"] is TREE["scale"]


def test_or_on_the_first_as_in_optax():
    found, theirs = apply(zoo.centralized(outputs="first"), TREE), apply(optax.centralize(), TREE)
    for leaf in TREE:
        np.testing.assert_allclose(found[leaf], theirs[leaf], atol=1e-6)


def test_leaves_of_few_axes_may_stay():
    found = apply(zoo.centralized(min_axes=4), TREE)
    assert found["matrix"] is TREE["matrix"] and not np.allclose(found["filters"], TREE["filters"])


def test_layers_are_centralized_by_themselves():
    layers = TREE["filters"].reshape(4, 3, 5)
    found = apply(zoo.centralized(stacked=1), {"layers": layers})["layers"]
    for one, layer in zip(found, layers, strict=True):
        np.testing.assert_allclose(one, apply(zoo.centralized(), {"w": layer})["w"], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outputs": "middle"}, "outputs is 'middle', but must be one of 'first', 'last'"),
        ({"min_axes": 1}, "min_axes is 1, but must be a whole number at least 2"),
    ],
)
def test_other_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.centralized(**arguments)
