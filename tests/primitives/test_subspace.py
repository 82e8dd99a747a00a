"""Subspaces: what is kept in them, what spans them and when, and what becomes of the rest of a gradient."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import ema, limit_growth, pipeline, rows_and_columns, scaled_as_within, subspace, tracked_subspace
from optax_zoo.primitives.singular import leading_vectors

RNG = np.random.default_rng(5)


def drawn(*shape, count=4):
    return [jnp.asarray(RNG.normal(size=shape), jnp.float32) for _ in range(count)]


def steps(tx, grads):
    """The updates and the state of steps with parameters of 0."""
    params = jax.tree.map(jnp.zeros_like, grads[0])
    state, found = tx.init(params), []
    for g in grads:
        updates, state = tx.update(g, state, params)
        found.append(updates)
    return found, state


def same(found, expected, tolerance=1e-4):
    chex.assert_trees_all_close(found, expected, rtol=tolerance, atol=tolerance)


def adam_within(basis):
    return zoo.adam(0.1).replace(basis=basis)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_adam_is_in_the_span_of_the_leading_singular_vectors(shape):
    grads = drawn(*shape, count=5)
    tx, m, v = adam_within(subspace(2, 3, scale=0.5)), 0, 0
    state = tx.init(grads[0])
    for step, g in enumerate(grads):
        u, state = tx.update(g, state)
        g = np.asarray(g if shape[0] < shape[1] else g.T)
        if step % 3 == 0:
            left = np.linalg.svd(g)[0][:, :2]
            left = left * np.sign((left * state["basis"].vectors[0]).sum(0))  # signs are arbitrary
        inside = left.T @ g
        m, v = 0.9 * m + 0.1 * inside, 0.999 * v + 0.001 * inside**2
        expected = -0.1 * 0.5 * left @ (m / (1 - 0.9 ** (step + 1)) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8))
        same(u if shape[0] < shape[1] else u.T, expected)
    assert state["numerator"].estimator.value.shape == ((2, 5) if shape == (3, 5) else (5, 2))


@pytest.mark.parametrize(
    ("side", "held", "vectors"),
    [
        ("smaller", (2, 5), [(3, 2)]),
        ("larger", (3, 2), [(5, 2)]),
        ("inputs", (2, 5), [(3, 2)]),
        ("outputs", (3, 2), [(5, 2)]),
        ("both", (2, 2), [(3, 2), (5, 2)]),
    ],
)
def test_the_state_is_as_small_as_the_subspace(side, held, vectors):
    state = adam_within(subspace(2, side=side)).init({"w": jnp.zeros((3, 5)), "b": jnp.zeros(3)})
    of_slots = [state["numerator"].estimator.value, state["denominator"].estimator.value]
    assert [jax.tree.map(jnp.shape, x) for x in of_slots] == [{"w": held, "b": (3,)}] * 2
    assert [x["w"].shape for x in state["basis"].vectors] == vectors
    assert all(x["b"].shape == () for x in state["basis"].vectors)


def test_of_all_vectors_nothing_is_lost_and_what_is_no_matrix_stays():
    grads = [{"w": w, "b": b} for w, b in zip(drawn(3, 4), drawn(3), strict=True)]
    tx = pipeline(basis=subspace(every=2), numerator=ema(0.0))
    same(steps(tx, grads)[0], grads)
    in_rows = [{"w": _inside(grads[0]["w"], g["w"]), "b": g["b"]} for g in grads]
    same(steps(pipeline(basis=subspace(9, side="both")), grads)[0], in_rows)


def _inside(first, g):
    """The part of a matrix in the row space of another."""
    right = jnp.linalg.svd(first, full_matrices=False)[2]
    return g @ right.T @ right


def test_stacked_layers_and_several_output_axes_are_matrices_like_any_other():
    layers = [drawn(3, 4), drawn(3, 4)]
    separate, _ = steps(adam_within(subspace(2, 2)), [{"0": a, "1": b} for a, b in zip(*layers, strict=True)])
    for axis, stacked in ((0, 1), (2, (2,))):
        grads = [jnp.stack([a, b], axis) for a, b in zip(*layers, strict=True)]
        found, _ = steps(adam_within(subspace(2, 2, stacked=stacked)), grads)
        same(found, [jnp.stack([u["0"], u["1"]], axis) for u in separate])
    heads, _ = steps(adam_within(subspace(2, 2, outputs=(1, 2))), [g.reshape(3, 2, 2) for g in layers[0]])
    same(heads, [u["0"].reshape(3, 2, 2) for u in separate])
    turned, _ = steps(adam_within(subspace(2, 2, outputs="first")), [g.T for g in layers[0]])
    same(turned, [u["0"].T for u in separate])


def test_renewals_are_dealt_out_over_the_leaves():
    grads = [{"a": a, "b": b} for a, b in zip(drawn(3, 4, count=7), drawn(3, 4, count=7), strict=True)]
    tx, renewed = adam_within(subspace(2, 4, staggered=True)), {"a": [], "b": []}
    state = tx.init(grads[0])
    for step, g in enumerate(grads):
        before = state["basis"].vectors[0]
        _, state = tx.update(g, state)
        for name, when in renewed.items():
            if not np.array_equal(before[name], state["basis"].vectors[0][name]):
                when.append(step)
    assert renewed == {"a": [0, 4], "b": [0, 2, 6]}


def test_of_an_average_it_is_made_of_that_and_the_average_stays_outside():
    grads = drawn(3, 5)
    tx = zoo.conda(0.1, every=1, scale=1.0).slots["matrices"]
    found, state = steps(tx, grads)
    average = state["numerator"].estimator.value
    left = jnp.linalg.svd(average)[0]
    same(jnp.abs(state["basis"].vectors[0].T @ left), jnp.eye(3))
    assert average.shape == (3, 5)
    assert state["denominator"].estimator.value.shape == found[-1].shape


def test_iterated_vectors_are_nearly_the_singular_ones():
    spectrum = jnp.exp(-jnp.arange(40.0) / 8)
    left, right = (jnp.linalg.qr(x)[0] for x in (drawn(60, 40, count=1)[0], drawn(90, 40, count=1)[0]))
    matrix = (left * spectrum) @ right.T
    for exact in (True, False):
        for found, expected in zip(leading_vectors(matrix, 8, exact), (left, right), strict=True):
            same(found.T @ found, jnp.eye(8))
            overlap = jnp.linalg.svd(found.T @ expected[:, :8])[1]
            assert float(overlap[-1]) > 0.995


def test_random_directions_are_drawn_again_each_period_and_not_kept():
    grads = drawn(3, 5, count=1) * 4
    tx = pipeline(basis=subspace(2, 2, vectors="random", key=3))
    found, state = steps(tx, grads)
    assert state["basis"].vectors == ()
    assert jnp.array_equal(found[0], found[1])
    assert jnp.array_equal(found[2], found[3])
    assert not jnp.allclose(found[1], found[2])
    many = steps(pipeline(basis=subspace(2, 1, vectors="random")), grads[:1] * 400)[0]
    assert jnp.linalg.norm(sum(many) / 400 - grads[0]) < 0.25 * jnp.linalg.norm(grads[0])  # on average it is that


@pytest.mark.parametrize("per", ["channel", "leaf"])
def test_outside_a_gradient_is_scaled_as_the_step_was_inside(per):
    (g,) = drawn(3, 5, count=1)
    left = np.linalg.svd(g)[0][:, :2]
    inside = left.T @ g
    direction = 3 * np.sign(inside)
    axis = 0 if per == "channel" else None
    ratio = np.linalg.norm(direction, axis=axis) / np.linalg.norm(inside, axis=axis)
    tripled = pipeline(basis=subspace(2), numerator=zoo.scaled(3.0, jnp.sign))
    (rest,), _ = steps(tripled.replace(rescale=scaled_as_within("rest", per=per)), [g])
    same(rest, (g - left @ inside) * ratio)
    (whole,), _ = steps(tripled.replace(rescale=scaled_as_within("whole", per=per)), [g])
    same(whole, g * ratio)


def test_what_needs_a_subspace_says_so():
    for part in (scaled_as_within(), zoo.whitened_rest()):
        with pytest.raises(ValueError, match="stands in a pipeline whose slot basis has a subspace"):
            steps(pipeline(rescale=part), drawn(3, 5))


def test_the_rest_is_divided_by_its_average_length():
    grads = drawn(3, 5, count=3)
    tx = pipeline(basis=tracked_subspace(1, 9), rescale=zoo.whitened_rest(0.5))
    found, state = steps(tx, grads)
    u, energy = np.asarray(state["basis"].vectors), 0
    for g, step in zip(grads, found, strict=True):
        rest = g - u @ u.T @ g
        energy = 0.5 * energy + 0.5 * (rest**2).sum(0)
        same(step, np.sqrt(2) * rest / np.sqrt(energy))


@pytest.mark.slow
def test_the_tracked_subspace_finds_the_leading_directions_and_looks_outside():
    rotation = jnp.linalg.qr(drawn(6, 6, count=1)[0])[0]
    grads = [rotation @ (jnp.array([9.0, 5.0, 1.0, 1.0, 1.0, 1.0])[:, None] * g) for g in drawn(6, 8, count=12)]
    tx = adam_within(tracked_subspace(4, 2, leading=2, decay=0.8))
    _, state = steps(tx, grads)
    u = state["basis"].vectors
    same(u.T @ u, jnp.eye(4), 1e-3)
    assert float(jnp.linalg.norm(u.T @ rotation[:, 0])) > 0.99
    assert float(jnp.linalg.norm(u.T @ rotation[:, 1])) > 0.98
    _, before = steps(tx, grads[:10])
    old, new = before["basis"].vectors, steps(tx, grads[:11])[1]["basis"].vectors[:, 2:]
    assert float(jnp.linalg.norm(old.T @ new)) < 1.0  # mostly directions that were not in it
    assert state["basis"].factors.shape == (4, 4)


def test_of_full_rank_the_tracked_subspace_is_the_eigenbasis():
    (g,) = drawn(3, 5, count=1)
    _, state = steps(adam_within(tracked_subspace(9, leading=1, decay=0.0)), [g])
    u = state["basis"].vectors
    inside = u.T @ g @ g.T @ u
    same(inside, jnp.diag(jnp.diag(inside)), 1e-3)
    assert jnp.all(jnp.diff(jnp.diag(inside)) < 0)


def test_growth_is_limited_to_a_multiple_of_the_length_before():
    grads = [{"a": jnp.array([3.0, 4.0]) * s, "b": jnp.ones(2)} for s in (1.0, 10.0, 0.5, 1.0)]
    found, state = steps(limit_growth(2.0, eps=0.0), grads)
    same([float(jnp.linalg.norm(u["a"])) for u in found], [5.0, 10.0, 2.5, 5.0])
    same([u["b"] for u in found], [g["b"] for g in grads])
    same(state.norm["a"], 5.0)
    of_zero = [jnp.zeros(2), jnp.ones(2), jnp.ones(2)]
    same(steps(limit_growth(2.0, eps=0.0), of_zero)[0], of_zero)
    found, _ = steps(limit_growth(2.0, eps=0.25), of_zero)
    same(float(jnp.linalg.norm(found[1])), 0.5)


def test_rows_and_columns_have_scales_of_their_own():
    grads = [{"w": w, "b": b} for w, b in zip(drawn(3, 4), drawn(3), strict=True)]
    found, state = steps(rows_and_columns(0.5, eps=0.0), grads)
    q, s = np.ones((3, 1)), np.zeros((1, 4))
    of_all, each = 1.0, np.zeros(3)
    for g, scale in zip(grads, found, strict=True):
        w, b = np.square(g["w"]), np.square(g["b"])
        q, s = 0.5 * q + 0.5 * w.mean(1, keepdims=True), 0.5 * s + 0.5 * w.mean(0, keepdims=True)
        of_all, each = 0.5 * of_all + 0.5 * b.mean(), 0.5 * each + 0.5 * b
        same(scale, {"w": np.sqrt(q) * np.sqrt(s), "b": np.sqrt(of_all * each)})
    assert (state.rows["w"].shape, state.columns["w"].shape) == ((3, 1), (1, 4))
    first, _ = steps(rows_and_columns(0.5, eps=0.0, outputs="first"), [{"w": g["w"].T, "b": g["b"]} for g in grads])
    same(first[-1]["w"], found[-1]["w"].T)


def test_only_small_parameters_move():
    params = jnp.array([0.1, 5.0, -0.2])
    tx = zoo.sgd(1.0).replace(iterate=zoo.only_small(1.0, again_after=1))
    state, moves = tx.init(params), []
    for _ in range(3):
        updates, state = tx.update(jnp.array([1.0, 1.0, 0.1]), state, params)
        moves.append(updates)
        params = params + 2 * updates
    same(jnp.stack(moves), jnp.array([[-1.0, 0.0, -0.1], [0.0, 0.0, -0.1], [0.0, 0.0, -0.1]]))


BAD = {
    "no rows": jnp.zeros((0, 4)),
    "no columns": jnp.zeros((3, 0)),
    "one row": jnp.ones((1, 4)),
    "one column": jnp.ones((4, 1)),
    "of rank one": jnp.ones((4, 3)),
    "zero": jnp.zeros((4, 3)),
    "huge": jnp.ones((3, 4)).at[0].set(-2.0) * 1e30,
    "tiny": jnp.ones((3, 4)).at[0].set(-2.0) * 1e-30,
}


@pytest.mark.parametrize(
    "name",
    ["galore", "racs", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fira", "apollo", "conda", "alice"))],
)
def test_bad_matrices_have_finite_updates(name):
    options = {} if name == "racs" else {"every": 2, "rank": 2}
    tx = zoo.create(name, **options, **({"leading": 1} if name == "alice" else {}))
    found, _ = steps(tx, [BAD] * 3)
    for of_step in found:
        chex.assert_tree_all_finite(of_step)
        chex.assert_trees_all_equal_shapes_and_dtypes(of_step, BAD)
        assert not of_step["zero"].any()


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (subspace, {"rank": 0}, "rank is 0, but must be a whole number at least 1"),
        (subspace, {"every": 0}, "every is 0, but must be at least 1"),
        (subspace, {"side": "left"}, "side is 'left', but must be one of"),
        (subspace, {"vectors": "svd"}, "vectors is 'svd', but must be one of"),
        (tracked_subspace, {"leading": 0}, "leading is 0, but must be a whole number at least 1"),
        (tracked_subspace, {"side": "both"}, "side is 'both', but must be one of"),
        (scaled_as_within, {"of": "all"}, "of is 'all', but must be one of"),
        (limit_growth, {"ratio": 0}, "ratio is 0, but must be above 0"),
        (rows_and_columns, {"decay": 1.0}, "decay is 1.0, but must be at least 0 and below 1"),
    ],
)
def test_what_is_outside_its_range_is_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
