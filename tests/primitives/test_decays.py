"""Decay over the average size of gradients."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo

PARAMS = {"a": jnp.array([1.0, 2.0]), "b": jnp.array([[3.0], [-4.0]])}
GRADS = {"a": jnp.array([10.0, 0.0]), "b": jnp.array([[0.0], [0.0]])}


def decayed(tx, scale=1.0):
    grads = {name: scale * g for name, g in GRADS.items()}
    updates, _ = tx.update(grads, tx.init(PARAMS), PARAMS)
    return np.asarray(updates["b"])


def test_one_scale_of_all_leaves_divides_the_coefficient():
    tx = zoo.adam(0.5).replace(decay=zoo.decoupled_decay(0.1, over=zoo.average_scale(eps=0.0)))
    root_mean_square = 10 / 2
    np.testing.assert_allclose(decayed(tx), -0.5 * 0.1 / root_mean_square * np.asarray(PARAMS["b"]), rtol=1e-6)
    np.testing.assert_allclose(decayed(tx, 100.0), decayed(tx) / 100, rtol=1e-6)


def test_it_prints_and_says_where_it_works():
    assert repr(zoo.average_scale()) == "average_scale('denominator')"
    assert repr(zoo.average_scale("numerator", eps=0.1)) == "average_scale('numerator', eps=0.1)"
    with pytest.raises(ValueError, match="of is 'denominator', but must be one of the slots before: learning_rate"):
        decayed(zoo.sgd(zoo.prodigy_rate()).replace(decay=zoo.decoupled_decay(0.1, over=zoo.average_scale())))
    with pytest.raises(ValueError, match="eps is -1"):
        zoo.average_scale(eps=-1)
