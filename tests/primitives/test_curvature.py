"""Curvature that the training loop hands over."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, hutchinson, of_curvature, square

PARAMS = {"w": jnp.array([1.0, -2.0]), "s": jnp.float32(3.0)}


def loss(p):
    return jnp.sum(p["w"] ** 3) / 6 + 5 * p["s"] ** 2 + jnp.prod(p["w"])


def test_random_signs_find_a_diagonal_on_average_and_at_once_where_there_is_nothing_beside_it():
    found = [hutchinson(loss, PARAMS)(jax.random.key(seed)) for seed in range(2)]
    np.testing.assert_allclose([each["s"] for each in found], 10.0)
    keys = jax.random.split(jax.random.key(0), 4000)
    for probes in ("signs", "normal"):
        mean = jax.tree.map(lambda x: jnp.mean(x, 0), jax.vmap(hutchinson(loss, PARAMS, probes=probes))(keys))
        np.testing.assert_allclose(mean["w"], PARAMS["w"], atol=0.2)
    with pytest.raises(ValueError, match="probes is 'ones'"):
        hutchinson(loss, PARAMS, probes="ones")


def test_it_is_renewed_in_the_first_step_and_every_few_after_it():
    part = of_curvature(ema(0.5), every=3)
    state, found = part.init(PARAMS), []
    for step in range(5):
        curvature = jax.tree.map(lambda p, step=step: jnp.full(p.shape, 2.0**step), PARAMS)
        estimate, state = part.update(PARAMS, state, curvature=curvature)
        found.append(float(estimate["s"]))
    assert found == [0.5, 0.5, 0.5, 4.25, 4.25]
    assert int(state.count) == 5


def test_each_renewal_draws_with_a_key_of_its_own_and_no_other_step_draws():
    drawn = []

    def curvature(key):
        jax.debug.callback(lambda data: drawn.append(tuple(data.tolist())), jax.random.key_data(key))
        return PARAMS

    def steps(key):
        part = of_curvature(ema(0.5), every=2, key=key)
        state = part.init(PARAMS)
        for _ in range(4):
            _, state = part.update(PARAMS, state, curvature=curvature)
        jax.effects_barrier()
        return [drawn.pop(0) for _ in range(len(drawn))]

    first = steps(7)
    assert len(set(first)) == 2 and steps(jax.random.key(7)) == first != steps(8)


def test_its_weight_is_that_of_the_renewals():
    part = debiased(of_curvature(ema(0.9, of=square), every=2))
    state = part.init(PARAMS)
    for _ in range(4):
        estimate, state = part.update(PARAMS, state, curvature=PARAMS)
        np.testing.assert_allclose(estimate["w"], PARAMS["w"] ** 2, rtol=1e-6)
    np.testing.assert_allclose(state.weight, 1 - 0.9**2, rtol=1e-6)


def test_leaves_without_updates_are_left_out():
    params = {**PARAMS, "count": jnp.int32(4), "frozen": jnp.ones(2)}
    grads = {**PARAMS, "count": jnp.int32(0), "frozen": None}
    tx = zoo.sophia_h(0.1, weight_decay=None)
    updates, _ = tx.update(grads, tx.init(params), params, curvature=lambda key: params)
    assert updates["frozen"] is None and updates["count"] == 0 and updates["w"].shape == (2,)
    masked = optax.masked(tx, {"w": True, "s": False, "count": False, "frozen": False})
    alone, _ = masked.update(params, masked.init(params), params, curvature=params)
    assert alone["s"] == params["s"] and not jnp.array_equal(alone["w"], params["w"])


def test_what_does_not_fit_is_refused():
    part = of_curvature(ema(0.5))
    state = part.init(PARAMS)
    with pytest.raises(TypeError, match=r"needs the curvature: call update\(grads, state, params, curvature="):
        part.update(PARAMS, state)
    with pytest.raises(
        ValueError, match=r"gradients and curvature are trees that differ: .*'s'.* in the gradients only"
    ):
        part.update(PARAMS, state, curvature={"w": PARAMS["w"]})
    with pytest.raises(ValueError, match=r"curvature has a leaf of shape \(3,\), where the gradient has \(2,\)"):
        part.update(PARAMS, state, curvature={**PARAMS, "w": jnp.ones(3)})
    with pytest.raises(TypeError, match="must be an ema or a total"):
        of_curvature(optax.identity()).init(PARAMS)
    with pytest.raises(ValueError, match="every is 0"):
        of_curvature(ema(0.5), every=0)


def test_huge_curvature_is_got_over():
    tx = zoo.sophia_g(0.1, b2=0.5, every=1, weight_decay=None, batch_size=1)
    state, huge = tx.init(PARAMS), jax.tree.map(lambda p: jnp.full_like(p, 1e30), PARAMS)
    updates, state = tx.update(PARAMS, state, PARAMS, curvature=huge)
    assert jax.tree.all(
        jax.tree.map(lambda u: bool(jnp.all(jnp.isfinite(u))), (updates, state["denominator"].estimator))
    )


def test_of_a_complex_curvature_the_real_part_counts_and_of_squares_the_magnitude():
    given = jnp.array([3.0 + 4.0j, -1.0 + 2.0j], jnp.complex64)
    for estimator, expected in [(ema(0.5), [1.5, -0.5]), (ema(0.5, of=square), [12.5, 2.5])]:
        part = of_curvature(estimator)
        value, _ = part.update(given, part.init(given), curvature=given)
        assert value.dtype == jnp.float32
        np.testing.assert_allclose(value, expected, rtol=1e-6)
