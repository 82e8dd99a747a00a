"""Checks of the group "devices": what they find, and how the state is to be sharded."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo import conformance
from optax_zoo.compat import set_mesh
from optax_zoo.conformance import devices, trees
from optax_zoo.conformance.sharding import state_sharding


def failures(make, only=("devices",)):
    """What fails, with its message."""
    report = conformance.check(make, only=only)
    assert {outcome.status for outcome in report} <= {"passed", "failed"}
    return {outcome.check: outcome.message for outcome in report if outcome.status == "failed"}


def stateless(update):
    """An optimizer that maps each leaf of the gradient to an update."""
    return lambda: optax.stateless(lambda updates, params: jax.tree.map(update, updates))


@pytest.mark.parametrize("make", [optax.sgd, optax.adam])
def test_elementwise_optimizers_pass(make):
    assert failures(functools.partial(make, learning_rate=0.01)) == {}


def test_a_sum_over_a_leaf_without_axis_name_is_found():
    found = failures(stateless(lambda g: -g / jnp.sum(g * g)))
    assert found.keys() == {"shard_map_sharded"}
    assert "is off by" in found["shard_map_sharded"]


@pytest.mark.parametrize(
    "make, where",
    [
        (lambda: optax.novograd(0.01), "state[0].nu['bias'], state[0].nu['kernel'] may differ between devices"),
        (lambda: optax.clip_by_global_norm(0.1), "parameters['bias'], parameters['filters'] may differ"),
    ],
    ids=["in the state", "over the tree"],
)
def test_a_reduction_that_reaches_replicated_leaves_is_found_and_explained(make, where):
    found = failures(make, only=["shard_map_sharded"])["shard_map_sharded"]
    assert where in found and "a reduction lacks axis_name" in found


def test_moving_elements_between_devices_is_found():
    found = failures(stateless(lambda g: -0.1 * (g + 0 * jnp.flip(g))))
    assert found.keys() == {"no_collectives"}
    assert "the compiled step holds collective-permute of f32[64]" in found["no_collectives"]


def test_flattening_a_sharded_leaf_is_found():
    found = failures(stateless(lambda g: -0.1 * (g + 0 * jnp.sort(g.reshape(-1)).reshape(g.shape))))
    explicit = {"named_sharding_1d_explicit", "named_sharding_2d_explicit", "state_shardings_follow"}
    assert found.keys() == {"no_collectives", *explicit}
    assert "all-gather of f32[" in found["no_collectives"]
    assert all("ShardingTypeError" in found[check] for check in explicit)  # jax itself refuses to gather there


def test_a_state_that_is_replicated_at_init_is_found():
    def init(params):
        return optax.TraceState(jax.tree.map(lambda p: jnp.zeros(p.shape, p.dtype), params))

    found = failures(lambda: optax.GradientTransformation(init, optax.trace(0.9).update))
    assert found.keys() == {"state_shardings_follow"}
    assert f"but {P('data')} was expected" in found["state_shardings_follow"]


def test_a_state_that_is_replicated_at_each_step_is_found():
    trace = optax.trace(0.9)
    everywhere = NamedSharding(jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2), P())

    def update(updates, state, params=None):
        updates, state = trace.update(updates, state)
        kinds = jax.typeof(updates["kernel"]).sharding.mesh.axis_types
        return updates, state if set(kinds) - {AxisType.Auto} else jax.lax.with_sharding_constraint(state, everywhere)

    found = failures(lambda: optax.GradientTransformation(trace.init, update))
    assert found.keys() == {"state_shardings_follow", "no_collectives"}


def test_checks_are_skipped_with_one_device(monkeypatch):
    monkeypatch.setattr(jax, "devices", lambda: [jax.local_devices()[0]])
    report = conformance.check(lambda: optax.sgd(0.1), only=["devices"])
    assert {outcome.status for outcome in report} == {"skipped"}
    assert all("needs at least 2 devices, found 1" in outcome.message for outcome in report)


def test_two_devices_are_enough(monkeypatch):
    two = jax.local_devices()[:2]
    monkeypatch.setattr(jax, "devices", lambda: two)
    only = ["named_sharding_2d", "shard_map_sharded"]
    assert failures(lambda: optax.adam(0.1), only) == {}
    assert failures(stateless(lambda g: -g / jnp.sum(g * g)), only).keys() == {"shard_map_sharded"}


def test_collectives_are_read_from_the_program():
    text = """
      %all-reduce.1 = f32[] all-reduce(%x), channel_id=1
      %all-reduce.2 = (f32[], f32[8,4]{1,0}) all-reduce(%x, %y), channel_id=2
      ROOT %all-gather-start = (f32[2,4], f32[16,4]) all-gather-start(%z), metadata={op_name="all-to-all"}
      %done = f32[16,4] all-gather-done(%all-gather-start)
      %fusion = f32[3] fusion(%all-reduce.1), calls=%all-reduce
    """
    assert devices.collectives(text) == [
        ("all-reduce", "f32[]"),
        ("all-reduce", "f32[]"),
        ("all-reduce", "f32[8,4]"),
        ("all-gather", "f32[2,4]"),
        ("all-gather", "f32[16,4]"),
    ]


# Norms of sharded leaves, before and after: what one step under jax.shard_map does without and with axis_name.


@pytest.mark.parametrize(
    "make",
    [
        functools.partial(zoo.novograd, 1.0),
        functools.partial(zoo.normalized, zoo.sgd(1.0)),
        functools.partial(zoo.normalized, zoo.sgd(1.0), scope="tree"),
        functools.partial(zoo.clipped, zoo.sgd(1.0), max_norm=0.1),
        functools.partial(zoo.gravity, 1.0, alpha=0),
    ],
    ids=["novograd", "normalized", "normalized by the whole tree", "clipped", "gravity"],
)
def test_norms_of_sharded_leaves_are_right_with_axis_name_and_wrong_by_a_factor_without(make):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    specs = {"bias": P(), "kernel": P("data")}
    params = {"bias": jnp.ones(8), "kernel": jnp.ones((8, 4))}
    grads = {"bias": trees.gradients(params["bias"]), "kernel": trees.gradients(params["kernel"]).at[0].mul(10)}

    def step(tx, params, grads):
        return tx.update(grads, tx.init(params), params)[0]

    def sharded(tx, **options):
        step_of_tx = functools.partial(step, tx)
        mapped = jax.shard_map(step_of_tx, mesh=mesh, in_specs=(specs, specs), out_specs=specs, **options)
        return jax.jit(mapped)(params, grads)

    right = step(make(), params, grads)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, rtol=1e-5),
        sharded(make(axis_name={"bias": None, "kernel": "data"})),
        right,
    )
    without = sharded(make(), check_vma=False)  # else jax refuses some of it
    factors = np.asarray(without["kernel"] / right["kernel"])
    assert np.max(np.abs(factors)) > 1.5


# How the state is to be sharded.


@pytest.fixture
def mesh():
    return jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)


@pytest.fixture
def params():
    return {"kernel": jnp.ones((8, 4)), "bias": jnp.ones(8), "scale": jnp.float32(1)}


SPECS = {"kernel": P("data", "model"), "bias": P("data"), "scale": P()}


def specs_of(tx, params, mesh, specs=SPECS):
    """The specs of the state, by the text of their path."""
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)
    found = state_sharding(tx, params, shardings)
    assert str(jax.tree.structure(found)) == str(jax.tree.structure(tx.init(params)))
    assert all(sharding.mesh == mesh for sharding in jax.tree.leaves(found))
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): s.spec for path, s in jax.tree.leaves_with_path(found)
    }


def test_shardings_of_a_state_shaped_like_the_parameters(params, mesh):
    expected = {f"0.{moment}.{name}": spec for moment in ("mu", "nu") for name, spec in SPECS.items()}
    assert specs_of(optax.adam(0.1), params, mesh) == {"0.count": P(), **expected}


def test_shardings_of_a_scalar_for_each_leaf(params, mesh):
    found = specs_of(zoo.novograd(0.1), params, mesh)
    assert {found[f"denominator.value.{name}"] for name in params} == {P()}
    assert {name: found[f"momentum.value.{name}"] for name in params} == SPECS


def test_shardings_of_rows_and_columns(params, mesh):
    found = specs_of(zoo.adafactor(0.1), params, mesh)
    assert found["denominator.value.rows.kernel"] == P("data", None)
    assert found["denominator.value.columns.kernel"] == P(None, "model")
    assert found["denominator.value.rows.bias"] == P("data")
    assert found["denominator.value.columns.bias"] == P(None) and found["denominator.count"] == P()


def test_shardings_of_a_state_with_trailing_dimensions(params, mesh):
    found = specs_of(zoo.learned_lstm(0.1), params, mesh)
    assert found["numerator.cell.lstm_1.kernel"] == P("data", "model", None)
    assert found["numerator.hidden.lstm_2.bias"] == P("data", None)


@pytest.mark.parametrize(
    "tx",
    [
        optax.chain(optax.clip(1.0), optax.trace(0.9)),
        optax.masked(optax.trace(0.9), {"kernel": True, "bias": True, "scale": False}),
        optax.partition({"a": optax.trace(0.9), "b": zoo.momentum(0.1)}, {"kernel": "a", "bias": "b", "scale": "b"}),
        optax.MultiSteps(optax.trace(0.9), 2).gradient_transformation(),
        optax.inject_hyperparams(optax.sgd)(learning_rate=0.1, momentum=0.9),
        zoo.pipeline(momentum=zoo.serial(decay=optax.add_decayed_weights(0.1), trace=optax.trace(0.9))),
    ],
    ids=["chain", "masked", "partition", "MultiSteps", "inject_hyperparams", "serial"],
)
def test_shardings_through_wrappers(tx, params, mesh):
    found = specs_of(tx, params, mesh)
    for name in ("kernel", "bias"):
        assert {spec for path, spec in found.items() if path.endswith(name)} == {SPECS[name]}
    assert {spec for path, spec in found.items() if not path.endswith(("kernel", "bias"))} <= {P()}


def test_shardings_of_parameters_named_alike(mesh):
    params = {"value": jnp.ones((8, 4)), "layer": {"value": jnp.ones(8)}}
    specs = {"value": P("data", "model"), "layer": {"value": P("model")}}
    found = specs_of(zoo.momentum(0.1), params, mesh, specs)
    assert found["velocity.value.value"] == P("data", "model")
    assert found["velocity.value.layer.value"] == P("model")


def test_one_sharding_may_stand_for_all_and_shapes_for_parameters(params, mesh):
    del params["scale"]
    shapes = jax.eval_shape(lambda: params)
    found = state_sharding(optax.adam(0.1), shapes, NamedSharding(mesh, P("data")))
    assert {s.spec for s in jax.tree.leaves((found[0].mu, found[0].nu))} == {P("data")}
    assert found[0].count.spec == P()
    found = state_sharding(optax.adam(0.1), shapes["bias"], NamedSharding(mesh, P("data")))
    assert (found[0].mu.spec, found[0].count.spec) == (P("data"), P())


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
def test_a_state_is_made_as_its_shardings_say(kind, params):
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(kind, kind))
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), SPECS)
    tx = zoo.novograd(0.1)
    expected = state_sharding(tx, params, shardings)
    with set_mesh(mesh):
        state = jax.jit(tx.init, out_shardings=expected)(jax.device_put(params, shardings))
    assert jax.tree.all(jax.tree.map(lambda x, s: x.sharding.is_equivalent_to(s, x.ndim), state, expected))


def test_bad_arguments_are_refused(params, mesh):
    right = {name: NamedSharding(mesh, spec) for name, spec in SPECS.items()}
    other = NamedSharding(jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,)), P())
    tx, data = optax.adam(0.1), re.escape(repr(P("data")))
    for arguments, error, sentence in [
        ((optax.adam, params, right), TypeError, "tx is .*, but must be an optax.GradientTransformation"),
        ((tx, params, P("data")), TypeError, rf"param_shardings is {data}, but must be a jax.sharding"),
        ((tx, params, {**right, "bias": None}), ValueError, "param_shardings is neither a tree like params"),
        ((tx, params, {**right, "bias": "x"}), TypeError, r"param_shardings\['bias'\] is 'x', but must be"),
        ((tx, params, {"kernel": right["kernel"]}), ValueError, "param_shardings is neither a tree like params"),
        ((tx, params, {**right, "bias": other}), ValueError, "param_shardings has 2 meshes, but must have one"),
        ((tx, {}, {}), ValueError, "param_shardings has 0 meshes"),
        (
            (tx, params, right["bias"]),
            ValueError,
            rf"\['scale'\] is {data}, but that parameter has the shape \(\)",
        ),
    ]:
        with pytest.raises(error, match=sentence):
            state_sharding(*arguments)
