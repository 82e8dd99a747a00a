"""Newton-Schulz iterations: on the matrix or on its Gram matrix, they are the same polynomials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo.primitives.coefficients import KELLER_JORDAN, YOU_JIACHENG, polar_express, table_of
from optax_zoo.primitives.newton_schulz import GROWTH, iterated, runs

TABLES = {
    "keller_jordan": table_of("keller_jordan", 5),
    "you_jiacheng": table_of("you_jiacheng", 5),
    "polar_express": table_of("polar_express", 8),
    "long": table_of((1.875, -1.25, 0.375), 15),
}


def with_singular_values(sizes, columns, seed=0):
    rng = np.random.default_rng(seed)
    rows = len(sizes)
    u, v = (np.linalg.qr(rng.normal(size=(n, rows)))[0] for n in (rows, columns))
    x = u * sizes @ v.T
    return x / np.linalg.norm(x)


def one_by_one(x, table):
    for a, b, c in table:
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


SIZES = {
    "even": np.ones(16),
    "half rank": np.arange(16) < 8,
    "condition 1e4": np.logspace(0, -4, 16),
    "condition 1e6": np.logspace(0, -6, 16),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("sizes", SIZES)
def test_wide_matrices_in_float32_are_iterated_as_in_float64(name, sizes):
    table = TABLES[name]
    x = np.float32(with_singular_values(SIZES[sizes], 80))
    expected = one_by_one(np.float64(x), table)
    with jax.disable_jit():
        for found in (iterated(jnp.asarray(x), table), iterated(jnp.asarray(x.T), table).T):
            assert np.linalg.norm(found - expected, 2) < 5e-4


def test_runs_are_as_few_as_rounding_allows():
    assert runs(TABLES["keller_jordan"]) == [3, 2]
    for table in TABLES.values():
        lengths = runs(table)
        assert sum(lengths) == len(table)
        starts = np.cumsum([0, *lengths[:-1]])
        for start, length in zip(starts, lengths, strict=True):
            growth = np.prod([a * a for a, _, _ in table[start : start + length - 1]])
            assert growth <= GROWTH or length == 1


def test_bfloat16_is_iterated_on_the_matrix():
    x = jnp.asarray(with_singular_values(SIZES["condition 1e4"], 80), jnp.bfloat16)
    made = np.float32(iterated(x, TABLES["keller_jordan"]))
    assert np.linalg.norm(made - one_by_one(np.float64(x), TABLES["keller_jordan"]), 2) < 0.2


def test_polar_express_computes_the_tables_of_other_libraries():
    first, second, *_, last = polar_express()
    assert first == pytest.approx((8.237312490495555, -23.157747414558198, 16.680568411445915), rel=1e-12)
    assert second == pytest.approx((4.082441999064835, -2.893047735332586, 0.5252849256975648), rel=1e-12)
    assert last == pytest.approx((15 / 8, -10 / 8, 3 / 8), rel=1e-5)
    assert polar_express(safety=2e-2)[0] == pytest.approx((8.156554524902461, -22.48329292557795, 15.878769915207462))
    paper = polar_express(safety=0.0, cushion=0.02407327424182761)
    assert paper[0] == pytest.approx((8.28721201814563, -23.595886519098837, 17.300387312530933))


def test_polar_express_is_exact_after_its_iterations():
    sizes = np.linalg.svd(one_by_one(with_singular_values(SIZES["condition 1e4"][:8], 80), polar_express(9)))[1]
    np.testing.assert_allclose(sizes, 1, atol=1e-3)


def test_coefficients_by_name():
    x = jnp.asarray(with_singular_values(SIZES["even"], 20), "float32")
    named = zoo.orthogonalize(coefficients="you_jiacheng").update(x, zoo.orthogonalize().init(x))[0]
    given = zoo.orthogonalize(coefficients=YOU_JIACHENG).update(x, zoo.orthogonalize().init(x))[0]
    np.testing.assert_array_equal(named, given)
    assert table_of("keller_jordan", 2) == [KELLER_JORDAN] * 2
    with pytest.raises(ValueError, match="coefficients is 'jordan', but must be one of 'keller_jordan'"):
        zoo.orthogonalize(coefficients="jordan")


@pytest.mark.parametrize(("argument", "value"), [("steps", 0), ("lower", 1.0), ("cushion", 1.0), ("safety", -1.0)])
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"{argument} is {value}, but must be"):
        zoo.polar_express(**{argument: value})
