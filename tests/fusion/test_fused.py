"""Steps of `fused` are those of the optimizer, whatever is around it; other platforms get the program they got."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import fused_figures
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P
from registered import COVER

import optax_zoo as zoo
from optax_zoo.fusion import flag, transformation, trial
from optax_zoo.fusion.separated import separated

HERE = Path(__file__).parent
ROWS = ["adam", "momentum", "adagrad", "amsgrad", "smorms3", "clipped", "lamb", "optimistic_adam"]
UNARY = [jnp.abs, jnp.sin, lambda x: x * 0.5, lambda x: jax.jit(jnp.tanh)(x), jnp.sum, lambda x: x.reshape(3, 2)]
BINARY = [jnp.add, lambda x, y: jnp.where(x > y, x, y), lambda x, y: x * jnp.max(y), jnp.dot]


@pytest.fixture
def merging(monkeypatch):
    """As if kernels were merged."""
    monkeypatch.setattr(transformation, "in_force", lambda: True)


def clean(script, *words):
    """What a script prints as JSON in a process of its own, with XLA's flags as users have them."""
    environment = {**os.environ, "XLA_FLAGS": ""}
    command = [sys.executable, "-W", "error", str(HERE / script), *words]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def step_of(tx):
    def step(carry, grads):
        params, state = carry
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    return step


def close(found, wanted):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), found, wanted)


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_separated_programs_compute_the_same(data):
    def program(x, y):
        known = [x, y, jnp.float32(0.5)]
        for _ in range(data.draw(st.integers(1, 8))):
            square = [each for each in known if each.shape in ((2, 2), ())]
            pick = st.integers(0, len(square) - 1)
            if data.draw(st.booleans()):
                known.append(data.draw(st.sampled_from(UNARY[:5]))(square[data.draw(pick)]))
            else:
                known.append(data.draw(st.sampled_from(BINARY))(square[data.draw(pick)], square[data.draw(pick)]))
        return [*known, known[-1], known[0] + 1]

    x, y = jnp.array([[0.3, -1.0], [2.0, 0.0]]), jnp.array([[1.0, 0.5], [-0.25, 1.5]])
    traced = jax.make_jaxpr(program)(x, y)
    results = jax.jit(lambda *values: separated(traced, values))(x, y)
    close(results, jax.core.eval_jaxpr(traced.jaxpr, traced.consts, x, y))


def test_what_is_written_twice_and_what_is_given_is_returned():
    def program(x, flags):
        return x, x + jnp.abs(x), x + jnp.abs(x), flags & flags, 3.0

    traced = jax.make_jaxpr(program)(jnp.arange(3.0), jnp.array([True, False]))
    x, one, other, flags, three = separated(traced, (jnp.arange(3.0), jnp.array([True, False])))
    assert x.tolist() == [0, 1, 2] and one.tolist() == other.tolist() == [0, 2, 4]
    assert flags.tolist() == [True, False] and three == 3


@pytest.mark.parametrize("name", ROWS)
def test_steps_are_the_same_under_jit_and_scan(name, merging, params, grads):
    known = zoo.describe(name)
    tx = known.factory(**known.example)
    all_grads = jax.tree.map(lambda g: jnp.stack([g, -2 * g, 0.5 * g]), grads)
    start = params, tx.init(params)
    found, wanted = (jax.jit(lambda carry, tx=each: jax.lax.scan(step_of(tx), carry, all_grads)[0])(start)
                     for each in (zoo.fused(tx), tx))  # fmt: skip
    close(found, wanted)


def test_steps_are_the_same_around_the_usual_wrappers(merging, params, grads):
    tx = zoo.adamw(0.1)
    for wrap in (
        lambda tx: optax.chain(optax.clip_by_global_norm(0.1), tx),
        lambda tx: optax.MultiSteps(tx, 2).gradient_transformation(),
        lambda tx: optax.partition({"a": tx, "b": optax.sgd(0.1)}, {"w": "a", "b": "b", "s": "a"}),
        lambda tx: zoo.averaged(tx),
    ):
        wanted, *found = (
            jax.jit(step_of(each))((params, each.init(params)), grads)[0][0]
            for each in (wrap(tx), zoo.fused(wrap(tx)), wrap(zoo.fused(tx)))
        )
        close(found, [wanted, wanted])


