"""Pipelines and routes drawn at random: any part of any row beside any other keeps what all of them promise.

Nearly all is structure, which `jax.eval_shape` finds without compiling; a few tiny steps run without jit.
"""

import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo import by_leaf
from optax_zoo.compat import set_mesh
from optax_zoo.conformance.assertions import close, finite, same_kind

PARAMS = {
    "w": np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(4, 3),
    "k": np.linspace(-2.0, 1.0, 16, dtype="float32").reshape(2, 2, 4),
    "b": np.array([0.5, -1.0, 2.0], "float32"),
    "s": np.float32(0.5),
}
MATRICES = {"w": PARAMS["w"], "k": PARAMS["k"]}


def given_to(grads):
    """The extra arguments that parts need."""
    return {"value": np.float32(1.0), "curvature": grads}


def mask_of(params):
    """All but scalars."""
    return jax.tree.map(lambda p: jnp.ndim(p) > 0, params)


FALLING = optax.linear_schedule(0.1, 0.0, 100)
MORE = {
    "gradient": [
        zoo.serial(clip=zoo.clip_by_norm("max", 1.0, scope="tree"), decay=zoo.coupled_decay(0.1)),
        optax.clip_by_global_norm(1.0),
    ],
    "basis": [zoo.eigenbasis(1, of_vectors=True, merge=True), zoo.eigenbasis(stacked=zoo.stacked_under("k"))],
    "numerator": [zoo.arithmetic_mean(), zoo.trace(0.9), optax.ema(0.9)],
    "bound": [optax.clip(100.0)],
    "momentum": [zoo.pulled_back(zoo.trace(0.9), 2)],
    "rescale": [zoo.trust_ratio(), optax.scale_by_trust_ratio()],
    "learning_rate": [
        FALLING,
        zoo.linear_warmup(0.1, 3),
        zoo.prodigy_rate(FALLING, d0=1e-3, slice_p=2),
        zoo.dadapt_rate(d0=1e-3, bias_decays=(0.9, 0.99)),
        zoo.dadapt_rate(FALLING, of="squares"),
        zoo.dog_rate(FALLING, weighted=True, scope="leaf"),
        zoo.polyak_rate(None, 0.9, adapt_loss_min=True),
    ],
    "velocity": [optax.trace(0.9)],
    "decay": [zoo.proximal_decay(0.1), zoo.decoupled_decay(0.1, mask_of)],
    "iterate": [zoo.schedule_free(0.8, r=1.0, decoupling=2.0), zoo.lookahead_steps(2, seeded="first_step")],
}


def parts_of_rows():
    """What any row has in a slot, each part once, and some more."""
    found = {slot: {repr(part): part for part in MORE.get(slot, [])} for slot in zoo.SLOTS}
    for name in zoo.list_algorithms():
        tx = zoo.create(name, **zoo.describe(name).example)
        for row in tx.slots.values() if isinstance(tx, zoo.Route) else [tx]:
            for slot, part in row.slots.items():
                found[slot].setdefault(repr(part), part)
    return {slot: list(parts.values()) for slot, parts in found.items()}


def for_matrices_alone(parts):
    """The names of those that refuse vectors."""
    for part in parts:
        vector = jax.ShapeDtypeStruct((3,), "float32")
        try:
            jax.eval_shape(lambda p, part=part: part.update(p, part.init(p), p), vector)
        except ValueError as error:
            yield from re.findall(r"^(\w+) needs matrices", str(error))
        except TypeError:  # it needs more than is given here
            continue


PARTS = parts_of_rows()
OF_MATRICES = {*for_matrices_alone(p for parts in PARTS.values() for p in parts if isinstance(p, zoo.Part))}
OF_DIFFERENCES = [part for part in PARTS["numerator"] if "difference(" in repr(part)]


