"""Second moments of matrices from rows and columns."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, factored, root, square, total
from optax_zoo.algorithms.adaptive.came import scale_by_confidence

SHAPES = {"matrix": (4, 3), "stack": (2, 4, 3), "vector": (5,), "number": (), "empty": (0, 3)}


def trees(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(scale * rng.normal(size=shape), "float32") for name, shape in SHAPES.items()}


def steps(tx, count=3):
    state = tx.init(trees(0))
    for seed in range(count):
        estimate, state = tx.update(trees(seed), state)
    return estimate, state


def test_estimates_are_products_of_averages_of_rows_and_columns():
    estimate, state = steps(factored(ema(0.9), eps=1e-3))
    plain, _ = steps(ema(0.9, of=square))
    eps = 1e-3 * (1 - 0.9**3)
    for name in ("matrix", "stack"):
        v = np.asarray(plain[name], "float64") + eps
        rows, columns = v.mean(-1, keepdims=True), v.mean(-2, keepdims=True)
        np.testing.assert_allclose(state.value.rows[name], rows, rtol=1e-5)
        np.testing.assert_allclose(state.value.columns[name], columns, rtol=1e-5)
        np.testing.assert_allclose(estimate[name], rows * columns / rows.mean(-2, keepdims=True), rtol=1e-5)
        np.testing.assert_allclose(estimate[name].mean((-1, -2)), v.mean((-1, -2)), rtol=1e-5)
    for name in ("vector", "number", "empty"):
        np.testing.assert_allclose(estimate[name], plain[name] + eps, rtol=1e-5)
        chex.assert_trees_all_equal(state.value.rows[name], estimate[name])
        assert state.value.columns[name].size == 1 and jnp.ndim(state.value.columns[name]) == len(SHAPES[name])


def test_squares_of_rank_one_are_found_exactly():
    x = jnp.outer(jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 4.0]))
    part = factored(ema(0.0), eps=0.0)
    np.testing.assert_allclose(part.update(x, part.init(x))[0], x**2, rtol=1e-6)


def test_it_is_part_of_any_denominator():
    x = jnp.outer(jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 4.0]))
    tx = zoo.adam(0.1).replace(denominator=root(debiased(factored(ema(0.999)))))
    assert "root(debiased(factored(ema(0.999))))" in repr(tx)
    assert tx.init(x)["denominator"].estimator.value.columns.shape == (1, 2)
    chex.assert_trees_all_close(one_update(tx, x), one_update(zoo.adam(0.1), x), rtol=1e-5)
    sums = zoo.adagrad(0.1).replace(denominator=root(factored(total(), eps=0.0), eps=1e-10))
    chex.assert_trees_all_close(one_update(sums, x), one_update(zoo.adagrad(0.1), x), rtol=1e-5)
    largest = root(zoo.running_max(factored(ema(0.9))))
    chex.assert_trees_all_equal_shapes(largest.init(trees(0)).maximum, trees(0))


def one_update(tx, x):
    return tx.update(x, tx.init(x), x)[0]


def test_few_rows_or_columns_are_not_factored():
    state = factored(ema(0.9), min_size=4).init({"narrow": jnp.ones((8, 3)), "square": jnp.ones((4, 4))})
    assert jax.tree.map(jnp.shape, state.value.rows) == {"narrow": (8, 3), "square": (4, 1)}
    for wrong, error, message in [
        (0, ValueError, "min_size is 0, but must be at least 1"),
        (2.0, TypeError, "min_size is 2.0, but must be an int"),
        (jnp.int32(2), TypeError, "Under optax.inject_hyperparams name it in static_args"),
    ]:
        with pytest.raises(error, match=message):
            factored(ema(0.9), min_size=wrong)


def test_stacked_axes_are_neither_rows_nor_columns():
    of = {"vectors": jnp.ones((7, 5)), "matrices": jnp.ones((7, 4, 3)), "last": jnp.ones((4, 3, 7))}
    axes = {"vectors": 1, "matrices": 1, "last": (2,)}
    state = factored(ema(0.9), stacked=lambda path, x: axes[path[0].key]).init(of)
    assert jax.tree.map(jnp.shape, state.value.rows) == {"vectors": (7, 5), "matrices": (7, 4, 1), "last": (4, 1, 7)}
    columns = {"vectors": (1, 1), "matrices": (7, 1, 3), "last": (1, 3, 7)}
    assert jax.tree.map(jnp.shape, state.value.columns) == columns


def test_averages_of_squares_are_not_kept_in_float16():
    with pytest.raises(ValueError, match="accumulator_dtype is float16, but must be bfloat16, float32 or float64"):
        factored(debiased(ema(0.9, accumulator_dtype="float16")))


def test_a_pipeline_of_it_goes_leaf_by_leaf():
    assert zoo.adafactor().rule.by_leaf and not zoo.adafactor(stacked=1).rule.by_leaf
    tx, grads = zoo.adafactor(0.1), {"a": trees(1)["matrix"], "b": -trees(2)["matrix"], "c": trees(3)["vector"]}
    eager, state = tx.update(grads, tx.init(grads), grads)
    traced, after = jax.jit(tx.update)(grads, tx.init(grads), grads)
    chex.assert_trees_all_close((eager, state), (traced, after), rtol=1e-6)


def test_an_eps_follows_the_unit_of_the_gradient():
    part = root(factored(ema(0.0), eps=1e-2), eps=0.0)
    x = trees(0)["matrix"]
    scaled = part.update(4 * x, part.init(x), unit=jnp.float32(4.0))[0]
    np.testing.assert_allclose(scaled, 4 * part.update(x, part.init(x))[0], rtol=1e-5)


def test_huge_gradients_count_as_the_largest_that_has_a_square():
    huge = {name: 1e30 * jnp.sign(x) for name, x in trees(0).items()}
    tx = zoo.adafactor(0.1, clip_threshold=None, min_scale=None)
    updates, state = tx.update(huge, tx.init(huge), huge)
    chex.assert_trees_all_close(updates, jax.tree.map(lambda g: -0.1 * jnp.sign(g), huge), rtol=1e-5)
    chex.assert_tree_all_finite(state)


def test_it_can_be_differentiated_where_all_squares_are_zero():
    def loss(g):
        tx = zoo.adafactor(0.1)
        state = tx.init(g)
        for _ in range(2):
            updates, state = tx.update(g, state, jnp.ones_like(g))
        return jnp.sum(updates**2)

    assert jnp.all(jnp.isfinite(jax.grad(loss)(jnp.zeros((3, 2)))))


def test_confidence_divides_matrices_by_what_their_average_did_not_foresee():
    part = scale_by_confidence(ema(0.5), root(ema(0.75, of=square), eps=0.0))
    x = {"matrix": jnp.array([[1.0, -2.0]]), "vector": jnp.array([3.0])}
    made, state = part.update(x, part.init(x))
    np.testing.assert_allclose(
        made["matrix"], [[2.0, -2.0]], rtol=1e-6
    )  # m is x / 2, and so is what it did not foresee
    np.testing.assert_allclose(made["vector"], [1.5], rtol=1e-6)
    assert state.instability.value["vector"].shape == (1,)
    layers = scale_by_confidence(ema(0.5), root(ema(0.75, of=square), eps=0.0), stacked=1)
    np.testing.assert_allclose(layers.update(x, layers.init(x))[0]["matrix"], [[0.5, -1.0]], rtol=1e-6)
