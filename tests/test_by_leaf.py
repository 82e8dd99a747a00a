"""Pipelines whose parts go leaf by leaf are traced once for all leaves of a shape, and compute what they did."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from registered import COVERING

import optax_zoo as zoo
from optax_zoo import ema, pipeline, square

TREE = {name: jnp.arange(1.0, 7).reshape(shape) / 7 for name, shape in {"a": (2, 3), "b": (6,), "c": (2, 3)}.items()}
GRADS = {"a": TREE["a"] - 0.5, "b": TREE["b"] * 2, "c": -TREE["c"]}
# Of the others the leaves need each other, randomness or the loss.
BY_LEAF = [each for each in COVERING if zoo.create(each.values[0]).rule.by_leaf]


def steps(tx, params, grads, number=3, transform=jax.jit, state=None):
    """The last of a few updates, and the state."""
    update, state = transform(tx.update), tx.init(params) if state is None else state
    for _ in range(number):
        updates, state = update(grads, state, params)
    return updates, state


def of_leaf(leaf, state):
    """The state of a leaf out of that of the tree."""

    def is_tree(node):
        return isinstance(node, dict) and node.keys() == TREE.keys()

    return jax.tree.map(lambda node: {leaf: node[leaf]} if is_tree(node) else node, state, is_leaf=is_tree)


@pytest.mark.parametrize("name", BY_LEAF)
def test_the_same_leaf_by_leaf_and_over_the_whole_tree(name):
    known = zoo.describe(name)
    tx = known.factory(**known.example)
    traced, whole = steps(tx, TREE, GRADS), steps(tx, TREE, GRADS, transform=lambda update: update)
    chex.assert_trees_all_equal_shapes_and_dtypes(traced, whole)
    chex.assert_trees_all_close(traced, whole, rtol=1e-5, atol=1e-7)
    alone, _ = steps(tx, {"b": TREE["b"]}, {"b": GRADS["b"]}, state=of_leaf("b", tx.init(TREE)))
    chex.assert_trees_all_close(alone["b"], traced[0]["b"], rtol=1e-5, atol=1e-7)


def test_most_algorithms_go_by_leaf():
    names = zoo.list_algorithms()
    assert sum(zoo.create(name).rule.by_leaf for name in names) > len(names) / 2
    assert zoo.adam().rule.by_leaf and not zoo.eve().rule.by_leaf


@pytest.mark.parametrize(
    "part",
    [
        zoo.normalize_by_norm("l2", scope="tree"),
        zoo.normalize_by_norm("l2", axis_name="data"),
        zoo.coupled_decay(0.1, mask={"a": True, "b": False, "c": True}),
        ema(0.9, of=zoo.leaf_sum(square, axis_name="data")),
        ema(0.9, of=zoo.leaf_sum(square, stacked=zoo.stacked_under("layers"))),
        zoo.damp_by_max(stacked=1),
        optax.clip_by_global_norm(1.0),
    ],
    ids=[
        "norm of the tree",
        "norm over an axis",
        "mask",
        "statistic over an axis",
        "statistic of layers",
        "damping of layers",
        "of optax",
    ],
)
def test_what_depends_on_the_tree_goes_over_the_whole(part):
    assert not zoo.sgd(0.1).replace(gradient=part).rule.by_leaf


def test_a_norm_of_the_whole_tree_stays_one(params=TREE, grads=GRADS):
    tx = zoo.adam(0.1).replace(gradient=zoo.normalize_by_norm("l2", scope="tree"))
    normalized = jax.tree.map(lambda g: g / (optax.tree.norm(grads) + 1e-7), grads)
    chex.assert_trees_all_close(
        steps(tx, params, grads)[0], steps(zoo.adam(0.1), params, normalized)[0], rtol=1e-5, atol=1e-7
    )


def test_leaves_of_a_shape_are_traced_once():
    traced = []

    def counted(x):
        traced.append(x.shape)
        return square(x)

    tx = pipeline(denominator=zoo.root(ema(0.9, of=counted)), learning_rate=0.1)
    many = {f"{kind}{number}": x for number in range(20) for kind, x in TREE.items()}
    state = tx.init(many)
    traced.clear()
    jax.jit(tx.update)(many, state)
    assert sorted(traced) == [(2, 3), (6,)]


def test_traced_hyperparameters_and_schedules_reach_every_leaf():
    rates = optax.linear_schedule(0.1, 0.0, 2)
    scheduled, _ = steps(zoo.adamw(rates, weight_decay=0.1), TREE, GRADS, number=2)
    expected, _ = steps(zoo.adamw(0.05, weight_decay=0.1), TREE, GRADS, number=2)
    chex.assert_trees_all_close(scheduled, expected, rtol=1e-6)
    injected, _ = steps(optax.inject_hyperparams(zoo.adamw)(0.05, weight_decay=0.1), TREE, GRADS, number=2)
    chex.assert_trees_all_close(injected, expected, rtol=1e-5)


@pytest.mark.parametrize("grads", [{**GRADS, "d": GRADS["a"]}, {"a": GRADS["a"], "b": GRADS["b"]}, (*GRADS.values(),)])
def test_a_tree_of_another_structure_is_an_error_that_says_so(grads):
    with pytest.raises(ValueError, match="of another tree than the gradients"):
        jax.jit(zoo.adam(0.1).update)(grads, zoo.adam(0.1).init(TREE))
