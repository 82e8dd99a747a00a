"""What a step costs: parameter trees, the floor, the figures of XLA, and times of runs that take turns."""

import json
import math

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import cli
from optax_zoo.cost.step import TREES, TooLargeError, measure, memory, table, tree_of
from optax_zoo.cost.step.floor import kernel_floor
from optax_zoo.cost.step.program import Program
from optax_zoo.cost.step.timing import Spread, ratios, take_turns

SMALL = {"w": jax.ShapeDtypeStruct((64, 32), "float32"), "b": jax.ShapeDtypeStruct((32,), "float32")}
SIZE = 4 * (64 * 32 + 32)


def tree():
    return {"w": jnp.ones((3, 4), jnp.bfloat16), "b": (jnp.ones(2), None)}


def integers():
    return jnp.arange(3)


@pytest.mark.parametrize(
    "name, leaves, parameters",
    [
        ("one-16m", 1, 2**24),
        ("gpt2-small", 146, 124_439_808 - 2 * 768),
        ("thousand-leaves", 1000, 1000 * 64 * 64),
        ("resnet50", 161, 25_557_032),
        ("clip-b32", 46, 151_277_313),
        ("1b", 201, 1_100_048_384),
    ],
)
def test_trees_have_the_parameters_of_their_models(name, leaves, parameters):
    found = jax.tree.leaves(tree_of(name))
    assert (len(found), sum(math.prod(x.shape) for x in found)) == (leaves, parameters)
    assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(tree_of(name, jnp.bfloat16)))
    assert set(TREES) == {"one-16m", "gpt2-small", "thousand-leaves", "resnet50", "clip-b32", "1b"}


def test_a_tree_of_a_users_own():
    found = tree_of("test_step_cost:tree")
    assert found["w"].shape == (3, 4) and found["w"].dtype == jnp.bfloat16 and found["b"][1] is None


def test_a_tree_from_a_file(tmp_path):
    path = tmp_path / "shapes.json"
    path.write_text('{"dense": {"kernel": [7, 5], "bias": [5]}, "scale": []}')
    assert jax.tree.map(lambda x: x.shape, tree_of(str(path))) == {
        "dense": {"kernel": (7, 5), "bias": (5,)},
        "scale": (),
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "cannot be read"),
        ("[3]", "must hold an object of shapes"),
        ('{"w": [3, -1]}', "holds [3, -1], but a shape must be a list of whole numbers"),
        ('{"w": [3, true]}', "holds [3, true], but a shape must be"),
        ('{"w": "x"}', 'holds "x", but a shape must be'),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "shapes.json"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        tree_of(str(path))
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("resnet", "must be one-16m, gpt2-small"),
        ("no.json", "cannot be read"),
        ("test_step_cost:nothing", "has no function 'nothing'"),
        ("test_step_cost:integers", "has a leaf of int32"),
        ("builtins:dict", "has no leaf"),
    ],
)
def test_a_wrong_tree_is_one_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        tree_of(text)


def floor_of(function, *shapes):
    return kernel_floor(jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct((n,), "float32") for n in shapes)))


def test_the_floor_of_kernels_that_write_one_array():
    assert floor_of(lambda x, y: x + 2 * y, 10, 10) == 4 * 30
    assert floor_of(lambda x, y: (x + y, (x + y) * 2), 10, 10) == 4 * (30 + 20)  # the second reads the first
    assert floor_of(lambda x: x / jnp.sum(x), 10) == 4 * ((10 + 1) + (10 + 1 + 10))  # a sum is stored
    assert floor_of(lambda x, y: (jax.jit(jnp.exp)(x), y), 10, 10) == 4 * 20  # calls are followed, y is there
    assert floor_of(lambda x: jnp.where(x > 0, x, 0), 10) == 4 * 20


@pytest.mark.parametrize("name", ["sgd", "adam", "novograd", "expectigrad", "normalized", "adadelta"])
def test_the_kernels_access_what_the_floor_says(name):
    matrix = {"w": jax.ShapeDtypeStruct((512, 256), "float32")}
    program = Program.of(zoo.create(name, learning_rate=1e-3), matrix)
    assert 0.999 * program.floor <= program.accessed <= 1.001 * program.floor
    assert program.minimum == 3 * 4 * 512 * 256 + 2 * program.state_bytes


def test_figures_of_adam():
    program = Program.of(zoo.adam(1e-3), SMALL)
    assert program.state_bytes == 2 * SIZE + 8  # and two weights of debiasing
    assert program.temporary_bytes < 1000
    assert program.accessed == pytest.approx(10 * SIZE, rel=0.05)
    assert program.kernels >= 6  # three a leaf, and scalars
    assert program.needed == 4 * SIZE + 8 + program.temporary_bytes


def test_an_optimizer_that_reads_the_loss_is_given_one():
    assert Program.of(zoo.create("eve", learning_rate=1e-3), SMALL).kernels


def test_an_optimizer_that_fails_is_one_sentence():
    def update(updates, state, params=None):
        raise RuntimeError("no\nmore")

    with pytest.raises(ValueError, match=r"^the optimizer fails on this tree: no more$"):
        Program.of(optax.GradientTransformation(lambda params: (), update), SMALL)


