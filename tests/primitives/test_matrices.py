"""Leaves as matrices: layers, inputs and outputs, by rules of axes, names and functions."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.primitives.matrices import matrix_axes

ATTENTION = {
    "query": {"kernel": jnp.arange(24.0).reshape(4, 2, 3)},
    "out": {"kernel": jnp.arange(24.0).reshape(2, 3, 4)},
}
QKV = zoo.outputs_under(("query", "key", "value"))


def seen(leaf, outputs="last", stacked=None):
    (axes,) = matrix_axes(leaf, outputs, stacked)
    return str(axes)


@pytest.mark.parametrize(
    ("shape", "outputs", "stacked", "expected"),
    [
        ((4, 6), "last", None, "4 x 6"),
        ((4, 6), "first", None, "6 x 4"),
        ((3, 3, 8, 16), "last", None, "72 x 16"),
        ((16, 8, 3, 3), "first", None, "72 x 16"),
        ((4, 2, 3), (-2, -1), None, "4 x 6"),
        ((4, 2, 3), (1, 2), None, "4 x 6"),
        ((5, 4, 2, 3), (-2, -1), 1, "5 of 4 x 6"),
        ((4, 5, 6), "last", (1,), "5 of 4 x 6"),
        ((4, 2, 3), lambda path, leaf: (0,), None, "6 x 4"),
        ((5, 7, 4, 6), "last", 2, "35 of 4 x 6"),
        ((4,), "last", None, "no matrix"),
        ((5, 4), "last", 1, "no matrix"),
        ((), "first", None, "no matrix"),
    ],
)
def test_how_a_leaf_is_seen(shape, outputs, stacked, expected):
    leaf = jnp.arange(np.prod(shape, dtype=int)).reshape(shape)
    assert seen(leaf, outputs, stacked) == expected
    (axes,) = matrix_axes(leaf, outputs, stacked)
    if axes.is_matrix:
        np.testing.assert_array_equal(axes.leaf(axes.matrices(leaf)), leaf)


def test_a_matrix_has_its_outputs_in_columns():
    (axes,) = matrix_axes(ATTENTION["query"], (-2, -1))
    kernel = ATTENTION["query"]["kernel"]
    np.testing.assert_array_equal(axes.matrices(kernel), kernel.reshape(4, 6))
    (axes,) = matrix_axes(ATTENTION["query"], (0,))
    np.testing.assert_array_equal(axes.matrices(kernel), kernel.reshape(4, 6).T)


def test_projections_of_attention_are_told_apart_by_their_names():
    assert list(map(str, matrix_axes(ATTENTION, QKV))) == ["6 x 4", "4 x 6"]  # out, query
    assert list(map(str, matrix_axes(ATTENTION))) == ["6 x 4", "8 x 3"]
    assert seen({"query": jnp.ones((4, 6))}, QKV) == "4 x 6"  # all axes but one
    assert seen({"query": jnp.ones((5, 4, 2, 3))}, QKV, 1) == "5 of 4 x 6"


@pytest.mark.parametrize("part", [zoo.orthogonalize, zoo.scale_by_shape])
def test_parts_see_heads_as_outputs_together(part):
    def made(outputs, updates):
        tx = part(outputs=outputs)
        return jax.jit(tx.update)(updates, tx.init(updates))[0]

    flat = {name: ATTENTION[name]["kernel"].reshape(shape) for name, shape in (("query", (4, 6)), ("out", (6, 4)))}
    found, expected = made(QKV, ATTENTION), made("last", flat)
    for name, matrix in expected.items():
        kernel = found[name]["kernel"]
        np.testing.assert_allclose(kernel, matrix.reshape(kernel.shape), atol=1e-5)


def test_a_row_and_inject_hyperparams_take_the_rule():
    tx = optax.inject_hyperparams(zoo.muon)(0.1, outputs=QKV)
    updates, _ = tx.update(ATTENTION, tx.init(ATTENTION), ATTENTION)
    alone = zoo.muon(0.1, outputs=QKV)
    assert "outputs=outputs_under(names=('query', 'key', 'value'), axes=2)" in repr(alone)
    expected, _ = alone.update(ATTENTION, alone.init(ATTENTION), ATTENTION)
    np.testing.assert_allclose(updates["query"]["kernel"], expected["query"]["kernel"], atol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "stacked"),
    [((3,), None), ((-4,), None), ((0, 1, 2), None), ((), None), ((0,), 1), ((1, -2), None), (lambda p, x: None, None)],
)
def test_a_rule_that_does_not_fit_a_leaf_is_refused_with_its_path(outputs, stacked):
    tx = zoo.orthogonalize(outputs=outputs, stacked=stacked)
    with pytest.raises(ValueError, match=r"outputs gives .* for the leaf \['w'\] of shape \(4, 2, 3\), but must give"):
        tx.init({"w": jnp.ones((4, 2, 3))})


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        ("middle", ValueError, "outputs is 'middle', but must be one of 'first', 'last'"),
        (1, TypeError, "outputs is 1, but must be 'first', 'last', a tuple of axes"),
        ((True,), TypeError, "but must be 'first', 'last', a tuple of axes"),
        (jnp.ones(2), TypeError, "known before the step is traced"),
    ],
)
def test_what_is_no_rule_is_refused(outputs, error, message):
    with pytest.raises(error, match=message):
        zoo.orthogonalize(outputs=outputs)


def test_names_are_a_tuple_of_keys_and_axes_a_number():
    with pytest.raises(TypeError, match="names is 'query', but must be a tuple of keys"):
        zoo.outputs_under("query")
    with pytest.raises(ValueError, match="axes is 0, but must be a whole number at least 1"):
        zoo.outputs_under(("query",), axes=0)


def test_each_part_says_how_it_sees_leaves():
    params = {"w": jnp.ones((4, 6)), "stack": jnp.ones((5, 4, 6)), "b": jnp.ones(3)}
    stacked = zoo.stacked_under("stack")
    basis = zoo.eigenbasis(max_size=5, stacked=stacked).rule.seen(params)
    assert basis == ["no factors", "5 of factors of 4, none of 6", "factors of 4, none of 6"]
    factored = zoo.factored(zoo.ema(0.9), min_size=3, stacked=stacked).rule.seen(params)
    assert factored == ["not factored", "5 of rows 4, columns 6", "rows 4, columns 6"]


def test_a_part_knows_the_parts_that_it_is_made_of():
    average = zoo.ema(0.9)
    assert zoo.root(average).rule.inside == (average,)
    assert zoo.serial(a=average, b=zoo.trace(0.9)).rule.inside[0] is average
