"""Santa's parts: the thermostat's noise, keys and phases, its integrators and its annealing."""

import pickle

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import santa_e, santa_sss
from optax_zoo.primitives.integrators import adapt, brake, drift, euler, integrator, kick, symmetric_splitting
from optax_zoo.primitives.powers import power_growth
from optax_zoo.primitives.thermostat import by_preconditioner, thermostat

BOTH = pytest.mark.parametrize("santa", [santa_e, santa_sss])
FLAT = zoo.root(zoo.ema(0.0, of=jnp.ones_like), eps=0.0)  # a preconditioner of 1


def steps(tx, params, grads, state=None, count=3):
    state = tx.init(params) if state is None else state
    for _ in range(count):
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


@BOTH
def test_the_same_key_draws_the_same_trajectory(santa, params, grads):
    none, seed, typed = (steps(santa(key=key), params, grads) for key in (None, 0, jax.random.key(0)))
    raw = steps(santa(key=jax.random.key_data(jax.random.key(0))), params, grads)
    chex.assert_trees_all_equal(none, seed, typed, raw)
    chex.assert_trees_all_equal(*(steps(santa(key=jax.random.key(1, impl="rbg")), params, grads) for _ in range(2)))
    other, _ = steps(santa(key=1), params, grads)
    assert not jnp.allclose(other["w"], none[0]["w"])


def by_pickle(state):
    return pickle.loads(pickle.dumps(state))


def by_flax(state):
    serialization = pytest.importorskip("flax.serialization")
    return serialization.from_bytes(state, serialization.to_bytes(state))


@BOTH
@pytest.mark.parametrize("travel", [by_pickle, by_flax])
def test_a_stored_state_goes_on_with_the_same_noise(santa, travel, params, grads):
    tx = santa(correction=True)
    halfway, state = steps(tx, params, grads)
    chex.assert_trees_all_equal(
        steps(tx, halfway, grads, jax.tree.map(jnp.asarray, travel(state))), steps(tx, halfway, grads, state)
    )


def test_seeds_can_be_mapped_over(params, grads):
    together, _ = jax.vmap(lambda seed: steps(santa_e(key=seed), params["b"], grads["b"], count=1))(jnp.arange(2))
    alone, _ = steps(santa_e(key=1), params["b"], grads["b"], count=1)
    assert jnp.allclose(together[1], alone, rtol=1e-5)


def test_each_step_and_leaf_has_noise_of_its_own(params):
    seen = []

    def noise(key, t, zeros):
        seen.append((int(t), zeros))
        return jax.tree.map(lambda z: jnp.full_like(z, t + 1), zeros)

    tx = thermostat(FLAT, integrator(((drift, 1),)), burnin=10, velocity=2.0, noise=noise)
    updates, state = tx.update(params, tx.init(params), params, learning_rate=0.1)
    tx.update(params, state, params, learning_rate=0.1)
    assert [t for t, _ in seen] == [0, 1, 2]
    chex.assert_trees_all_equal(*(zeros for _, zeros in seen), jax.tree.map(jnp.zeros_like, params))
    chex.assert_trees_all_close(updates, jax.tree.map(lambda p: jnp.full_like(p, 2.0), params))

    drawn, state = [], (santa_e(key=3)).init({"a": jnp.zeros(2), "b": jnp.zeros(2)})
    for _ in range(2):
        updates, state = santa_e(key=3).update({"a": jnp.ones(2), "b": jnp.ones(2)}, state)
        drawn += [*state["momentum"].velocity["a"], *state["momentum"].velocity["b"]]
    assert len({float(x) for x in drawn}) == 8


@BOTH
def test_refinement_is_deterministic_and_leaves_the_friction(santa, params, grads):
    tx = santa(burnin=4)
    at_end, state = steps(tx, params, grads, count=3)
    other_key = {**state, "momentum": state["momentum"]._replace(key=state["momentum"].key + 1)}
    (first, after), (second, _) = steps(tx, at_end, grads, state), steps(tx, at_end, grads, other_key)
    chex.assert_trees_all_equal(first, second)
    chex.assert_trees_all_equal(after["momentum"].friction, state["momentum"].friction)
    exploring, _ = steps(
        tx, params, grads, other_key | {"momentum": other_key["momentum"]._replace(count=jnp.int32(0))}
    )
    assert not jnp.allclose(exploring["w"], first["w"])


@BOTH
def test_refinement_alone_keeps_no_key_and_equals_a_burn_in_that_has_passed(santa, params, grads):
    alone, state = steps(santa(burnin=0), params["b"], grads["b"])
    assert state["momentum"]._fields == ("velocity", "friction", "preconditioner")
    traced, _ = steps(santa(burnin=jnp.int32(0)), params["b"], grads["b"])
    assert jnp.allclose(alone, traced, rtol=1e-5)