def test_extra_arguments_functions_among_them_and_none_pass_through(merging):
    def update(updates, state, params=None, *, value, value_fn, factor, **extra):
        return jax.tree.map(lambda g: g * value_fn(value) * factor, updates), state

    inner = optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)
    grads = {"w": jnp.ones(2), "none": None, "masked": optax.MaskedNode()}
    step = jax.jit(lambda g, v: zoo.fused(inner).update(g, optax.EmptyState(), value=v, value_fn=jnp.exp, factor=2))
    updates, state = step(grads, jnp.float32(0.0))
    assert updates["w"].tolist() == [2, 2] and updates["none"] is None and state == optax.EmptyState()


def test_under_vmap_grad_and_shard_map(merging, params, grads):
    tx = zoo.adam(0.1)
    fused = zoo.fused(tx)

    def moved(tx, rate, grads):
        carry, _ = step_of(tx)((params, tx.init(params)), jax.tree.map(lambda g: g * rate, grads))
        return carry[0]

    rates = jnp.array([0.5, 2.0])
    close(*(jax.jit(jax.vmap(functools.partial(moved, each), (0, None)))(rates, grads) for each in (fused, tx)))
    loss = lambda tx: lambda rate: optax.tree.sum(jax.tree.map(jnp.sum, moved(tx, rate, grads)))  # noqa: E731
    close(*(jax.jit(jax.grad(loss(each)))(2.0) for each in (fused, tx)))
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    split = {"w": jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)}
    start = split, tx.init(split)
    specs = jax.tree.map(lambda x: P("data") if jnp.ndim(x) else P(), (start, split))

    def step(tx):
        return jax.shard_map(lambda *given: step_of(tx)(*given)[0], mesh=mesh, in_specs=specs, out_specs=specs[0])

    close(*(jax.jit(step(each))(start, split) for each in (fused, tx)))


def test_without_merged_kernels_and_outside_of_traced_functions_it_is_the_optimizer_itself(params, grads, monkeypatch):
    tx = zoo.fused(zoo.adam(0.1))
    assert repr(tx) == f"fused({zoo.adam(0.1)!r})" and zoo.fused(zoo.adamw()).needs == ("params",)
    carry = params, tx.init(params)
    assert not flag.in_force()
    assert str(jax.make_jaxpr(step_of(tx))(carry, grads)) == str(jax.make_jaxpr(step_of(zoo.adam(0.1)))(carry, grads))
    monkeypatch.setattr(transformation, "in_force", lambda: pytest.fail("was asked"))
    tx.update(grads, tx.init(params), params)


@pytest.mark.parametrize("name", ["optimistic_adam", "sam"])  # sam has a norm, to which each leaf adds
def test_xla_is_asked_of_leaves_that_differ_in_shape_alone_once(name, merging, monkeypatch):
    asked, cost = [], trial.Trials.cost
    monkeypatch.setattr(trial.Trials, "cost", lambda self, part: asked.append(part.results) or cost(self, part))
    params = {name: jnp.ones(shape) for name, shape in {"a": (4, 3), "b": (2,), "c": (5, 1)}.items()}
    tx = zoo.fused(zoo.create(name))
    jax.jit(step_of(tx)).lower((params, tx.init(params)), params)
    assert len(asked) == 2 and {len(results) for results in asked} == {8}  # both forms, of the four arrays of two


def test_other_platforms_get_no_barrier(merging, params, grads):
    tx = zoo.fused(zoo.adam(0.1))
    traced = jax.jit(step_of(tx)).trace((params, tx.init(params)), grads)
    assert "optimization_barrier" in traced.lower().as_text()
    assert "optimization_barrier" not in traced.lower(lowering_platforms=("tpu",)).as_text()


