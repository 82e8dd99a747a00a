"""Leaves that take turns: on meshes alone, in order, and with the results that they have without."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from optax_zoo.primitives.turns import TOGETHER, identity_for, in_turn

COUNT = 5


def square(x, label):
    assert label == "a label"
    return {"product": x @ x.T} if x.ndim == 2 else {"product": x * x}


def squares(leaves):
    return in_turn(square, leaves, ["a label"] * len(leaves))


def on_mesh(x, axes=("data",), kind="Auto"):
    mesh = jax.make_mesh((4,), ("data",), axis_types=(getattr(AxisType, kind),))
    return jax.device_put(x, NamedSharding(mesh, P(*axes)))


def barriers(function, *args):
    return str(jax.make_jaxpr(function)(*args)).count("optimization_barrier")


def matrices(*axes):
    return [on_mesh(x, axes) for x in np.random.default_rng(0).normal(size=(COUNT, 8, 8)).astype("float32")]


def test_results_are_those_of_each_leaf():
    leaves = [*matrices("data"), on_mesh(jnp.arange(8.0))]
    for x, found in zip(leaves, jax.jit(squares)(leaves), strict=True):
        np.testing.assert_allclose(found["product"], square(x, "a label")["product"], rtol=1e-5)


def test_each_waits_for_an_earlier_one():
    assert barriers(squares, matrices("data")) == COUNT - TOGETHER


def test_vectors_do_not_wait():
    assert not barriers(squares, [on_mesh(jnp.arange(8.0) + n) for n in range(COUNT)])


def test_on_one_device_none_waits():
    assert not barriers(squares, [jnp.eye(8)] * COUNT)
    assert not barriers(lambda x: identity_for(x)[1], jnp.eye(8))


def test_in_shard_map_none_waits():
    leaves = matrices("data")
    mapped = jax.shard_map(squares, mesh=leaves[0].sharding.mesh, in_specs=P("data"), out_specs=P("data"))
    assert not barriers(mapped, leaves)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_the_identity_waits_for_its_matrix(kind):
    matrix = on_mesh(jnp.full((8, 8), 2.0), (), kind)
    assert barriers(identity_for, matrix) == 1
    same, identity = jax.jit(identity_for)(matrix)
    np.testing.assert_array_equal(same, matrix)
    np.testing.assert_array_equal(identity, np.eye(8))


def test_derivatives_pass():
    leaves = matrices("data")
    slopes = jax.grad(lambda xs: sum(jnp.sum(each["product"]) for each in squares(xs)))(leaves)
    alone = jax.grad(lambda x: jnp.sum(x @ x.T))
    for x, slope in zip(leaves, slopes, strict=True):
        np.testing.assert_allclose(slope, alone(x), rtol=1e-4)
