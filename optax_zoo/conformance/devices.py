"""Devices: on a mesh an optimizer does what it does on one device, and moves no parameters between devices."""

import contextlib
import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from optax_zoo.compat import set_mesh
from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import Skip, close, equal, require
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.conformance.subject import Subject

P = PartitionSpec
STEPS = 3
FEW = 16  # elements of a reduction whose cost is negligible

check = check_in("devices")


@check()
def named_sharding_1d(subject: Subject) -> None:
    """Compiled steps with parameters sharded over a one-dimensional mesh (Auto axes) equal those on one device."""
    _sharded_equals_alone(subject, _one_axis(AxisType.Auto))


@check()
def named_sharding_1d_explicit(subject: Subject) -> None:
    """Compiled steps with parameters sharded over a one-dimensional mesh of Explicit axes equal those on one device."""
    _sharded_equals_alone(subject, _one_axis(AxisType.Explicit))


@check()
def named_sharding_2d(subject: Subject) -> None:
    """Compiled steps with parameters sharded over a two-dimensional mesh (Auto axes) equal those on one device."""
    _sharded_equals_alone(subject, _two_axes(AxisType.Auto))


@check()
def named_sharding_2d_explicit(subject: Subject) -> None:
    """Compiled steps with parameters sharded over a two-dimensional mesh of Explicit axes equal those on one device."""
    _sharded_equals_alone(subject, _two_axes(AxisType.Explicit))


@check()
def state_shardings_follow(subject: Subject) -> None:
    """The state is sharded as `state_sharding` says: after an eager `init`, in its types, and after a compiled step."""
    layout = _two_axes(AxisType.Auto)
    params, grads = layout.place(trees.parameters()), layout.place(trees.gradients(trees.parameters()))
    expected = state_sharding(subject.tx, params, layout.shardings)
    state = subject.tx.init(params)
    _follows("state after an eager init", state, expected)
    _, state = subject.compiled_update(params, jax.device_put(state, expected), grads)
    _follows("state after a step", state, expected)

    layout = _two_axes(AxisType.Explicit)
    params = layout.place(trees.parameters())
    expected = state_sharding(subject.tx, params, layout.shardings)
    with layout.context():
        state = jax.eval_shape(subject.tx.init, params)
        _follows("type of the state after init", state, expected)
        _, state = jax.eval_shape(lambda p, s: subject.update(subject.tx, p, s, p), params, state)
    _follows("type of the state after a step", state, expected)


@check()
def pmap_data_parallel(subject: Subject) -> None:
    """In jax.pmap with state replicated and gradients averaged over devices, replicas equal one device."""
    devices = _devices()
    params = trees.parameters()

    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        return subject.step(subject.tx, params, state, jax.lax.pmean(grads, "data"))

    mapped = jax.pmap(step, axis_name="data", devices=devices)
    replicate = jax.jit(lambda tree: jax.tree.map(lambda x: jnp.stack([x] * len(devices)), tree))
    replicas = replicate((params, subject.init(params)))
    for g in _all_gradients():
        replicas = mapped(*replicas, _apart(g, len(devices)))
    replicas = jax.device_get(replicas)
    for number in range(1, len(devices)):
        equal(f"replica {number}", _take(replicas, number), _take(replicas, 0))
    _equals_alone(_take(replicas, 0), subject)


@check()
def shard_map_replicated(subject: Subject) -> None:
    """In jax.shard_map with everything replicated and gradients averaged over devices, steps equal one device."""
    layout = _one_axis(AxisType.Auto)
    count, params = layout.mesh.size, trees.parameters()

    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        return subject.step(subject.tx, params, state, jax.lax.pmean(_take(grads, 0), "data"))

    mapped = jax.jit(jax.shard_map(step, mesh=layout.mesh, in_specs=(P(), P(), P("data")), out_specs=P()))
    carry = jax.device_put((params, subject.init(params)), NamedSharding(layout.mesh, P()))
    for g in _all_gradients():
        carry = mapped(*carry, jax.device_put(_apart(g, count), NamedSharding(layout.mesh, P("data"))))
    _equals_alone(carry, subject)


