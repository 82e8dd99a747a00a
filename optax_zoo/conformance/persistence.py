"""Persistence: a state that was stored and restored is the same, and training continues as if nothing had happened."""

import contextlib
import importlib.util
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import Skip, equal, require
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject
from optax_zoo.evaluation import evaluation_params

check = check_in("persistence")


@check()
def pickle_round_trip(subject: Subject) -> None:
    """A pickled state is restored bit for bit, and two further steps are the same."""
    params, state = _midway(subject)
    _goes_on(subject, params, state, pickle.loads(pickle.dumps(state)))


@check()
def flax_round_trip(subject: Subject) -> None:
    """A state stored by flax.serialization is restored bit for bit, and two further steps are the same."""
    _installed("flax")
    from flax import serialization

    params, state = _midway(subject)
    fresh = subject.init(params)
    _goes_on(subject, params, state, serialization.from_bytes(fresh, serialization.to_bytes(state)))


@check()
def orbax_round_trip(subject: Subject) -> None:
    """A state stored by orbax is restored bit for bit, and two further steps are the same."""
    _installed("orbax.checkpoint", "orbax-checkpoint")
    params, state = _midway(subject)
    with _stored({"params": params, "state": state}) as restore:
        restored = restore(jax.tree.map(abstract, {"params": params, "state": state}))
    _goes_on(subject, params, state, restored["state"])


@check()
def orbax_onto_another_mesh(subject: Subject) -> None:
    """A state stored by orbax from a mesh of one axis is restored onto one of two, and further steps are the same."""
    _installed("orbax.checkpoint", "orbax-checkpoint")
    count = len(jax.devices())
    if count < 4 or count % 2:
        raise Skip(f"needs an even number of devices, at least 4, and there are {count}")
    line = _sharder(Mesh(np.array(jax.devices()), ("x",)))
    grid = _sharder(Mesh(np.array(jax.devices()).reshape(count // 2, 2), ("x", "y")))
    params, state = _midway(subject)
    sharded = jax.tree.map(lambda x: jax.device_put(x, line(x)), {"params": params, "state": state})
    wanted = jax.tree.map(grid, sharded)
    with _stored(sharded) as restore:
        restored = restore(jax.tree.map(abstract, sharded, wanted))
    for (path, x), sharding in zip(jax.tree.leaves_with_path(restored), jax.tree.leaves(wanted), strict=True):
        require(x.sharding == sharding, f"restored{jax.tree_util.keystr(path)} lies on {x.sharding}.")
    equal("restored parameters", restored["params"], params)
    _goes_on(subject, params, state, restored["state"])


def _midway(subject: Subject) -> tuple[Any, Any]:
    """Parameters and state after two steps."""
    params = trees.parameters()
    return _two_steps(subject, params, subject.init(params), 0)


def _two_steps(subject: Subject, params: Any, state: Any, first: int) -> tuple[Any, Any]:
    for number in range(first, first + 2):
        updates, state = subject.compiled_update(params, state, trees.gradients(params, number))
        params = optax.apply_updates(params, updates)
    return params, state


def _goes_on(subject: Subject, params: Any, state: Any, restored: Any) -> None:
    """Fails unless a restored state is the same, and so are the parameters to evaluate with and two further steps."""
    equal("restored state", restored, state)
    ours, theirs = (evaluation_params(subject.tx, each, params) for each in (state, restored))
    equal("parameters to evaluate with from the restored state", theirs, ours)
    here = jax.tree.map(lambda x, s: jax.device_put(x, s.sharding), restored, state)
    ours, theirs = _two_steps(subject, params, state, 2), _two_steps(subject, params, here, 2)
    equal("parameters and state two steps later", theirs, ours)


def _installed(module: str, package: str | None = None) -> None:
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise Skip(f"{package or module} is not installed")


@contextlib.contextmanager
def _stored(tree: Any) -> Iterator[Any]:
    """Stores a tree by orbax; a function that restores it as an abstract tree says."""
    import orbax.checkpoint as ocp  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder, ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
        path = Path(folder, "checkpoint")
        checkpointer.save(path, args=ocp.args.StandardSave(tree))
        yield lambda wanted: checkpointer.restore(path, args=ocp.args.StandardRestore(wanted))


def abstract(x: Any, sharding: Any = None) -> jax.ShapeDtypeStruct:
    """Shape, dtype and sharding of an array; its own sharding unless another is given."""
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding if sharding is None else sharding)


def _sharder(mesh: Mesh) -> Any:
    """A function that gives an array a sharding: along the first axis where it divides evenly, else replicated."""

    def sharding(x: Any) -> NamedSharding:
        divides = x.ndim and x.shape[0] % mesh.size == 0 and x.shape[0]
        return NamedSharding(mesh, PartitionSpec(mesh.axis_names) if divides else PartitionSpec())

    return sharding
