"""Structure: what comes out looks like what goes in, and the state keeps its kind."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import close, equal, finite, kind, require, same_kind
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject

check = check_in("structure")


@check()
def updates_mirror_parameters(subject: Subject) -> None:
    """Updates have the structure, shapes and dtypes of the gradients, without weak types."""
    params, state, grads = _start(subject)
    updates, _ = subject.compiled_update(params, state, grads)
    same_kind("updates", updates, grads)


@check()
def state_is_stable(subject: Subject) -> None:
    """The state keeps structure, shapes, dtypes and weak types from step to step."""
    params, state, grads = _start(subject)
    for _ in range(2):
        _, after = subject.compiled_update(params, state, grads)
        same_kind("state", after, state)
        state = after


@check()
def runs_eagerly(subject: Subject) -> None:
    """`init` and `update` give the same kinds and numbers without jit."""
    params, state, grads = _start(subject)
    eager = subject.tx.init(params)
    same_kind("eager state", eager, state)
    close("eager state", eager, state)
    updates, after = subject.update(subject.tx, params, eager, grads)
    same_kind("eager updates", updates, grads)
    same_kind("state after an eager step", after, state)
    close("eager updates", updates, subject.compiled_update(params, state, grads)[0])


@check()
def scan_and_cond(subject: Subject) -> None:
    """Steps run in jax.lax.scan, may be skipped by jax.lax.cond, and agree with those outside."""
    params, state, grads = _start(subject)

    def body(carry: Any, skip: Any) -> tuple[Any, None]:
        return jax.lax.cond(skip, lambda c: c, lambda c: subject.update(subject.tx, params, c[1], grads), carry), None

    scanned, _ = jax.jit(lambda s: jax.lax.scan(body, (grads, s), jnp.array([False, True, False])))(state)
    _, state = subject.compiled_update(params, state, grads)
    close("updates and state", scanned, subject.compiled_update(params, state, grads))


@check()
def compiles_once(subject: Subject) -> None:
    """The second and third call of the compiled step compile nothing anew."""
    params, state, grads = _start(subject)
    traced: list[None] = []

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any]:
        traced.append(None)
        return subject.step(subject.tx, params, state, grads)

    for _ in range(3):
        params, state = step(params, state)
    require(len(traced) == 1, f"the step was compiled {len(traced)} times in three calls.")


@check()
def init_without_values(subject: Subject) -> None:
    """`init` needs only shapes and dtypes: jax.eval_shape on ShapeDtypeStructs gives the kinds of the real state."""
    params, state, _ = _start(subject)
    abstract = jax.eval_shape(subject.tx.init, jax.tree.map(lambda p: jax.ShapeDtypeStruct(p.shape, p.dtype), params))
    same_kind("abstract state", abstract, state)


@check()
def buffers_are_distinct(subject: Subject) -> None:
    """Every array of parameters and state is a buffer of its own, so that all can be donated."""
    params = trees.parameters()
    state = subject.tx.init(params)
    arrays = [x for x in jax.tree.leaves((params, state)) if isinstance(x, jax.Array) and x.size]
    pointers = [_pointer(x) for x in arrays]
    require(len(set(pointers)) == len(pointers), "two arrays of the state share one buffer.")
    step = jax.jit(lambda p, s, g: subject.step(subject.tx, p, s, g), donate_argnums=(0, 1))
    donated, (params, state) = (params, state), step(params, state, trees.gradients(params))
    kept = [kind(x) for x in jax.tree.leaves(donated) if isinstance(x, jax.Array) and not x.is_deleted()]
    require(not kept, f"a donated step did not reuse {', '.join(kept)}.")
    step(params, state, trees.gradients(params))


@check()
def scalar_leaf(subject: Subject) -> None:
    """A parameter may be a scalar."""
    _steps(subject, {"scale": jnp.float32(2.0), "bias": jnp.ones(3)})


@check()
def empty_leaf(subject: Subject) -> None:
    """A parameter may have no elements."""
    _steps(subject, {"empty": jnp.zeros((0, 3)), "bias": jnp.ones(3)})


@check()
def complex_leaf(subject: Subject) -> None:
    """A parameter may be complex."""
    _steps(subject, {"wave": jnp.array([1 + 2j, -0.5j]), "bias": jnp.ones(3)})


@check()
def none_leaf(subject: Subject) -> None:
    """None may stand for a parameter."""
    _steps(subject, {"nothing": None, "bias": jnp.ones(3)})


@check()
def none_gradient(subject: Subject) -> None:
    """If the gradient of a parameter is None, so is its update, and the others are the same as without it."""
    params = {**trees.parameters(), "indices": jnp.arange(3)}
    moved = {name: p for name, p in params.items() if name != "indices"}
    grads, state = trees.gradients(moved), subject.tx.init({**moved, "indices": None})
    updates, after = subject.update(subject.tx, params, state, {**grads, "indices": None})
    require(updates["indices"] is None, "the update of a parameter without a gradient is not None.")
    same_kind("state", after, state)
    expected, _ = subject.update(subject.tx, moved, subject.tx.init(moved), grads)
    close("updates", {name: updates[name] for name in moved}, expected)


@check()
def integer_leaves(subject: Subject) -> None:
    """Parameters of integers and bools stay as they are, and have no arrays in the state."""
    moved = trees.parameters()
    still = {"indices": jnp.arange(3), "active": jnp.array([True, False])}
    grads = {**trees.gradients(moved), **jax.tree.map(jnp.zeros_like, still)}
    params: Any = {**moved, **still}
    state = subject.tx.init(params)
    kept, expected = (len(jax.tree.leaves(each)) for each in (state, subject.tx.init(moved)))
    require(kept == expected, f"the state has {kept} arrays instead of {expected}.")
    for _ in range(2):
        updates, state = subject.update(subject.tx, params, state, grads)
        params = optax.apply_updates(params, updates)
    equal("parameters", {name: params[name] for name in still}, still)


@check()
def eager_as_jitted(subject: Subject) -> None:
    """Eager and jitted steps do the same, or both refuse: without a gradient, in mixed precision, of another shape."""
    params = {**trees.parameters(), "indices": jnp.arange(3)}
    grads = {**trees.gradients(trees.parameters()), "indices": None}
    cases = {
        "a gradient of None": grads,
        "bfloat16 gradients": jax.tree.map(lambda g: g.astype(jnp.bfloat16), grads),
        "a gradient of another shape": {**grads, "bias": jnp.ones((2, 8))},
    }
    state = subject.tx.init({**params, "indices": None})
    for name, given in cases.items():
        eager, jitted = (_unless_refused(subject, params, state, given, wrap) for wrap in (lambda f: f, jax.jit))
        require((eager is None) == (jitted is None), f"{name} is refused either eagerly or jitted, not in both.")
        if eager is not None:
            close(f"the step with {name}", jitted, eager, rtol=2e-2 if name == "bfloat16 gradients" else 1e-5)


@check()
def masked_node(subject: Subject) -> None:
    """optax.MaskedNode may stand for a parameter."""
    _steps(subject, {"masked": optax.MaskedNode(), "bias": jnp.ones(3)})


class Layer(NamedTuple):
    """A NamedTuple of parameters."""

    kernel: Any
    bias: Any


@check()
def nested_containers(subject: Subject) -> None:
    """Parameters may be in tuples, lists, dicts and NamedTuples."""
    _steps(subject, {"layers": (Layer(jnp.ones((2, 2)), jnp.ones(2)), [jnp.ones(3), {"x": (jnp.ones(1),)}])})


@check()
def single_array(subject: Subject) -> None:
    """Parameters may be one bare array."""
    _steps(subject, jnp.ones((3, 2)))


@check()
def names_of_state_fields(subject: Subject) -> None:
    """Parameters may be named like fields of a state."""
    names = ("count", "mu", "nu", "value", "trace", "momentum", "learning_rate", "inner_state", "key")
    _steps(subject, {name: jnp.full(2, 0.5 + number, jnp.float32) for number, name in enumerate(names)})


@check()
def a_thousand_leaves(subject: Subject) -> None:
    """A thousand parameters are traced, and all keep their kinds."""
    params = {f"layer_{number}": jax.ShapeDtypeStruct((2,), jnp.float32) for number in range(1000)}
    state = jax.eval_shape(subject.tx.init, params)
    updates, after = jax.eval_shape(lambda p, s: subject.update(subject.tx, p, s, p), params, state)
    same_kind("updates", updates, params)
    same_kind("state", after, state)


def _unless_refused(subject: Subject, params: Any, state: Any, grads: Any, wrap: Any) -> Any:
    """The updates and the state of a step, None where it raises an error."""
    try:
        return wrap(lambda s, g: subject.update(subject.tx, params, s, g))(state, grads)
    except Exception:
        return None


def _start(subject: Subject) -> tuple[Any, Any, Any]:
    params = trees.parameters()
    return params, subject.init(params), trees.gradients(params)


def _steps(subject: Subject, params: Any) -> None:
    """Two compiled steps: updates and state keep their kinds, and are finite."""
    state = subject.init(params)
    for number in range(2):
        grads = trees.gradients(params, number)
        updates, after = subject.compiled_update(params, state, grads)
        same_kind("updates", updates, grads)
        same_kind("state", after, state)
        finite("updates", updates)
        state = after


def _pointer(x: jax.Array) -> int:
    return x.addressable_shards[0].data.unsafe_buffer_pointer()
