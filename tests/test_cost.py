"""`optax-zoo cost`: bytes of state and collectives at scale, from shapes and from small compiled programs."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest
from registered import FACES

import optax_zoo as zoo
from optax_zoo import cli
from optax_zoo.cost import MODELS, Collective, StateLayout, collectives, collectives_of, executed, mesh_shape, rows

REPOSITORY = Path(__file__).parent.parent
MATRICES, VECTORS = {"7b": 226, "70b": 562}, {"7b": 65, "70b": 161}


def scalars(count):
    return (Collective("all-reduce", count, 4 * count),)


@pytest.mark.parametrize("name, parameters", [("7b", 6_738_415_616), ("70b", 68_976_648_192)])
def test_the_models_have_the_parameters_of_llama_2(name, parameters):
    leaves = jax.tree.leaves(MODELS[name].shapes())
    assert MODELS[name].parameters == sum(math.prod(x.shape) for x in leaves) == parameters
    assert [sum(x.ndim == ndim for x in leaves) for ndim in (2, 1)] == [MATRICES[name], VECTORS[name]]
    assert jax.tree.structure(MODELS[name].shapes()) == jax.tree.structure(MODELS[name].specs())


def test_a_mesh_has_a_host_along_its_second_axis():
    shapes = {1: (1, 1), 2: (2, 1), 4: (2, 2), 8: (4, 2), 64: (8, 8), 256: (32, 8), 1024: (128, 8)}
    assert {devices: mesh_shape(devices) for devices in shapes} == shapes


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("devices", [1, 8, 1024])
def test_state_and_parameters_are_split_over_all_devices(dtype, devices):
    parameters, size = MODELS["70b"].parameters, jnp.dtype(dtype).itemsize
    adam = StateLayout.of(zoo.adam(1e-3), MODELS["70b"], dtype)
    assert adam.state_bytes_per_parameter == pytest.approx(8, abs=1e-8)
    assert adam.state_bytes(devices) == 8 * parameters // devices + 8  # and two weights of debiasing
    assert adam.total_bytes(devices) == adam.state_bytes(devices) + 2 * size * parameters // devices
    sgd = StateLayout.of(zoo.sgd(1e-3), MODELS["70b"], dtype)
    assert sgd.state_bytes(devices) == sgd.state_bytes_per_parameter == 0


def test_a_number_for_each_leaf_is_held_by_every_device():
    layout = StateLayout.of(zoo.novograd(1e-3), MODELS["7b"])
    assert layout.state_bytes(256) == 4 * MODELS["7b"].parameters // 256 + 4 * 291


def whole(tx, model):
    """Bytes of the state for all layers, from `init` traced for all of them."""
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(jax.eval_shape(tx.init, model.shapes())))


@pytest.mark.slow
@pytest.mark.parametrize("name", FACES)
def test_one_layer_and_two_say_the_state_of_all(name):
    known = zoo.describe(name)
    tx = known.factory(**known.example)
    for model in MODELS.values():
        assert StateLayout.of(tx, model).state_bytes(1) == whole(tx, model)


def test_adam_communicates_nothing():
    assert collectives_of(zoo.adam(1e-3), MODELS["70b"], 256) == ()


@pytest.mark.parametrize(
    ("tx", "each"),
    [(zoo.novograd(1e-2), 1), (zoo.normalized(zoo.sgd(0.1), "l2"), 2)],  # l2 has the largest entry first
    ids=["novograd", "normalized"],
)
def test_a_norm_is_few_scalars_for_each_leaf_and_axis(tx, each):
    counted = collectives.Collectives(tx)
    for name, model in MODELS.items():
        expected = scalars(each * (2 * MATRICES[name] + VECTORS[name]))
        assert counted.of(model, 8) == counted.of(model, 1024) == expected
        assert counted.of(model, 2) == scalars(each * (MATRICES[name] + VECTORS[name]))  # one axis alone
        assert counted.of(model, 1) == ()


@pytest.mark.slow
def test_the_whole_model_compiled_has_the_number_that_is_said():
    counted = collectives.Collectives(zoo.novograd(1e-2))
    text = counted.compiled_text(MODELS["7b"], (4, 2))
    assert collectives.tally(text) == {("all-reduce", False): (517, 4 * 517)}
    assert text.count(" all-reduce(") == 4  # docs/scaling.md


def test_arrays_grow_with_the_model():
    def update(updates, state, params=None):
        return jax.tree.map(lambda g: jnp.sort(g, axis=0), updates), state

    counted = collectives.Collectives(optax.GradientTransformation(optax.identity().init, update))
    of_one, of_two = (
        sum(c.bytes for c in counted.of(dataclasses.replace(collectives.small(3), vocabulary=vocabulary), 8))
        for vocabulary in (512, 512 * 64)
    )
    assert of_two > 5 * of_one > 0


def test_rows_are_checked_before_the_first():
    with pytest.raises(ValueError, match="Did you mean '7b'"):
        rows({}, ["7"])
    with pytest.raises(ValueError, match="mesh is 0, but must be"):
        rows({}, devices=[0])


@pytest.mark.parametrize("shape, dtype, size", [("f32[]", False, 4), ("bf16[8,4]", True, 64), ("pred[17]", True, 17)])
def test_sizes_in_the_text_of_a_program(shape, dtype, size):
    text = f"  %all-reduce.1 = {shape} all-reduce(%x), channel_id=1"
    assert collectives.tally(f"ENTRY %main () -> f32[] {{\n{text}\n}}") == {("all-reduce", dtype): (1, size)}


def test_a_table_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["cost", "novograd", "optax:adam", "--model", "all", "--mesh", "all"]) == 0
    printed = capsys.readouterr().out
    assert "7b: 6,738,415,616 parameters of float32" in printed and "70b: 68,976,648,192" in printed
    assert "…" not in printed and "collectives" in printed
    line = next(line for line in printed.splitlines() if line.split()[:1] == ["optax:adam"])
    assert line.split() == ["optax:adam", "8", "6.28", "12.6", "0.20", "0.39", "0.05", "0.10", "none"]
    assert "517" in printed and "1,285" in printed and "(5,140 B)" in printed


def test_json_has_exact_numbers(capsys):
    command = ["cost", "novograd", "--model", "70b", "--mesh", "256", "--param-dtype", "bfloat16", "--json"]
    assert cli.main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["jax"] == jax.__version__
    parameters = MODELS["70b"].parameters
    state = 4 * parameters // 256 + 4 * 723
    assert found["rows"] == [
        {
            "optimizer": "novograd",
            "model": "70b",
            "parameters": parameters,
            "param_dtype": "bfloat16",
            "devices": 256,
            "mesh": [32, 8],
            "state_bytes_per_parameter": pytest.approx(4, abs=1e-6),
            "state_bytes": state,
            "total_bytes": state + 4 * parameters // 256,
            "collectives": [{"kind": "all-reduce", "count": 1285, "bytes": 5140}],
        }
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "name an optimizer, such as adam or optax.adam, or give --all"),
        (["--all", "adam"], "--all stands for every registered algorithm"),
        (["--model", "7"], "model is '7', but must be one of '7b', '70b'. Did you mean '7b'?"),
        (["--mesh", "0"], "mesh is 0, but must be a number of devices, at least 1"),
        (["--mesh", "eight"], "mesh is 'eight', but must be a number of devices, at least 1, or all."),
        (["--mesh", "8", "--tree", "resnet50"], "--tree is about a step, --model and --mesh are about a cluster"),
        (
            ["--mesh", "24"],
            "mesh is 24, 6 x 4 devices, but must divide the parameters of 7b: embedding is 32000",
        ),
        (["--param-dtype", "int8"], "is not one of"),
        (["adm"], "Did you mean 'adam'?"),
        (["adam", "no_such_module:f"], "does not import"),
        (["optax:nothing"], "has no function 'nothing'"),
        (["optax:masked"], "must be given inner, mask"),
        (["builtins:dict"], "returns {}, not an optax.GradientTransformation"),
        (["test_cost:raises"], "which fails: RuntimeError: no"),
        (["test_cost:fails", "--model", "7b"], "optimizer 'test_cost:fails' fails on a model: RuntimeError: no"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, message):
    assert cli.main(["cost", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("optax-zoo: ") and captured.err.count("\n") == 1
    assert message in captured.err


def raises():
    raise RuntimeError("no\nmore")


def fails():
    def init(params):
        raise RuntimeError("no")

    return optax.GradientTransformation(init, init)


@pytest.mark.parametrize(
    "variables, message",
    [
        ({"JAX_PLATFORMS": "cuda"}, "JAX_PLATFORMS keeps jax from using it"),
        ({}, "jax has started with 1: call jax.config.update"),
    ],
)
def test_a_machine_that_cannot_be_split_is_one_line(monkeypatch, variables, message):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    start = "" if variables else "jax.devices(); "
    code = f"import jax; {start}import optax_zoo.cli as c; raise SystemExit(c.main(['cost', 'sgd', '--mesh', '8']))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.count("\n") == 1 and message in run.stderr


PROGRAM = """
%body (x: f32[4]) -> f32[4] {
  ROOT %gathered = f32[4] all-gather(%x), channel_id=1
}

