"""Matrices that are shared out over devices: the same steps, all-to-alls in place of gathers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.cost.executed import executed, total_bytes
from optax_zoo.primitives.batched import batched

SHAPES = {"a": (16, 8), "b": (16, 8), "c": (16, 8), "odd": (6, 5), "stacked": (5, 16, 8), "bias": (8,)}


@pytest.fixture
def mesh():
    return jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)


def drawn(seed, shapes):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.normal(size=shape), "float32") for name, shape in shapes.items()}


def splits(spec):
    stacked = P(None, *spec)
    return {"a": spec, "b": spec, "c": P(*reversed(spec)), "odd": P(), "stacked": stacked, "bias": P()}


@pytest.mark.slow
@pytest.mark.parametrize("spec", [P("data", "model"), P("data", None), P(None, "data"), P(("data", "model"), None)])
@pytest.mark.parametrize("make", [zoo.muon, zoo.dion])
def test_steps_are_those_of_one_device(make, spec, mesh):
    tx = make(stacked=zoo.stacked_under("stacked"))
    spread = zoo.spread_matrices(tx, NamedSharding(mesh, P("data", "model")))
    params, grads = drawn(0, SHAPES), drawn(1, SHAPES)
    shardings = {name: NamedSharding(mesh, each) for name, each in splits(spec).items()}
    state = tx.init(params)
    expected, after = jax.jit(tx.update)(grads, state, params)
    placed = jax.device_put((grads, state, params), (shardings, state_sharding(tx, params, shardings), shardings))
    found, state = jax.jit(spread.update)(*placed)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=2e-5), (found, state), (expected, after))


def orthonormal():
    """Of each matrix the factor that Householder's reflections make, which they need it whole for."""

    def update(updates, state, params=None):
        leaves, treedef = jax.tree.flatten(updates)
        return treedef.unflatten(batched(lambda x: jnp.linalg.qr(x)[0], leaves)), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


@pytest.mark.slow
@pytest.mark.parametrize("count", [16, 11])
def test_two_exchanges_of_shares_are_all_that_is_communicated(count, mesh):
    at_rest = NamedSharding(mesh, P("data", "model"))
    grads = {str(number): jax.ShapeDtypeStruct((64, 64), jnp.float32, sharding=at_rest) for number in range(count)}
    found = []
    for tx in (orthonormal(), zoo.spread_matrices(orthonormal(), at_rest)):
        step = jax.jit(lambda g, tx=tx: tx.update(g, optax.EmptyState())[0], out_shardings=at_rest)
        program = step.lower(grads).compile()
        found.append((executed(program.as_text()), program.memory_analysis().temp_size_in_bytes))
    (gathered, all_at_once), (exchanged, shares) = found
    assert {each.kind for each in exchanged} == {"all-to-all"} and total_bytes(exchanged) < total_bytes(gathered)
    assert shares < all_at_once


def test_what_it_takes_is_checked(mesh):
    explicit = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Explicit,))
    with pytest.raises(TypeError, match=r"at_rest is .*, but must be a jax\.sharding\.NamedSharding"):
        zoo.spread_matrices(zoo.muon(), P("data"))
    for on, spec in [(mesh, P()), (mesh, P(None, None, "data")), (explicit, P("data"))]:
        with pytest.raises(ValueError, match="must split the two axes of matrices, or one, on a mesh of Auto axes"):
            zoo.spread_matrices(zoo.muon(), NamedSharding(on, spec))


def test_it_is_the_optimizer_inside(mesh):
    at_rest = NamedSharding(mesh, P("data"))
    tx = zoo.spread_matrices(zoo.adamw(0.1), at_rest)
    assert repr(tx).startswith("spread_matrices(pipeline(") and tx.needs == ("params",)
    params, plain = drawn(0, {"w": (3, 2)}), zoo.adamw(0.1)
    assert jax.tree.structure(tx.init(params)) == jax.tree.structure(plain.init(params))
    updates, _ = tx.update(params, tx.init(params), params)
    np.testing.assert_array_equal(updates["w"], plain.update(params, plain.init(params), params)[0]["w"])
    outside = zoo.spread_matrices(optax.sgd(0.1), at_rest)
    np.testing.assert_array_equal(outside.update(params, outside.init(params))[0]["w"], -0.1 * params["w"])