@check()
def shard_map_sharded(subject: Subject) -> None:
    """In jax.shard_map with parameters, gradients and state sharded, steps equal one device: norms take `axis_name`."""
    layout = _two_axes(AxisType.Auto)
    params = trees.parameters()
    tx = subject.build(**({"axis_name": layout.axis_names} if subject.takes("axis_name") else {}))
    shardings = layout.shardings, state_sharding(subject.tx, params, layout.shardings)
    params_specs, state_specs = jax.tree.map(lambda sharding: sharding.spec, shardings)
    mapped = jax.shard_map(
        lambda p, s, g: subject.step(tx, p, s, g),
        mesh=layout.mesh,
        in_specs=(params_specs, state_specs, params_specs),
        out_specs=(params_specs, state_specs),
    )
    carry = jax.device_put((params, subject.init(params)), shardings)
    step = jax.jit(mapped)
    try:
        for g in _all_gradients():
            carry = step(*carry, layout.place(g))
    except ValueError as error:
        _explain(error)
        raise
    _equals_alone(carry, subject)


def _explain(error: ValueError) -> None:
    """Rephrases what jax says if a result should be the same on several devices, but need not be."""
    if "statically inferred" in str(error):
        found = re.findall(r"^\W*out_specs\[([01])\](\S*) is", str(error), re.MULTILINE)
        where = ", ".join(("parameters", "state")[int(part)] + path for part, path in found)
        raise AssertionError(
            f"{where} may differ between devices that hold the same leaf: a reduction lacks axis_name."
        ) from error


@check()
def no_collectives(subject: Subject) -> None:
    """The compiled step with sharded parameters reduces at most scalars: no parameter moves between devices."""
    layout = _two_axes(AxisType.Auto)
    shapes = {"kernel": (256, 128), "bias": (256,), "filters": (16, 8, 32)}
    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    shardings = layout.shardings, state_sharding(subject.tx, params, layout.shardings)
    inputs = jax.tree.map(_with_sharding, (params, jax.eval_shape(subject.tx.init, params)), shardings)
    step = jax.jit(lambda p, s, g: subject.step(subject.tx, p, s, g), out_shardings=shardings)
    text = step.lower(*inputs, inputs[0]).compile().as_text() or ""
    found = [f"{kind} of {shape}" for kind, shape in collectives(text) if kind != "all-reduce" or _size(shape) > FEW]
    require(not found, f"the compiled step holds {', '.join(dict.fromkeys(found))}.")


def collectives(text: str) -> list[tuple[str, str]]:
    """The collective operations in the text of a compiled program: the kind of each, and the shape of a result."""
    kinds = "all-gather|all-reduce|all-to-all|collective-broadcast|collective-permute|reduce-scatter"
    operation = re.compile(rf"= (\(.*?\)|\S+) ((?:ragged-)?(?:{kinds}))(?:-start)?\(")
    return [(kind, shape) for result, kind in operation.findall(text) for shape in re.findall(r"\w+\[[\d,]*\]", result)]


def _size(shape: str) -> int:
    """Number of elements of a shape as HLO writes it: f32[8,4]."""
    return math.prod(int(n) for n in re.findall(r"\d+", shape.partition("[")[2]))


@dataclasses.dataclass(frozen=True)
class _Layout:
    """A mesh, and the layout of `trees.parameters()` on it."""

    mesh: Any
    specs: dict[str, PartitionSpec]

    @property
    def shardings(self) -> dict[str, NamedSharding]:
        return {name: NamedSharding(self.mesh, spec) for name, spec in self.specs.items()}

    @property
    def axis_names(self) -> dict[str, tuple[str, ...] | None]:
        """By leaf the axes that it is sharded over, None if it is replicated."""
        return {name: tuple(axis for axis in spec if axis is not None) or None for name, spec in self.specs.items()}

    def context(self) -> Any:
        """The context that compiled steps run in: jax asks for the mesh if its axes are Explicit."""
        explicit = AxisType.Explicit in self.mesh.axis_types
        return set_mesh(self.mesh) if explicit else contextlib.nullcontext()

    def place(self, tree: Any) -> Any:
        """Parameters or gradients on the mesh."""
        return jax.device_put(tree, self.shardings)


