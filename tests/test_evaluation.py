"""The parameters to evaluate with, in trees that are built otherwise than the state."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import optax_zoo as zoo

TX = zoo.sgd(0.1).replace(iterate=zoo.lookahead_steps(2))


def test_parameters_of_nnx_need_not_be_unwrapped():
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, TX, wrt=nnx.Param)
    start = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))
    optimizer.update(model, jax.tree.map(jnp.ones_like, start))
    params = nnx.state(model, nnx.Param)
    slow = zoo.evaluation_params(optimizer.tx, optimizer.opt_state, params)
    assert jax.tree.structure(slow) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, slow, start)


def test_what_a_mask_leaves_out_is_the_parameter_itself():
    params = {"moved": {"w": jnp.ones(3), "b": jnp.ones(1)}, "kept": {"w": jnp.ones(3), "b": jnp.ones(1)}}
    tx = optax.masked(TX, {"moved": True, "kept": False})
    later = jax.tree.map(lambda p: p + 1, params)
    evaluated = zoo.evaluation_params(tx, tx.init(params), later)
    jax.tree.map(np.testing.assert_array_equal, evaluated, {"moved": params["moved"], "kept": later["kept"]})


def test_parameters_of_another_model_are_refused():
    with pytest.raises(ValueError, match=r"a leaf of shape \(4,\) where the state keeps one of shape \(3,\)"):
        zoo.evaluation_params(TX, TX.init({"w": jnp.ones(3)}), {"w": jnp.ones(4)})