%renewed (x: f32[4]) -> f32[4] {
  %large = f32[4,4] all-gather(%x), channel_id=2
}

%kept (x: f32[4]) -> f32[4] {
  ROOT %same = f32[4] copy(%x)
}

%called (x: f32[4]) -> f32[4] {
  %sum = f32[] all-reduce(%x), channel_id=3
}

ENTRY %main_spmd (x: f32[4]) -> f32[4] {
  %w = f32[4] while(%x), condition=%c, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  %v = f32[4] while(%x), condition=%c, body=%body
  %c.1 = f32[4] conditional(%p, %x, %x), true_computation=%kept, false_computation=%renewed
  %c.2 = f32[4] conditional(%i, %x, %x), branch_computations={%kept, %renewed}, metadata={}
  %e = f32[4] call(%x), to_apply=%called
}
"""


def test_collectives_in_loops_count_as_often_as_they_turn_and_of_branches_one_does():
    gathered, large, total = (executed.Communicated("all-gather", shape) for shape in ("f32[4]", "f32[4,4]", "f32[]"))
    total = dataclasses.replace(total, kind="all-reduce")
    assert executed.executed(PROGRAM) == {gathered: 6, large: 2, total: 1}
    assert executed.executed(PROGRAM, renews=False) == {gathered: 6, total: 1}
    assert executed.total_bytes(executed.executed(PROGRAM)) == 6 * 16 + 2 * 64 + 4
    assert executed.executed("no program") == {}