def _one_axis(kind: AxisType) -> _Layout:
    devices = _devices()
    mesh = jax.make_mesh((len(devices),), ("data",), axis_types=(kind,), devices=devices)
    return _Layout(mesh, {"kernel": P("data", None), "bias": P(), "filters": P(None, None, "data")})


def _two_axes(kind: AxisType) -> _Layout:
    devices = _devices()
    shape = (len(devices) // 2, 2) if len(devices) > 2 else (2, 1)
    mesh = jax.make_mesh(shape, ("data", "model"), axis_types=(kind, kind), devices=devices)
    return _Layout(mesh, {"kernel": P("data", "model"), "bias": P("data"), "filters": P()})


def _devices() -> list[Any]:
    """Two, four or eight devices."""
    devices = jax.devices()
    if len(devices) < 2:
        raise Skip(
            "needs at least 2 devices, found 1: start with XLA_FLAGS=--xla_force_host_platform_device_count=8 to "
            "split a CPU"
        )
    return devices[: 8 if len(devices) >= 8 else 4 if len(devices) >= 4 else 2]


def _all_gradients() -> list[Any]:
    params = trees.parameters()
    return [trees.gradients(params, step) for step in range(STEPS)]


def _equals_alone(found: tuple[Any, Any], subject: Subject) -> None:
    """Fails unless parameters and state are those after the same steps on one device."""
    params = trees.parameters()
    alone = jax.device_get(_run(subject, params, subject.init(params), lambda grads: grads))
    for what, ours, expected in zip(("parameters", "state"), found, alone, strict=True):
        close(what, ours, expected)


def _run(subject: Subject, params: Any, state: Any, place: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Parameters and state after steps compiled for the shardings of what it is given."""
    for g in _all_gradients():
        updates, state = subject.compiled_update(params, state, place(g))
        params = optax.apply_updates(params, updates)
    return params, state


def _sharded_equals_alone(subject: Subject, layout: _Layout) -> None:
    params = layout.place(trees.parameters())
    shardings = state_sharding(subject.tx, params, layout.shardings)
    with layout.context():
        state = jax.jit(subject.tx.init, out_shardings=shardings)(params)
        sharded = _run(subject, params, state, layout.place)
    _equals_alone(jax.device_get(sharded), subject)


def _follows(what: str, state: Any, expected: Any) -> None:
    """Fails unless the leaves of a state are sharded as expected; on a single device it counts as replicated."""
    for (path, x), sharding in zip(jax.tree.leaves_with_path(state), jax.tree.leaves(expected), strict=True):
        found = getattr(x, "sharding", None)
        if found is None or isinstance(x, jax.ShapeDtypeStruct):  # a type names axes, but no devices
            found = NamedSharding(sharding.mesh, P() if found is None else found.spec)
        if sharding.is_fully_replicated:
            same = found.is_fully_replicated
        else:
            same = found.is_equivalent_to(sharding, jnp.ndim(x))
        name = what + jax.tree_util.keystr(path)
        require(same, f"{name} is sharded as {_spec(found)}, but {_spec(sharding)} was expected.")


def _spec(sharding: Any) -> Any:
    return sharding.spec if isinstance(sharding, NamedSharding) else sharding


def _apart(grads: Any, count: int) -> Any:
    """Different gradients for each of several devices, whose mean is given."""
    factors = np.linspace(0.5, 1.5, count, dtype=np.float32)
    return jax.tree.map(lambda g: np.multiply.outer(factors, np.asarray(g)), grads)


def _take(tree: Any, number: int) -> Any:
    return jax.tree.map(lambda x: x[number], tree)


def _with_sharding(x: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