@pytest.mark.parametrize(
    "flags, wanted",
    [
        ("", "--xla_backend_extra_options=OPTION"),
        ("--xla_a=1", "--xla_a=1 --xla_backend_extra_options=OPTION"),
        ("--xla_backend_extra_options=a,b=2 --c", "--xla_backend_extra_options=a,b=2,OPTION --c"),
        ("--xla_backend_extra_options=OPTION", "--xla_backend_extra_options=OPTION"),
    ],
)
def test_the_flag_joins_those_that_are_there(flags, wanted, monkeypatch):
    monkeypatch.setattr(flag, "has_begun", lambda: False)
    monkeypatch.setenv("XLA_FLAGS", flags.replace("OPTION", flag.OPTION))
    zoo.enable_fused_steps()
    zoo.enable_fused_steps()
    assert os.environ["XLA_FLAGS"] == wanted.replace("OPTION", flag.OPTION)


def test_too_late_and_a_file_of_flags_are_one_sentence(monkeypatch):
    jax.devices()
    with pytest.raises(RuntimeError, match=r"^enable_fused_steps\(\) is too late: .*\.$"):
        zoo.enable_fused_steps()
    monkeypatch.setattr(flag, "has_begun", lambda: False)
    monkeypatch.setenv("XLA_FLAGS", "flags.txt")
    with pytest.raises(RuntimeError, match=r"^XLA_FLAGS names the file 'flags.txt'"):
        zoo.enable_fused_steps()


def test_enabling_begins_nothing_and_is_in_force_after():
    code = """
import jax, optax_zoo as zoo
zoo.enable_fused_steps()
jax.config.update("jax_num_cpu_devices", 3)  # is refused once JAX has begun
from optax_zoo.fusion.flag import in_force
assert jax.device_count() == 3 and in_force()
zoo.enable_fused_steps()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, "XLA_FLAGS": ""}, check=True)


@pytest.mark.skipif(jax.__version__ not in fused_figures.recorded(), reason="no figures for this version of jax")
@pytest.mark.parametrize("names", [("adam", "momentum"), pytest.param((), marks=pytest.mark.slow)])
def test_steps_access_what_is_recorded(names):
    wanted = fused_figures.recorded()[jax.__version__]
    assert clean("fused_figures.py", "--print", *names) == {name: wanted[name] for name in names or wanted}


def test_what_is_recorded_is_the_least():
    kept = {"clipped": 1.29, "novograd": 1.21}  # what norms read
    for figures in fused_figures.recorded().values():
        for name, found in figures.items():
            assert found["accessed"] <= kept.get(name, 1.0001) * found["least"], name
            assert found["temporary_bytes"] < 1000 or name in kept, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adan", "adapnm", "diffgrad", "optimistic_adam", "ranger", "spam"])
def test_where_operands_are_many_fused_costs_no_more_than_the_flag_alone(name):
    code = f"""
import jax, optax_zoo as zoo
zoo.enable_fused_steps()
from optax_zoo.cost.step.program import Program
tree = {{"w": jax.ShapeDtypeStruct((64, 48), "float32"), "v": jax.ShapeDtypeStruct((32, 64), "float32")}}
apart, together = (Program.of(wrap(zoo.create({name!r})), tree) for wrap in (zoo.fused, lambda tx: tx))
assert apart.accessed + apart.temporary_bytes < 1.01 * (together.accessed + together.temporary_bytes)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, "XLA_FLAGS": ""}, check=True)


@pytest.mark.slow
def test_the_command_measures_fused_steps(tmp_path):
    (tmp_path / "shapes.json").write_text('{"w": [256, 128]}')
    words = ["cost", "adam", "--fused", "--tree", str(tmp_path / "shapes.json"), "--rounds", "0", "--json"]
    command = [sys.executable, "-c", f"from optax_zoo.cli import main; main({words!r})"]
    environment = {**os.environ, "XLA_FLAGS": ""}
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    cost = json.loads(found)["costs"][0]
    assert all(cost[side]["accessed"] == pytest.approx(28 * 256 * 128, rel=0.01) for side in ("figures", "other"))


@pytest.mark.slow
def test_steps_of_all_parts_are_the_same_but_for_rounding():
    apart = clean("fused_steps.py", *sorted(COVER))
    assert {name: found for name, found in apart.items() if not found["apart"] < 1e-5} == {}


def test_what_is_no_transformation_is_refused():
    with pytest.raises(TypeError, match=r"tx is 0\.1, but must be an optax\.GradientTransformation"):
        zoo.fused(0.1)