@st.composite
def pipelines(draw, light=False):
    """A pipeline with any part, or none, in each slot; `light` ones are quick without jit."""
    slots = {slot: draw(st.sampled_from([None, *parts]), label=slot) for slot, parts in PARTS.items()}
    slots["learning_rate"] = slots["learning_rate"] or 0.1  # which many parts need
    if slots["denominator"] is None:
        slots["bound"] = None
    if "clip_spikes(" in repr(slots["gradient"]) or "average_scale(" in repr(slots["decay"]):
        slots["denominator"], slots["basis"] = zoo.root(zoo.ema(0.99, of=zoo.square)), None
    if re.search("(residual|cross_corrected)[(]", repr(slots["denominator"])):
        slots["numerator"] = zoo.ema(0.9)
    if "extrapolated(" in repr(slots["denominator"]):
        slots["numerator"] = draw(st.sampled_from(OF_DIFFERENCES))
    if light:
        slots = {slot: None if "lstm" in repr(part) else part for slot, part in slots.items()}
        slots["basis"] = None
    if re.search("(whitened_rest|scaled_as_within)[(]", repr(slots["rescale"])):
        slots["basis"], slots["rescale"] = (None, None) if light else (zoo.subspace(2), slots["rescale"])
    if "subspace(" in repr(slots["basis"]):  # of other shapes: what compares with leaves outside cannot be in it
        average, squares = zoo.debiased(zoo.ema(0.9)), zoo.root(zoo.ema(0.99, of=zoo.square))
        slots["numerator"], slots["denominator"] = draw(st.sampled_from([(average, squares), (average, None)]))
        of_denominator = [slot for slot, part in slots.items() if re.search("clip_spikes|average_scale", repr(part))]
        slots.update(dict.fromkeys([*of_denominator, "bound"]))
    return with_a_rate_where_it_is_needed(zoo.pipeline(**slots))


def with_a_rate_where_it_is_needed(tx):
    """Some parts cannot do without a rate that is known before the direction, and one for all leaves."""
    params = tree_for(tx)
    try:
        step(tx, jax.eval_shape(tx.init, params), params)
    except TypeError as error:
        if not re.search("needs the (learning )?rate", str(error)):
            raise
        return tx.replace(learning_rate=0.1)
    return tx


def tree_for(tx, dtype="float32"):
    """Parameters that an optimizer takes: some parts refuse vectors."""
    params = MATRICES if any(f"{name}(" in repr(tx) for name in OF_MATRICES) else PARAMS
    return jax.tree.map(lambda p: jnp.asarray(p, dtype), params)


def step(tx, state, params, grads=None):
    """The kinds of updates and state after a step."""
    return jax.eval_shape(
        lambda g, s, p: tx.update(g, s, p, **given_to(g)), params if grads is None else grads, state, params
    )


def keeps_its_kinds(tx, params):
    """Fails unless updates are like the parameters and the state stays as it is; the state."""
    state = jax.eval_shape(tx.init, params)
    updates, after = step(tx, state, params)
    same_kind("updates", updates, params)
    same_kind("state", after, state)
    found = jax.eval_shape(lambda s, p: zoo.evaluation_params(tx, s, p), state, params)
    same_kind("parameters to evaluate with", found, params)
    return state


few = settings(max_examples=15, deadline=None, report_multiple_bugs=False)


@few
@given(pipelines(), st.sampled_from(["float32", "bfloat16", "complex64"]), st.data())
def test_updates_are_like_the_parameters_and_states_keep_their_kinds(tx, dtype, data):
    params = tree_for(tx, dtype)
    state = keeps_its_kinds(tx, params)
    assert set(state) == set(tx.slots)
    without = data.draw(st.sampled_from(sorted(params)))
    updates, after = step(tx, state, params, {**params, without: None})
    assert updates[without] is None
    same_kind("state", after, state)


@few
@given(pipelines(), pipelines(), st.booleans())
def test_what_it_prints_is_how_it_is_written(first, second, nested):
    for tx in (first, zoo.route(matrices=first, rest=second), first.replace(momentum=second if nested else None)):
        if "(...)" not in repr(tx) and "mask" not in repr(tx) and "optax." not in repr(tx):
            assert repr(eval(repr(tx), vars(zoo))) == repr(tx)
        assert "0x" not in repr(tx)


