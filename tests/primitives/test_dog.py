"""Distance over gradients: its formulas, one rate a leaf, any row at its rate, mesh axes, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo import dog_rate, pipeline

PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 1.5]]), "b": jnp.array([3.0, -1.0])}
RNG = np.random.default_rng(3)
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), "float32"), PARAMS) for _ in range(5)]


def steps(tx, params=PARAMS, grads=GRADS):
    """State and parameters after each step."""
    state, found = tx.init(params), []
    for g in grads:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def norm(*arrays):
    return np.sqrt(sum(float(np.sum(np.square(np.asarray(x)))) for x in arrays))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_follows_its_formulas(weighted):
    factors = [1.0, 0.5, 2.0, 1.0, 1.0]
    rate = dog_rate(lambda count: jnp.array(factors)[count], reps_rel=1e-2, weighted=weighted, eps=1e-3, eps_root=1e-2)
    longest, squares, params = 1e-2 * (1 + norm(*PARAMS.values())), 1e-2, PARAMS
    for g, factor, (state, after) in zip(GRADS, factors, steps(pipeline(learning_rate=rate)), strict=True):
        longest = max(longest, norm(*(params[leaf] - PARAMS[leaf] for leaf in params)))
        squares += norm(*g.values()) ** 2 * (longest**2 if weighted else 1)
        eta = factor * longest ** (2 if weighted else 1) / (np.sqrt(squares) + 1e-3)
        params = jax.tree.map(lambda p, g, eta=eta: p - eta * g, params, g)
        chex.assert_trees_all_close(after, params, rtol=1e-5)
        assert state["learning_rate"].distance == pytest.approx(longest, rel=1e-5)
        assert state["learning_rate"].size == pytest.approx(np.sqrt(squares), rel=1e-5)


def test_leaf_by_leaf_it_is_that_of_each_leaf_alone():
    together = steps(zoo.ldog(reps_rel=1e-2))
    for leaf in PARAMS:
        alone = steps(zoo.dog(reps_rel=1e-2), {leaf: PARAMS[leaf]}, [{leaf: g[leaf]} for g in GRADS])
        for (_, params), (_, expected) in zip(together, alone, strict=True):
            chex.assert_trees_all_close(params[leaf], expected[leaf], rtol=1e-6)


def test_a_first_rate_is_kept_until_something_has_moved():
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    tx = zoo.dog(0.5, init_eta=1e-2)
    (_, first), (state, second), *_ = steps(tx, grads=[zeros, *GRADS])
    chex.assert_trees_all_equal(first, PARAMS)
    assert state["learning_rate"].distance == 0
    chex.assert_trees_all_close(second, jax.tree.map(lambda p, g: p - 1e-2 * g, PARAMS, GRADS[0]), rtol=1e-5)


def test_adamw_finds_its_rate():
    """Norms are of what the rate multiplies, so that gradients of another scale make no difference."""

    def descended(scale):
        schedule = optax.cosine_decay_schedule(1.0, 400)
        tx = zoo.adamw(weight_decay=0.0).replace(learning_rate=dog_rate(schedule, reps_rel=1e-3))

        def body(carry, _):
            params, state = carry
            updates, state = tx.update(jax.tree.map(lambda p: scale * p, params), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(body, (PARAMS, tx.init(PARAMS)), length=400)[0][0]

    found = descended(1.0)
    assert norm(*found.values()) < 0.05 * norm(*PARAMS.values())
    chex.assert_trees_all_close(descended(1e3), found, atol=1e-2)


def test_the_decay_follows_the_rate():
    tx = zoo.dog(reps_rel=1e-2).replace(decay=zoo.decoupled_decay(0.5))
    (state, decayed), *_ = steps(tx)
    (_, plain), *_ = steps(zoo.dog(reps_rel=1e-2))
    rate = state["learning_rate"].distance / state["learning_rate"].size
    expected = jax.tree.map(lambda p, q: q - 0.5 * rate * p, PARAMS, plain)
    chex.assert_trees_all_close(decayed, expected, rtol=1e-5)
    with pytest.raises(TypeError, match="decoupled_decay needs the learning rate"):
        steps(zoo.ldog().replace(decay=zoo.decoupled_decay(0.5)))


def test_sharded_leaves_are_measured_over_their_axes():
    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2], axis_types=(jax.sharding.AxisType.Auto,))
    specs = {"w": P("data"), "b": P()}
    tx = zoo.dog(reps_rel=1e-2, axis_name={"w": "data", "b": None})

    @jax.jit
    @jax.shard_map(mesh=mesh, in_specs=(specs, specs, specs), out_specs=specs)
    def after_two(params, first, second):
        return steps(tx, params, [first, second])[-1][1]

    expected = steps(zoo.dog(reps_rel=1e-2), grads=GRADS[:2])[-1][1]
    chex.assert_trees_all_close(after_two(PARAMS, *GRADS[:2]), expected, rtol=1e-5)


def test_alone_in_a_chain_it_multiplies_by_minus_the_rate():
    expected = steps(zoo.ldog(reps_rel=1e-2))
    for (_, found), (_, params) in zip(
        steps(optax.chain(dog_rate(reps_rel=1e-2, scope="leaf"))), expected, strict=True
    ):
        chex.assert_trees_all_close(found, params, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": -1.0}, r"learning_rate is -1\.0, but must be at least 0"),
        ({"reps_rel": 0.0}, r"reps_rel is 0\.0, but must be above 0"),
        ({"d0": 0.0}, r"d0 is 0\.0, but must be above 0"),
        ({"init_eta": -1.0}, r"init_eta is -1\.0, but must be above 0"),
        ({"eps_root": -1.0}, r"eps_root is -1\.0, but must be at least 0"),
        ({"scope": "layer"}, "scope is 'layer', but must be one of 'leaf', 'tree'"),
    ],
)
def test_numbers_outside_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        dog_rate(**arguments)
