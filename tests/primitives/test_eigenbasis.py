"""The eigenbasis: where it is, how a leaf is seen for it, and what is carried over when it turns."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import eigenbasis, ema, pipeline

RNG = np.random.default_rng(3)


def drawn(*shape, count=4):
    return [jnp.asarray(RNG.normal(size=shape), jnp.float32) for _ in range(count)]


def within(basis):
    """Adam in a basis."""
    return zoo.adam(0.1, 0.9, 0.95).replace(basis=basis)


def steps(tx, grads):
    """The updates and the state of steps with parameters of 0."""
    params = jax.tree.map(jnp.zeros_like, grads[0])
    state, found, update = tx.init(params), [], jax.jit(tx.update)
    for g in grads:
        updates, state = update(g, state, params)
        found.append(updates)
    return found, state


def same(found, expected, tolerance=1e-4):
    chex.assert_trees_all_close(found, expected, rtol=tolerance, atol=tolerance)


def test_one_sided_bases_are_along_the_shortest_axis():
    grads = drawn(3, 5)
    found, state = steps(within(eigenbasis(2, one_sided=True)), grads)
    expected, _ = steps(within(eigenbasis(2, max_size=4)), grads)
    assert [factor.shape for factor in state["basis"].factors] == [(3, 3), ()]
    same(found, expected)


def turns(basis, count=6):
    """At which steps each of two leaves has another basis than before."""
    tx, grads = (
        within(basis),
        [{"a": a, "b": b} for a, b in zip(drawn(3, 2, count=count), drawn(2, 3, count=count), strict=True)],
    )
    state, found, update = tx.init(grads[0]), {"a": [], "b": []}, jax.jit(tx.update)
    for number, g in enumerate(grads):
        before, (_, state) = state["basis"].vectors[0], update(g, state, g)
        for leaf, when in found.items():
            if jnp.any(before[leaf] != state["basis"].vectors[0][leaf]):
                when.append(number)
    return found


def test_staggered_leaves_turn_at_different_steps():
    assert turns(eigenbasis(2)) == {"a": [0, 2, 4], "b": [0, 2, 4]}
    expected = {"a": [0, 2, 4], "b": [0, 1, 3, 5]}
    assert turns(eigenbasis(2, staggered=True)) == expected
    assert turns(eigenbasis(jnp.int32(2), staggered=True)) == expected


def test_the_first_step_only_makes_the_basis_of_its_gradient():
    (g,) = drawn(4, 3, count=1)
    tx = within(eigenbasis(2, 0.5))
    (update,), state = steps(tx, [g])
    chex.assert_trees_all_equal(update, jnp.zeros_like(g))
    before = tx.init(g)
    chex.assert_trees_all_equal({**state, "basis": None}, {**before, "basis": None})
    same(state["basis"].factors, (0.5 * g @ g.T, 0.5 * g.T @ g))
    left, right = state["basis"].vectors
    inside = left.T @ g @ right
    sizes = jnp.linalg.svd(g, compute_uv=False)
    same(jnp.abs(jnp.diag(inside)), sizes)  # in its own basis a gradient is diagonal, the largest first
    assert jnp.linalg.norm(inside) == pytest.approx(float(jnp.linalg.norm(jnp.diag(inside))), rel=1e-4)


def test_factors_are_averages_of_covariances_and_the_basis_follows_them():
    grads = drawn(4, 3, count=60)
    rotation = jnp.linalg.qr(drawn(4, 4, count=1)[0])[0]
    stretched = [rotation @ (jnp.array([8.0, 4.0, 2.0, 1.0])[:, None] * g) for g in grads]
    _, state = steps(within(eigenbasis(1, 0.9)), stretched)
    average = jnp.zeros((4, 4))
    for g in stretched:
        average = 0.9 * average + 0.1 * g @ g.T
    (left, _), (vectors, _) = state["basis"].factors, state["basis"].vectors
    same(left, average, 1e-3)
    same(vectors.T @ vectors, jnp.eye(4))
    diagonal = vectors.T @ average @ vectors
    assert jnp.linalg.norm(diagonal - jnp.diag(jnp.diag(diagonal))) < 0.05 * jnp.linalg.norm(diagonal)
    assert jnp.all(jnp.diff(jnp.diag(diagonal)) < 0)


def test_averages_are_rotated_and_scales_sorted_with_the_basis():
    grads = drawn(4, 3, count=3)
    tx = within(eigenbasis(2, 0.5))
    _, before = steps(tx, grads[:2])
    _, after = steps(tx, grads)  # the third step is taken in the basis before, and turns it
    stays = within(eigenbasis(1000, 0.5))
    _, unturned = steps(stays, grads)

    def outside(state):
        left, right = state["basis"].vectors
        return left @ state["numerator"].estimator.value @ right.T

    same(before["basis"].vectors, unturned["basis"].vectors)
    assert jnp.max(jnp.abs(after["basis"].vectors[0] - before["basis"].vectors[0])) > 0.1
    same(outside(after), outside(unturned))
    scales = (state["denominator"].estimator.value.ravel() for state in (after, unturned))
    same(*map(jnp.sort, scales))


def test_stacked_layers_have_bases_of_their_own():
    layers = [drawn(4, 3), drawn(4, 3)]
    separate, of_separate = steps(within(eigenbasis(2)), [{"0": a, "1": b} for a, b in zip(*layers, strict=True)])
    for axis, stacked in ((0, 1), (1, (1,)), (2, (2,))):
        found, state = steps(
            within(eigenbasis(2, stacked=stacked)), [jnp.stack([a, b], axis) for a, b in zip(*layers, strict=True)]
        )
        same(found, [jnp.stack([u["0"], u["1"]], axis) for u in separate])
        same(state["basis"].factors[0], jnp.stack(list(of_separate["basis"].factors[0].values())))


def test_long_axes_and_vectors_have_no_basis():
    grads = [{"w": w, "b": b, "long": long} for w, b, long in zip(drawn(4, 6), drawn(3), drawn(7, 8), strict=True)]
    tx = within(eigenbasis(2, max_size=4))
    found, state = steps(tx, grads)
    shapes = [jax.tree.map(jnp.shape, of_axis) for of_axis in state["basis"].factors]
    assert shapes == [{"w": (4, 4), "b": (), "long": ()}, {"w": (), "b": (), "long": ()}]
    plain, _ = steps(zoo.adam(0.1, 0.9, 0.95), grads[1:])
    for name in ("b", "long"):
        same([u[name] for u in found[1:]], [u[name] for u in plain])
    left = state["basis"].vectors[0]["w"]
    same(left @ left.T, jnp.eye(4))
    _, state = steps(within(eigenbasis(2, of_vectors=True)), grads)
    assert state["basis"].factors[0]["b"].shape == (3, 3)


def test_neighbouring_axes_are_merged_up_to_a_size():
    grads = drawn(2, 3, 5)
    found, _ = steps(within(eigenbasis(2, merge=True, max_size=6)), grads)
    flat, _ = steps(within(eigenbasis(2, max_size=6)), [g.reshape(6, 5) for g in grads])
    same(found, [u.reshape(2, 3, 5) for u in flat])


def test_channels_last_move_to_the_second_place_before_axes_are_merged():
    grads = drawn(2, 3, 2, 5)
    found, _ = steps(within(eigenbasis(2, merge=True, channels_last=True, max_size=10)), grads)
    moved, _ = steps(within(eigenbasis(2, merge=True, max_size=10)), [jnp.moveaxis(g, 3, 1) for g in grads])
    same(found, [jnp.moveaxis(u, 1, 3) for u in moved])


@pytest.mark.parametrize(
    "params", [{}, {"w": None}, {"n": jnp.arange(3)}, {"empty": jnp.zeros((0, 3))}, jnp.float32(1)]
)
def test_trees_that_have_nothing_to_rotate(params):
    tx = within(eigenbasis(1))
    state = tx.init(params)
    for _ in range(2):
        updates, state = tx.update(params, state, params)
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, params)


def test_of_low_precision_it_is_kept_in_float32():
    low = [g.astype(jnp.bfloat16) for g in drawn(4, 3)]
    found, state = steps(within(eigenbasis(1)), low)
    assert found[-1].dtype == jnp.bfloat16
    assert {x.dtype for x in (*state["basis"].factors, *state["basis"].vectors)} == {jnp.dtype("float32")}


def test_averages_in_bfloat16_turn_with_it():
    _, state = steps(zoo.soap(0.1, every=1, accumulator_dtype=jnp.bfloat16), drawn(4, 3))
    assert state["numerator"].estimator.value.dtype == state["denominator"].estimator.value.dtype == jnp.bfloat16


def test_alone_it_maps_updates_into_the_basis():
    grads = drawn(4, 3, count=2)
    _, state = steps(pipeline(basis=eigenbasis(9), numerator=ema(0.0)), grads)
    found, _ = steps(optax.chain(eigenbasis(9)), grads)
    left, right = state["basis"].vectors
    same(found[1], left.T @ grads[1] @ right)


def test_a_late_part_sees_the_gradient_outside_the_basis():
    seen = {}

    def watch(name):
        def update(updates, state, params=None, *, gradient, **extra_args):
            seen[name] = gradient
            return updates, state

        return optax.GradientTransformationExtraArgs(optax.identity().init, update)

    tx = pipeline(basis=eigenbasis(9), numerator=watch("in it"), rescale=watch("outside"), learning_rate=0.1)
    grads, state = drawn(4, 3, count=2), tx.init(jnp.zeros((4, 3)))
    for g in grads:
        _, state = tx.update(g, state)
    left, right = state["basis"].vectors
    same(seen["outside"], grads[1])
    same(seen["in it"], left.T @ grads[1] @ right)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every is 0, but must be at least 1"),
        ({"decay": 1.0}, "decay is 1.0, but must be at least 0 and below 1"),
        ({"max_size": 0}, "max_size is 0, but must be a whole number at least 1"),
    ],
)
def test_numbers_outside_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        eigenbasis(**arguments)


@pytest.mark.parametrize("part", [ema(0.9), optax.identity(), 0.1])
def test_the_slot_takes_bases_only(part):
    with pytest.raises(TypeError, match=r"basis is .*, but must be"):
        pipeline(basis=part)
