"""Huge gradients: statistics stay finite, and what follows is as if the gradient had been the largest that is safe."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.compat import enable_x64
from optax_zoo.primitives.overflow import bounded

# Their sums and norms over a leaf are of another kind than elementwise squares.
BY_LEAF = ("adasecant", "clipped", "gravity", "normalized", "novograd")
OVERFLOWING = zoo.list_algorithms(lambda known: "huge_gradients" in known.expected_failures)


def steps(tx, gradients):
    """The updates by one leaf after another."""
    state, made = tx.init(gradients[0]), []
    given = {"value": jnp.float32(1), "learning_rate": 1.0}
    update = jax.jit(lambda g, s: tx.update(g, s, jnp.ones_like(g), curvature=g, **given))
    for g in gradients:
        u, state = update(g, state)
        made.append(u)
    return made, state


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64, jnp.complex64])
def test_bounded_changes_only_what_overflows(dtype):
    with enable_x64(dtype == jnp.float64):
        largest = np.finfo(dtype).max
        x = jnp.array([0.0, -1e-30, 1e17, -largest, jnp.nan], dtype)
        y = bounded(x)
        assert y.dtype == dtype and jnp.all(y[:3] == x[:3]) and jnp.isnan(y[4])
        assert jnp.isfinite(255 * zoo.square(y[3])) and jnp.real(y[3]) < -1e18
    assert bounded(jnp.array([2**30])).dtype == jnp.int32


@pytest.mark.parametrize("name", [name for name in zoo.list_algorithms() if name not in (*BY_LEAF, *OVERFLOWING)])
def test_a_huge_gradient_leaves_a_finite_state(name):
    known = zoo.describe(name)
    usual, huge = jnp.array([1.0, -0.3]), jnp.array([3.4e38, -1e20])
    made, state = steps(known.factory(**known.example), [usual, huge, huge, usual])
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((made, state)) if x.dtype == jnp.float32)


@pytest.mark.parametrize(
    "part",
    [
        zoo.match_units(0.9),
        zoo.scale_by_smorms3(),
        zoo.scale_by_arithmetic_rms(),
        zoo.scale_by_secant(),
        zoo.deviation(zoo.ema(0.9), zoo.ema(0.9, of=zoo.square)),
        zoo.root(zoo.debiased(zoo.running_max(zoo.ema(0.9, of=zoo.square)))),
        zoo.thermostat(zoo.root(zoo.ema(0.9, of=zoo.square)), zoo.euler, burnin=9),
        zoo.thermostat(zoo.root(zoo.ema(0.9, of=zoo.square)), zoo.symmetric_splitting, burnin=9),
    ],
    ids=repr,
)
def test_a_part_alone_gives_no_nan(part):
    gradients = [jnp.array([x, -x]) for x in (1.0, 1e20, 3.4e38, -3.4e38, 1.0)]
    made, _ = steps(part, gradients)
    assert not any(np.isnan(u).any() for u in made)


@pytest.mark.parametrize("make", [zoo.adadelta, zoo.rmsprop_graves, zoo.smorms3, zoo.adam, zoo.rmsprop])
def test_huge_gradients_move_as_far_as_large_ones(make):
    """All of these are scale-invariant: 1e25 is taken for 1.2e18, and moves like 1e10."""
    large, huge = (steps(make(0.1), [jnp.array([x, -x])] * 3)[0] for x in (1e10, 1e25))
    np.testing.assert_allclose(huge, large, rtol=1e-3)


def test_a_row_gets_over_a_huge_gradient():
    """optax keeps an infinite average, and stands still forever."""
    gradients = [jnp.full(2, 1e20)] + [jnp.ones(2)] * 2000
    state = (tx := zoo.rmsprop(0.1)).init(gradients[0])
    _, state = tx.update(gradients[0], state)
    _, updates = jax.jit(lambda s: jax.lax.scan(lambda s, g: tx.update(g, s)[::-1], s, jnp.stack(gradients[1:])))(state)
    np.testing.assert_allclose(updates[-1], -0.1, rtol=1e-3)


@pytest.mark.parametrize(
    "estimator",
    [
        zoo.root(zoo.ema(0.999, of=zoo.square)),
        zoo.deviation(zoo.ema(0.9), zoo.ema(0.9, of=zoo.square)),
        zoo.debiased(zoo.root(zoo.ema(0.999, of=zoo.square))),
        zoo.running_max(zoo.root(zoo.ema(0.999, of=zoo.square))),
    ],
    ids=repr,
)
def test_a_root_has_no_nan_derivative_at_0(estimator):
    def after_a_step(g):
        return jnp.sum(estimator.update(g, estimator.init(g))[0])

    assert jnp.all(jnp.isfinite(jax.grad(after_a_step)(jnp.array([0.0, 1.0]))))


EMA = zoo.ema(0.999, of=zoo.square)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (zoo.root(zoo.debiased(EMA)), 1e-4),
        (zoo.debiased(zoo.root(EMA)), 1e-4),
        (zoo.root(zoo.running_max(zoo.debiased(EMA))), 1e-4),
        (zoo.running_max(zoo.root(zoo.debiased(EMA))), 1e-4),
        (zoo.root(zoo.debiased(zoo.running_max(EMA))), 1e-4),
        (zoo.deviation(zoo.ema(0.5), zoo.ema(0.5, of=zoo.square)), 0.5e-4),
        (zoo.loss_feedback(zoo.root(zoo.debiased(EMA))), 1e-4),
        (zoo.arithmetic_rms(), 1e-4),
        (zoo.root(optax.trace(0.9)), 1e-2),
        (zoo.scale_by_arithmetic_rms(), 1.0),
        (zoo.match_units(0.9, eps=1e-10), 3.0e-5),
        (zoo.serial(a=zoo.root(zoo.debiased(EMA)), b=optax.scale(1e-4), c=optax.scale(1e4)), 1e-4),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_parts_alone_work_in_float32_and_cast_once(part, expected, dtype):
    g = jnp.array([1e-4, -1e-4] if "trace" not in repr(part) else [1e-4, 1e-4], dtype)
    state = part.init(g)
    estimate, after = part.update(g, state, g, value=jnp.float32(1.0), curvature=g)
    assert estimate.dtype == dtype
    assert jax.tree.map(jnp.result_type, after) == jax.tree.map(jnp.result_type, state)
    np.testing.assert_allclose(np.abs(np.float32(estimate)), expected, rtol=0.02)


SCALES = {
    "ema": lambda dtype: zoo.ema(0.9, of=zoo.square, accumulator_dtype=dtype),
    "ema of a leaf": lambda dtype: zoo.ema(0.9, of=zoo.leaf_sum(zoo.square), accumulator_dtype=dtype),
    "total": lambda dtype: zoo.total(of=zoo.absolute, accumulator_dtype=dtype),
    "arithmetic_mean": lambda dtype: zoo.arithmetic_mean(of=zoo.square, accumulator_dtype=dtype),
    "peak": lambda dtype: zoo.peak(0.9, of=zoo.absolute, accumulator_dtype=dtype),
    "match_units": lambda dtype: zoo.match_units(0.9, accumulator_dtype=dtype),
    "scale_by_smorms3": lambda dtype: zoo.scale_by_smorms3(accumulator_dtype=dtype),
    "thermostat": lambda dtype: zoo.thermostat(zoo.root(EMA), zoo.euler, accumulator_dtype=dtype),
}
AVERAGES = {
    "ema": lambda dtype: zoo.ema(0.9, accumulator_dtype=dtype),
    "trace": lambda dtype: zoo.trace(0.9, accumulator_dtype=dtype),
    "total": lambda dtype: zoo.total(accumulator_dtype=dtype),
    "arithmetic_mean": lambda dtype: zoo.arithmetic_mean(accumulator_dtype=dtype),
    "nesterov_ema": lambda dtype: zoo.nesterov_ema(0.9, accumulator_dtype=dtype),
    "coordinatewise_lstm": lambda dtype: zoo.coordinatewise_lstm(accumulator_dtype=dtype),
}


@pytest.mark.parametrize("name", SCALES)
def test_what_divides_refuses_float16(name):
    for dtype in (jnp.float16, "float16"):
        with pytest.raises(ValueError, match=r"^accumulator_dtype is .*float.*, but must be .*squares.* 0 in it\.$"):
            SCALES[name](dtype)
    with pytest.raises(ValueError, match="accumulator_dtype is float8_e5m2, but must be"):
        SCALES[name](jnp.float8_e5m2)
    for dtype in (None, jnp.bfloat16, "float32"):
        SCALES[name](dtype)


@pytest.mark.parametrize("name", AVERAGES)
def test_averages_take_float16(name):
    tx = AVERAGES[name](jnp.float16)
    assert jnp.dtype("float16") in {x.dtype for x in jax.tree.leaves(tx.init(jnp.ones(3)))}


@pytest.mark.parametrize(
    "make", [*SCALES.values(), *AVERAGES.values()], ids=[*SCALES, *(f"average {n}" for n in AVERAGES)]
)
@pytest.mark.parametrize("dtype", [int, "int32", bool, jnp.complex64, "float3", 3.5], ids=str)
def test_no_accumulator_takes_what_is_no_real_dtype(make, dtype):
    with pytest.raises(ValueError, match=r"^accumulator_dtype is .*, but must be bfloat16, .*float32 or float64"):
        make(dtype)


TAKE_DTYPE = [name for name in zoo.list_algorithms() if "accumulator_dtype" in zoo.describe(name).defaults]


@pytest.mark.parametrize("name", TAKE_DTYPE)
def test_an_algorithm_refuses_float16_where_small_gradients_would_not_survive_it(name):
    try:
        low = zoo.create(name, accumulator_dtype=jnp.float16)
    except ValueError as refused:
        assert re.search(r"^accumulator_dtype is .*float.*, but must be .*squares.* 0 in it\.$", str(refused))
        zoo.create(name, accumulator_dtype=jnp.bfloat16)
        return
    params = jnp.array([[1.0, -0.5], [0.25, 2.0]])
    given = {"value": jnp.float32(1.0), "curvature": params}
    (coarse, state), (fine, _) = (
        tx.update(1e-4 * params, tx.init(params), params, **given) for tx in (low, zoo.create(name))
    )
    assert jnp.dtype("float16") in {leaf.dtype for leaf in jax.tree.leaves(state)}
    assert 0.5 < jnp.linalg.norm(coarse) / jnp.linalg.norm(fine) < 2  # neither 0 nor far too long