@few
@given(pipelines(), pipelines(), st.booleans())
def test_a_state_migrates_from_any_to_any(first, second, routed):
    if routed:
        first, second = zoo.route(matrices=first, rest=second), zoo.route(matrices=second, rest=first)
    params = tree_for(zoo.route(a=first, b=second))
    state, expected = (jax.eval_shape(tx.init, params) for tx in (first, second))
    try:
        carried = jax.eval_shape(lambda s, p: zoo.migrate(s, second, p), state, params)
    except ValueError as error:  # of one name, but another shape
        assert "the state has an array of shape" in str(error)
        return
    same_kind("state", carried, expected)
    step(second, carried, params)


WRAPPERS = {
    "route": lambda first, second: zoo.route(matrices=first, rest=second),
    "partition": lambda first, second: optax.partition({"first": first, "second": second}, labels),
    "masked": lambda first, second: optax.chain(optax.masked(first, is_first), second),
    "multi steps": lambda first, second: optax.MultiSteps(first, 2).gradient_transformation(),
}


def labels(params):
    return {name: "first" if name in ("w", "s") else "second" for name in params}


def is_first(params):
    return {name: label == "first" for name, label in labels(params).items()}


@few
@given(pipelines(), pipelines(), st.sampled_from(sorted(WRAPPERS)))
def test_in_routes_and_in_optax_wrappers(first, second, wrapper):
    params = tree_for(zoo.route(a=first, b=second))
    tx = WRAPPERS[wrapper](first, second)
    if wrapper != "multi steps" or not set(given_to(params)).intersection(first.needs):  # optax hands none on there
        keeps_its_kinds(optax.with_extra_args_support(tx), params)


@few
@given(pipelines(), st.sampled_from([P("data"), P(None, "data"), P("data", "model")]))
def test_on_a_mesh_of_explicit_axes_the_state_keeps_its_shardings(tx, spec):
    mesh = jax.make_mesh((2, 2), ("data", "model"), axis_types=(AxisType.Explicit,) * 2, devices=jax.devices()[:4])
    shape = {"w": jnp.zeros((4, 2)), "k": jnp.zeros((4, 2, 4))}
    params = jax.tree.map(lambda x: jax.device_put(x, NamedSharding(mesh, spec)), shape)
    with set_mesh(mesh):
        state = jax.eval_shape(tx.init, params)
        updates, after = step(tx, state, params)
    for found, expected in ((updates, params), (after, state)):
        for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
            assert jax.typeof(x).sharding.spec == jax.typeof(y).sharding.spec, jax.tree_util.keystr(path)


@few
@given(pipelines(light=True), st.integers(0, 9))
def test_steps_are_finite_and_the_same_leaf_by_leaf(tx, seed):
    params, rng = tree_for(tx), np.random.default_rng(seed)
    state = tx.init(params)
    close("parameters to evaluate with at first", zoo.evaluation_params(tx, state, params), params)
    for _ in range(2):
        grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), p.dtype), params)
        before, (updates, state) = state, tx.update(grads, state, params, **given_to(grads))
        finite("updates and state", (updates, state))
    alone, whole = by_leaf.split(grads, before), by_leaf.split(updates, state)
    if tx.rule.by_leaf and alone is not None:
        for piece, expected in zip(alone.pieces(params), whole.pieces(None), strict=True):
            found = tx.update(piece.leaf, piece.state, piece.param)
            close("update and state of a leaf alone", found, (expected.leaf, expected.state), atol=1e-5)


def test_there_are_parts_for_every_slot():
    assert list(PARTS) == list(zoo.SLOTS) and all(PARTS.values())
    chex.assert_tree_all_finite(jax.tree.map(np.asarray, PARAMS))