def test_one_step_by_hand():
    """Both integrators under a preconditioner of 1, from u = 1, alpha = 0.5, with eta = 0.1, beta = 2, zeta = 1."""
    given = dict(data_size=2, burnin=9, annealing=2.0, velocity=1.0, friction=0.5, diffusion=by_preconditioner)
    t, noise, force = 0.1 / 2, (2 * 0.1 / 2) ** 0.5, 0.2 * 3.0

    def step(scheme):
        tx = thermostat(FLAT, scheme, **given, noise=lambda key, t, zeros: zeros + 1)
        updates, state = tx.update(jnp.float32(3.0), tx.init(jnp.float32(0.0)), learning_rate=0.2)
        return [float(x) for x in (updates, state.velocity, state.friction)]

    friction = 0.5 + 1 - t
    u = (1 - friction) + force + noise
    assert step(euler) == pytest.approx([u, u, friction], rel=1e-5)
    friction = 0.5 + (1 - t) / 2
    u = jnp.exp(-friction / 2) * (jnp.exp(-friction / 2) + force + noise)
    expected = [(1 + u) / 2, u, friction + (u**2 - t) / 2]
    assert step(symmetric_splitting) == pytest.approx([float(x) for x in expected], rel=1e-5)


@BOTH
def test_temperature_zero_is_free_of_noise(santa, params, grads):
    kept = {"noise": lambda key, t, zeros: jax.tree.map(lambda z: jnp.where(t == 0, z + 1, z), zeros)}
    without, _ = steps(santa(annealing=float("inf"), **kept), params, grads)
    loud = {"noise": lambda key, t, zeros: jax.tree.map(lambda z: z + 1 + t, zeros)}
    chex.assert_trees_all_close(without, steps(santa(annealing=float("inf"), **loud), params, grads)[0])


@BOTH
def test_a_correction_leaves_out_what_does_not_move(santa, params, grads):
    tx = santa(correction=True, noise=lambda key, t, zeros: zeros)
    _, state = steps(tx, params, jax.tree.map(jnp.zeros_like, grads))
    chex.assert_tree_all_finite(state)
    plain, corrected = (steps(santa(correction=flag), params, grads)[0] for flag in (False, True))
    assert not jnp.allclose(plain["w"], corrected["w"], rtol=1e-7)


def test_hyperparameters_can_be_injected(params, grads):
    tx = optax.inject_hyperparams(santa_e, static_args=("data_size", "burnin"))(learning_rate=1e-4)
    chex.assert_trees_all_close(steps(tx, params, grads)[0], steps(santa_e(1e-4), params, grads)[0], rtol=1e-4)


def test_annealing_grows_as_said():
    assert jnp.allclose(power_growth(0.5)(jnp.int32(3)), 2)
    assert jnp.allclose(power_growth(2, scale=3.0, offset=1)(jnp.int32(1)), 27)
    assert power_growth(0.5, offset=-1)(jnp.int32(0)) == 0
    assert repr(power_growth(2, scale=3.0, offset=1)) == "power_growth(2, 1, 3)"
    assert repr(power_growth(0.25, offset=-1)) == "power_growth(0.25, -1)"
    with pytest.raises(ValueError, match="power is 0, but must be above 0"):
        power_growth(0)


def test_integrators_print_what_they_are():
    assert repr(symmetric_splitting) == "symmetric_splitting"
    own = integrator(((kick, 1), (adapt, 1 / 2), (brake, 1)))
    assert repr(own) == "integrator(((kick, 1), (adapt, 0.5), (brake, 1)))"
    assert repr(integrator(((drift, 1),))) == "integrator(((drift, 1),))"


@BOTH
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data_size": 0}, "data_size is 0, but must be above 0"),
        ({"sigma": 1.0}, "sigma is 1.0, but must be at least 0 and below 1"),
        ({"burnin": -1}, "burnin is -1"),
        ({"annealing": 0.0}, "annealing is 0.0, but must be above 0"),
        ({"friction": -1.0}, "friction is -"),
        ({"diffusion": -1.0}, "diffusion is -1.0"),
        ({"eps_root": -1e-8}, "eps_root is -1e-08"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
    ],
)
def test_numbers_outside_their_range_are_refused(santa, wrong, message):
    with pytest.raises(ValueError, match=message):
        santa(**wrong)


def test_a_thermostat_needs_a_key_and_a_rate(params, grads):
    with pytest.raises(TypeError, match="static_args"):
        santa_e(key=jnp.float32(0.0))
    tx = thermostat(FLAT, euler)
    with pytest.raises(TypeError, match="needs the learning rate"):
        tx.update(grads, tx.init(params))
