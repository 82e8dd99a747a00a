"""Estimates that are kept as their largest values along each axis."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import covered, debiased, ema, square, total

SHAPES = {"matrix": (4, 3), "kernel": (2, 4, 3), "vector": (5,), "number": (), "empty": (0, 3)}


def trees(seed):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.normal(size=shape), "float32") for name, shape in SHAPES.items()}


def expected(x, covers):
    """SM3-II of one leaf: the estimates, and the largest of each index along each axis."""
    estimate = np.minimum.reduce([np.zeros(np.shape(x)) + cover for cover in covers]) + np.square(x)
    axes = [tuple(other for other in range(np.ndim(x)) if other != axis) for axis in range(np.ndim(x))] or [()]
    return estimate, [np.max(estimate, over, keepdims=True, initial=0) for over in axes]


def test_the_least_of_the_covers_stands_for_an_element():
    part = covered(total(of=square))
    state = part.init(trees(0))
    covers = {name: [0.0] for name in SHAPES}
    for seed in range(3):
        estimate, state = part.update(trees(seed), state)
        for name, x in trees(seed).items():
            by_hand, covers[name] = expected(x, covers[name])
            np.testing.assert_allclose(estimate[name], by_hand, rtol=1e-6)
            for kept, cover in zip(state.value.axes, covers[name], strict=False):
                np.testing.assert_allclose(kept[name], cover, rtol=1e-6)
    assert jax.tree.map(jnp.size, state.value.axes[2]) == {**dict.fromkeys(SHAPES, 1), "kernel": 3}


def test_no_estimate_is_below_the_sum_that_it_covers():
    sums, covers = total(of=square), covered(total(of=square))
    of_sums, of_covers = sums.init(trees(0)), covers.init(trees(0))
    for seed in range(4):
        least, of_sums = sums.update(trees(seed), of_sums)
        estimate, of_covers = covers.update(trees(seed), of_covers)
    assert jax.tree.all(jax.tree.map(lambda e, s: bool(jnp.all(e >= s * (1 - 1e-6))), estimate, least))


def test_stacked_layers_are_covered_each_by_itself():
    whole, alone = covered(total(of=square), stacked=1), covered(total(of=square))
    x = trees(0)["kernel"]
    estimate, state = whole.update(x, whole.init(x))
    assert [kept.shape for kept in state.value.axes] == [(2, 4, 1), (2, 1, 3)]
    np.testing.assert_allclose(estimate[1], alone.update(x[1], alone.init(x[1]))[0], rtol=1e-6)


def test_it_says_how_many_numbers_it_keeps():
    said = covered(total(of=square)).rule.seen(list(trees(0).values()))
    assert said == [f"{sizes} numbers" for sizes in ("4 + 3", "2 + 4 + 3", "5", "1", "0 + 3")]


def test_averages_are_covered_and_divided_by_their_weight():
    x = jnp.array([[2.0, -1.0]])
    part = debiased(covered(ema(0.9, of=square)))
    np.testing.assert_allclose(part.update(x, part.init(x))[0], x**2, rtol=1e-6)


def test_what_keeps_no_estimate_is_refused():
    with pytest.raises(TypeError, match=r"but must be an ema or a total"):
        covered(optax.identity()).init(jnp.ones(2))


def test_a_decay_stays_at_its_beginning():
    late = zoo.power_decay(0.8, start=-2)
    np.testing.assert_allclose([late(count) for count in range(5)], [0, 0, 0, 0, 1 - 2**-0.8], rtol=1e-6)


def test_the_two_longest_axes_are_those_of_matrices():
    shapes = {"kernel": (3, 3, 64, 128), "equal": (4, 4, 4), "vector": (5,), "first": (8, 2, 9)}
    stacked = {name: zoo.but_longest()((), jnp.zeros(shape)) for name, shape in shapes.items()}
    assert stacked == {"kernel": (0, 1), "equal": (0,), "vector": (), "first": (1,)}