def test_a_cost_beside_another():
    cost = measure(("sgd", zoo.sgd(1e-3)), ("adam", optax.adam(1e-3)), "small", SMALL, 2)
    assert (cost.optimizer, cost.against, cost.tree, cost.parameters) == ("sgd", "adam", "small", SIZE // 4)
    assert cost.figures.state_bytes == 0 < cost.other.state_bytes
    assert cost.times.milliseconds > 0 and cost.times.floor_milliseconds > 0
    assert cost.times.over_other.low <= cost.times.over_other.median <= cost.times.over_other.high
    assert measure(("sgd", zoo.sgd(1e-3)), ("sgd", optax.sgd(1e-3)), "small", SMALL, 0).times is None


def test_runs_take_turns_and_are_compared_in_pairs():
    class Fake:
        def __init__(self, seconds):
            self.left = iter(seconds)

        def seconds(self):
            order.append(self)
            return next(self.left)

    order = []
    one, two = Fake([9, 1, 2, 3]), Fake([9, 1, 4, 12])
    seconds = take_turns([one, two], 3)
    assert order == [one, two, two, one, one, two, two, one]
    assert seconds == [[1, 2, 3], [1, 4, 12]]  # the first round warms up
    assert ratios(*seconds).median == 0.5 and ratios(*seconds).high == 0.75


@pytest.mark.parametrize("name", ["adamw", "adabound", "novograd", "sgd"])
def test_a_rate_that_is_an_argument_costs_no_array(name):
    known = zoo.describe(name)
    constant = Program.of(known.factory(**known.example), SMALL)
    state = jax.eval_shape(zoo.create(name).init, SMALL)

    def step(rate, carry, grads):
        updates, after = known.at_rate(rate).update(grads, carry[1], carry[0])
        return optax.apply_updates(carry[0], updates), after

    rate = jax.ShapeDtypeStruct((), "float32")
    compiled = jax.jit(step, donate_argnums=1).lower(rate, (SMALL, state), SMALL).compile()
    scalars = 64 * len(SMALL)
    assert compiled.memory_analysis().temp_size_in_bytes <= constant.temporary_bytes + scalars
    assert compiled.cost_analysis()["bytes accessed"] <= constant.accessed + scalars


def test_what_does_not_fit_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**20)
    with pytest.raises(TooLargeError, match=r"^a run of adam against sgd on t needs 20.0 GiB of memory, but 0.0 GiB"):
        shape = {"w": jax.ShapeDtypeStruct((2**30 * 5 // 6,), "float32")}
        measure(("adam", zoo.adam(1e-3)), ("sgd", optax.sgd(1e-3)), "t", shape, 2)


def test_large_ratios_stay_narrow():
    assert table.spread(Spread(0.987, 0.5, 1234.5)) == "0.99 [0.50, 1,234]"


def test_the_command_prints_tables_that_fit_a_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapes.json").write_text('{"w": [64, 32]}')
    words = ["cost", "adam", "rmsprop_graves", "--tree", "shapes.json", "--rounds", "2", "--against", "same"]
    assert cli.main([*words, "--plot", "cost.png"]) == 0
    printed = capsys.readouterr().out
    assert "shapes.json: 2,048 parameters" in printed and "…" not in printed
    first, second = (line.split() for line in printed.splitlines() if line.split()[:1] == ["adam"])
    assert first[1] == "8" and float(first[2]) < 0.1 and second[1:3] == ["optax", "adam"]
    # Scalars differ between versions of jax.
    assert float(first[3]) == pytest.approx(40, abs=0.1) and first[4] == "1.00"
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_command_goes_on_after_what_does_not_fit(capsys, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 800 * 2**20)
    assert cli.main(["cost", "learned_lstm", "sgd", "--tree", "one-16m", "--rounds", "2", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert [each["optimizer"] for each in found["costs"]] == ["sgd"]
    assert found["costs"][0]["figures"]["accessed"] == 3 * 2**26 and found["machine"].startswith("jax ")
    assert "not measured: a run of learned_lstm against optax.adam on one-16m needs" in captured.err


@pytest.mark.parametrize(
    "words, message",
    [
        (["adam", "--rounds", "1"], "rounds is 1, but must be 0 or at least 2."),
        (["adam", "--rounds", "0", "--plot", "x.png"], "plot needs times"),
        (["adam", "--tree", "nothing"], "tree is 'nothing', but must be"),
        (["adam", "--against", "adm"], "Did you mean 'adam'?"),
        (["adam", "--tree", "one-16m", "--rounds", "2", "--plot", "no/such/x.png"], "no folder 'no/such'"),
        (["adam", "--fused"], "enable_fused_steps() is too late"),
        (["adam", "--tree", "one-16m", "--rounds", "2", "--plot", "x.txt"], "plot is 'x.txt', but must end in .png"),
    ],
)
def test_wrong_words_are_one_line(capsys, monkeypatch, tmp_path, words, message):
    jax.devices()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cost", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and captured.out == ""
