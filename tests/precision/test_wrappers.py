"""What the wrappers of optimizers for narrow parameters have in common."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import precision

OUTERMOST = {
    "master": precision.with_master_weights,
    "kahan": precision.with_kahan_summation,
    "stochastic": precision.with_stochastic_rounding,
}
WRAPPERS = {**OUTERMOST, "float32": precision.float32_statistics}
INNER = {"optax": optax.adam(0.1), "adamw": zoo.adamw(0.1), "polyak_sgd": zoo.polyak_sgd(0.1)}
RNG = np.random.default_rng(0)


def tree(dtype="bfloat16"):
    """Narrow leaves and others."""
    return {
        "w": jnp.asarray(RNG.normal(size=(4, 3)), dtype),
        "scalar": jnp.asarray(0.5, dtype),
        "empty": jnp.zeros((0, 3), dtype),
        "wide": jnp.asarray(RNG.normal(size=3), jnp.float32),
        "complex": jnp.asarray(RNG.normal(size=2) + 1j, jnp.complex64),
    }


PARAMS = {dtype: tree(dtype) for dtype in ("bfloat16", "float16", "float8_e4m3fn")}
GRADS = jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), jnp.float32).astype(p.dtype), PARAMS["bfloat16"])


def trained(tx, params, grads, steps=4):
    """Parameters and state after steps in one compiled loop, which refuses dtypes and shapes that change."""
    tx = optax.with_extra_args_support(tx)

    def step(carry, _):
        params, state = carry
        updates, state = tx.update(grads, state, params, value=jnp.float32(1.0))
        return (precision.apply_updates(params, updates), state), None

    return jax.jit(lambda params: jax.lax.scan(step, (params, tx.init(params)), None, steps)[0])(params)


def slow_but(quick, others):
    """Parameters of a test, of which a few run by default."""
    return [pytest.param(*each, marks=[] if each in quick else [pytest.mark.slow]) for each in others]


COMBINED = list(itertools.product(WRAPPERS, INNER, PARAMS))
QUICK = [("master", "adamw", "bfloat16"), ("kahan", "optax", "float8_e4m3fn"), ("stochastic", "polyak_sgd", "float16")]


@pytest.mark.parametrize(("name", "of", "dtype"), slow_but(QUICK, COMBINED))
def test_leaves_of_all_kinds_keep_their_dtypes_and_those_not_narrow_their_steps(name, of, dtype):
    inner = INNER[of]
    params = PARAMS[dtype]
    grads = jax.tree.map(lambda g, p: g.astype(p.dtype), GRADS, params)
    found, state = trained(WRAPPERS[name](inner), params, grads)
    chex.assert_trees_all_equal_shapes_and_dtypes(found, params)
    chex.assert_tree_all_finite(found)
    bare = {leaf: params[leaf] for leaf in ("wide", "complex")}
    alone, _ = trained(inner, bare, {leaf: grads[leaf] for leaf in bare})
    if of != "polyak_sgd":  # whose rate is of all leaves
        chex.assert_trees_all_close({leaf: found[leaf] for leaf in bare}, alone, rtol=1e-6)
    assert all(x.dtype not in (jnp.bfloat16, jnp.float16) for x in jax.tree.leaves(_inner_state(state)))


def _inner_state(state):
    return getattr(state, "inner", state)


@pytest.mark.parametrize("name", OUTERMOST)
def test_a_step_in_float32_parameters_alone_is_that_of_the_optimizer(name):
    params = {"w": jnp.arange(6.0).reshape(2, 3)}
    grads = {"w": jnp.ones((2, 3)) * 0.3}
    inner = zoo.adamw(0.01, weight_decay=0.1)
    found, _ = trained(OUTERMOST[name](inner), params, grads)
    expected, _ = trained(inner, params, grads)
    chex.assert_trees_all_equal(found, expected)


@pytest.mark.parametrize("name", OUTERMOST)
def test_steps_that_bfloat16_loses_count(name):
    """A step of 2^-11 of 1 is half of half the distance of neighbours below 1: bfloat16 stays at 1."""
    params = jnp.ones(4096, jnp.bfloat16)
    grads = jnp.ones_like(params)
    plain, _ = trained(zoo.sgd(2.0**-11), params, grads, 512)
    found, _ = trained(OUTERMOST[name](zoo.sgd(2.0**-11)), params, grads, 512)
    chex.assert_trees_all_equal(plain, params)
    assert abs(float(found.astype(jnp.float32).mean()) - 0.75) < 2.0**-9


@pytest.mark.parametrize("name", slow_but([("kahan",)], [(name,) for name in OUTERMOST]))
def test_gradients_that_are_none_integers_and_subtrees_that_are_masked(name):
    params = {"w": jnp.ones(3, jnp.bfloat16), "frozen": jnp.ones(2, jnp.bfloat16), "ids": jnp.arange(3)}
    tx = OUTERMOST[name](zoo.adam(0.5))
    state = tx.init(params)
    grads = {"w": jnp.ones(3, jnp.bfloat16), "frozen": None, "ids": np.zeros(3, jax.dtypes.float0)}
    for _ in range(3):
        updates, state = tx.update(grads, state, params)
        assert updates["frozen"] is None
        params = precision.apply_updates(params, updates)
    assert (params["w"] < 0).all() and (params["frozen"] == 1).all() and (params["ids"] == jnp.arange(3)).all()

    masked = optax.masked(OUTERMOST[name](zoo.sgd(0.5)), {"a": True, "b": False})
    both = {"a": jnp.ones(2, jnp.bfloat16), "b": {"c": jnp.ones(2, jnp.bfloat16)}}
    updates, _ = masked.update(both, masked.init(both), both)
    chex.assert_trees_all_equal(updates["b"], both["b"])
    chex.assert_trees_all_close(updates["a"], jnp.full(2, -0.5))


@pytest.mark.parametrize("name", slow_but([("master",)], [(name,) for name in OUTERMOST]))
def test_wrappers_of_optax_around_and_within(name):
    params = {"a": jnp.ones(3, jnp.bfloat16), "b": jnp.ones((2, 2), jnp.bfloat16)}
    grads = jax.tree.map(lambda p: p * 0.25, params)
    wrap = OUTERMOST[name]
    several = optax.MultiSteps(wrap(zoo.adam(0.1)), 2).gradient_transformation()
    of_groups = optax.partition({"x": wrap(zoo.adam(0.1)), "y": wrap(optax.sgd(0.1))}, {"a": "x", "b": "y"})
    injected = optax.inject_hyperparams(lambda learning_rate: wrap(zoo.adam(learning_rate)))(learning_rate=0.1)
    clipped = optax.chain(optax.clip_by_global_norm(1.0), wrap(zoo.adam(0.1)))
    guarded = wrap(optax.apply_if_finite(zoo.adam(0.1), 3))
    for tx in (several, of_groups, injected, clipped, guarded):
        found, _ = trained(tx, params, grads)
        chex.assert_trees_all_equal_shapes_and_dtypes(found, params)
        assert all((leaf < 1).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("name", slow_but([("stochastic",)], [(name,) for name in OUTERMOST]))
def test_parameters_to_evaluate_with_are_found_inside(name):
    params = jnp.array([1.0, -2.0], jnp.bfloat16)
    tx = OUTERMOST[name](zoo.schedule_free_adamw(0.05))
    found, state = trained(tx, params, params, 10)
    average = zoo.evaluation_params(tx, state, found)
    assert average.dtype == jnp.bfloat16 and not (average == found).all()


@pytest.mark.parametrize("name", WRAPPERS)
def test_bad_input_is_refused_in_one_sentence(name):
    with pytest.raises(TypeError, match=r"tx is 0\.1, but must be an optax\.GradientTransformation"):
        WRAPPERS[name](0.1)
    if name in OUTERMOST:
        tx = OUTERMOST[name](optax.sgd(0.1))
        with pytest.raises(ValueError, match="needs the parameters: call update"):
            tx.update(jnp.ones(2), tx.init(jnp.ones(2)))
    if name in ("master", "kahan"):  # which have an entry for each leaf
        params = {"a": jnp.ones(2, jnp.bfloat16)}
        with pytest.raises(ValueError, match=r"\['b'\] is in the (params|updates) only"):
            tx.update({"b": jnp.ones(2)}, tx.init(params), {"b": jnp.ones(2)})


def test_other_bad_input():
    with pytest.raises(ValueError, match="dtype is 'bfloat16', but must be one of 'float32', 'float64'"):
        precision.with_master_weights(optax.sgd(0.1), jnp.bfloat16)
    with pytest.raises(ValueError, match="dtype is float64, but must be float32 without jax_enable_x64"):
        precision.with_master_weights(optax.sgd(0.1), "float64")
    with pytest.raises(TypeError, match=r"key is 'a', but must be a jax\.random\.key"):
        precision.with_stochastic_rounding(optax.sgd(0.1), "a")


def test_they_print_as_they_are_written():
    tx = precision.with_stochastic_rounding(precision.float32_statistics(zoo.sgd(0.1)), 3)
    assert repr(tx) == "with_stochastic_rounding(float32_statistics(pipeline(learning_rate=0.1)), 3)"
