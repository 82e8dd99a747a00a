"""Floating-point operations of a step: products by their shapes, loops as often as they run, LAPACK by the book."""

import json

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import cli
from optax_zoo.cost.step.costs import measure
from optax_zoo.cost.step.flops import Flops, flops_of
from optax_zoo.cost.step.table import operations


def flops(function, *shapes, dtype="float32"):
    return flops_of(jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes)))


def only(function, *shapes, **dtype):
    """Where there are no branches."""
    found = flops(function, *shapes, **dtype)
    assert found.least == found.most and not found.open_loops
    return found.least


M, N = 12, 6


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (lambda x, y: x @ y, [(3, 4), (4, 5)], 2 * 3 * 4 * 5),
        (lambda x, y: jnp.einsum("zij,zkj->zik", x, y), [(7, 3, 4), (7, 5, 4)], 7 * 2 * 3 * 4 * 5),
        (lambda x: jax.lax.fori_loop(0, 5, lambda _, x: x @ x, x), [(4, 4)], 5 * 2 * 4**3),
        (lambda x: jax.lax.map(lambda y: y @ y.T, x), [(7, 3, 4)], 7 * 2 * 3 * 3 * 4),
        (lambda x: jax.jit(lambda y: 2 * y + 1)(x), [(10,)], 20),
        (lambda x: jnp.sum(x * x), [(10,)], 20),
        (lambda x: jnp.where(x > 0, x, 0), [(10,)], 0),
        (lambda x: (jnp.exp(x), x @ x)[0], [(4, 4)], 16),  # what no output depends on
        (lambda x: jax.jit(lambda y: (y + y, y @ y))(x)[0], [(4, 4)], 16),
        (jnp.linalg.cholesky, [(N, N)], 2 * N * N + N**3 // 3),  # it symmetrizes
        (lambda x: jnp.linalg.qr(x)[0], [(M, N)], 4 * M * N**2 - 4 * N**3 // 3),
        (lambda x: jnp.linalg.qr(x)[0], [(5, M, N)], 5 * (4 * M * N**2 - 4 * N**3 // 3)),
        (lambda x: jax.lax.linalg.eigh(x, symmetrize_input=False), [(N, N)], 9 * N**3),
        (lambda x: jnp.linalg.svd(x, full_matrices=False), [(N, M)], 6 * M * N**2 + 20 * N**3),
        (lambda x: jnp.linalg.svd(x, compute_uv=False), [(M, N)], 4 * M * N**2 - 4 * N**3 // 3),
        (lambda a, b: jax.scipy.linalg.solve_triangular(a, b), [(N, N), (N, 7)], N**2 * 7),
        (lambda a, b: jnp.linalg.solve(a, b), [(N, N), (N, 7)], 2 * N**3 // 3 + 2 * N**2 * 7),
    ],
)
def test_counts_are_those_of_the_book(function, shapes, expected):
    assert only(function, *shapes) == expected


def test_complex_products_are_four_real_ones():
    assert only(lambda x, y: x @ y, (3, 4), (4, 5), dtype="complex64") == 4 * 2 * 3 * 4 * 5


def test_branches_are_a_range_and_open_loops_are_said():
    def step(x):
        return jax.lax.cond(x[0, 0] > 0, lambda y: y @ y @ y, lambda y: y + 1, x)

    assert flops(step, (4, 4)) == Flops(16, 4 * 4**3)
    found = flops(lambda x: jax.lax.while_loop(lambda y: y[0, 0] > 0, lambda y: y @ y, x), (4, 4))
    assert found == Flops(2 * 4**3, 2 * 4**3, 1)
    assert operations(found, 16) == "8+" and operations(Flops(160, 1_600_000), 10) == "16-160k"


@pytest.mark.parametrize(("steps", "shape"), [(5, (6, 4)), (3, (4, 6))])
def test_newton_schulz_is_counted_in_full(steps, shape):
    grads = jnp.ones(shape)
    part = zoo.orthogonalize(steps=steps)
    found = only(lambda g: part.update(g, part.init(g))[0], shape)
    small, large = sorted(shape)
    products = steps * (2 * small**2 * large + 2 * small**3 + 2 * small**2 * large)
    assert products < found < products + (3 * steps + 20) * grads.size  # sums and the norm


def test_what_xla_counts_without_loops_is_counted_alike():
    def step(x, y):
        return jnp.tanh(x @ y) * 2 + 1

    shapes = [jax.ShapeDtypeStruct(shape, "float32") for shape in ((8, 16), (16, 4))]
    analysis = jax.jit(step).lower(*shapes).compile().cost_analysis()
    theirs = analysis["flops"] + analysis.get("transcendentals", 0)
    assert only(step, (8, 16), (16, 4)) == theirs == 2 * 8 * 16 * 4 + 3 * 8 * 4


def test_the_command_prints_flops_in_tables_and_json(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapes.json").write_text('{"w": [8, 4]}')
    words = ["cost", "sgd", "--tree", "shapes.json", "--rounds", "0"]
    assert cli.main([*words, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["costs"][0]["figures"]
    assert figures["flops"] == {"least": 64, "most": 64, "open_loops": 0}  # -0.001 g, added
    assert cli.main(words) == 0
    heads, _, line = (each.split() for each in capsys.readouterr().out.splitlines()[2:5])
    assert heads[-1] == "flops" and line[-1] == "2"


def test_a_basis_that_turns_is_the_dearest_step():
    tree = {"w": jax.ShapeDtypeStruct((8, 4), jnp.float32)}
    cost = measure(("soap", zoo.soap(1e-3)), ("sgd", optax.sgd(1e-3)), "small", tree, 0)
    assert cost.figures.flops.most > cost.figures.flops.least + 9 * (8**3 + 4**3) - 1
