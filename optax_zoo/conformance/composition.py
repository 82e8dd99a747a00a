"""Composition: inside optax's wrappers, and under vmap and grad, it does what it does alone."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import Skip, close, equal, finite, require, same_kind, wide
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject
from optax_zoo.conformance.wrapping import gradients, injected, only, rate_of, refuse_trees_of_extras, train

check = check_in("composition")


@check()
def chain(subject: Subject) -> None:
    """After other transformations in optax.chain it gives the same updates."""
    _same_alone(subject, optax.chain(optax.identity(), optax.clip_by_global_norm(1e9), subject.build()))


@check()
def named_chain(subject: Subject) -> None:
    """After other transformations in optax.named_chain it gives the same updates."""
    clip = ("clip", optax.clip_by_global_norm(1e9))
    _same_alone(subject, optax.named_chain(("first", optax.identity()), clip, ("optimizer", subject.build())))


@check()
def partition(subject: Subject) -> None:
    """In optax.partition each group of leaves is updated as if it were trained alone."""
    refuse_trees_of_extras(subject, "optax.partition")
    labels = {"kernel": "first", "bias": "second", "filters": "first"}
    tx = optax.partition({"first": subject.build(), "second": subject.build()}, labels)
    grads = gradients()
    updates, _ = train(subject, tx, trees.parameters(), grads)
    for group in ("first", "second"):
        names = [name for name, label in labels.items() if label == group]
        alone, _ = train(subject, subject.build(), only(names, trees.parameters()), [only(names, g) for g in grads])
        _same(f"updates of the group {names}", [only(names, u) for u in updates], alone)


@check()
def masked(subject: Subject) -> None:
    """In optax.masked the leaves outside the mask pass through, and the others are updated as if they were alone."""
    refuse_trees_of_extras(subject, "optax.masked")
    grads, names = gradients(), ["kernel", "filters"]
    tx = optax.masked(subject.build(), {"kernel": True, "bias": False, "filters": True})
    updates, _ = train(subject, tx, trees.parameters(), grads)
    equal("updates outside the mask", [u["bias"] for u in updates], [g["bias"] for g in grads])
    alone, _ = train(subject, subject.build(), only(names, trees.parameters()), [only(names, g) for g in grads])
    _same("updates within the mask", [only(names, u) for u in updates], alone)


@check()
def unexpected_extra_argument(subject: Subject) -> None:
    """An extra argument that it does not know is accepted, directly and through optax.chain, and changes nothing."""
    params, tx = trees.parameters(), subject.build()
    grads = trees.gradients(params)
    given = subject.given(params, grads)
    expected, _ = tx.update(grads, tx.init(params), params, **given)
    for name, one in {"directly": tx, "through optax.chain": optax.chain(optax.identity(), tx)}.items():
        updates, _ = one.update(grads, one.init(params), params, **given, unexpected=1)
        _same(f"updates with an unexpected argument, {name},", updates, expected)


@check()
def missing_extra_arguments_are_refused(subject: Subject) -> None:
    """Without an extra argument that it needs, `update` raises a TypeError or ValueError."""
    if not subject.extras:
        raise Skip("update needs no extra arguments")
    params, tx = trees.parameters(), subject.build()
    grads = trees.gradients(params)
    for name in subject.extras:
        given = {key: value for key, value in subject.given(params, grads).items() if key != name}
        done = _unless_refused(functools.partial(tx.update, grads, tx.init(params), params, **given))
        require(done is None, f"update without {name}= gives updates, where it should raise.")


@check()
def update_without_params(subject: Subject) -> None:
    """Without `params`, `update` either raises a TypeError or ValueError, or gives the same updates as with them."""
    params, tx = trees.parameters(), subject.build()
    grads = trees.gradients(params)
    given = subject.given(params, grads)
    done = _unless_refused(functools.partial(tx.update, grads, tx.init(params), **given))
    if done is not None:
        _same("updates without params", done[0], tx.update(grads, tx.init(params), params, **given)[0])


@check()
def inject_hyperparams(subject: Subject) -> None:
    """With its numbers in the state by optax.inject_hyperparams it gives the same updates."""
    _same_alone(subject, injected(subject), rtol=1e-4)


@check()
def inject_hyperparams_at_run_time(subject: Subject) -> None:
    """A learning rate doubled in the state of optax.inject_hyperparams acts at the next step, compiling nothing."""
    rate, tx, params = rate_of(subject), injected(subject), trees.parameters()
    grads = gradients(2)
    traced: list[None] = []

    @jax.jit
    def update(state: Any, grads: Any) -> tuple[Any, Any]:
        traced.append(None)
        return subject.update(tx, params, state, grads)

    _, state = update(jax.jit(tx.init)(params), grads[0])
    slow, _ = update(state, grads[1])
    compiled = len(traced)
    doubled = {**state.hyperparams, "learning_rate": 2 * state.hyperparams["learning_rate"]}
    fast, _ = update(state._replace(hyperparams=doubled), grads[1])
    require(len(traced) == compiled, "the step was compiled anew for another learning rate.")
    expected, _ = subject.update(subject.build(learning_rate=2 * rate), params, state.inner_state, grads[1])
    _same("updates at twice the rate", fast, expected, rtol=1e-4)
    moved = any(np.any(a != b) for a, b in zip(jax.tree.leaves(fast), jax.tree.leaves(slow), strict=True))
    require(moved, "updates at twice the rate are those at the old one.")


@check()
def inject_hyperparams_bfloat16(subject: Subject) -> None:
    """On bfloat16 parameters optax.inject_hyperparams in float32 gives the same updates."""
    params, grads = _bfloat16()
    found, _ = train(subject, injected(subject, hyperparam_dtype=jnp.float32), params, grads)
    _same("updates", found, train(subject, subject.build(), params, grads)[0], rtol=2e-2)


@check()
def inject_hyperparams_keeps_dtype(subject: Subject) -> None:
    """On bfloat16 parameters updates are bfloat16, even if optax.inject_hyperparams keeps its numbers in float32."""
    params, grads = _bfloat16()
    tx = injected(subject, hyperparam_dtype=jnp.float32)
    updates, _ = subject.update(tx, params, tx.init(params), grads[0])
    same_kind("updates", updates, grads[0])


@check()
def inject_hyperparams_bfloat16_default(subject: Subject) -> None:
    """On bfloat16 parameters optax.inject_hyperparams gives about the same, its numbers cast to bfloat16 by default."""
    params, grads = _bfloat16()
    found, _ = train(subject, injected(subject), params, grads)
    finite("updates", found)
    expected, _ = train(subject, subject.build(), params, grads)
    for (path, x), y in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        off, size = np.sum(np.abs(wide(x) - wide(y))), np.sum(np.abs(wide(y)))  # by the mean: where signs flip, few do
        require(
            off < 0.05 * size or off == 0, f"updates{jax.tree_util.keystr(path)} are off by {off:.2g} of {size:.2g}."
        )


@check()
def constant_schedule(subject: Subject) -> None:
    """A schedule that always gives the learning rate is as good as the number."""
    rate = rate_of(subject)
    annotation = inspect.signature(subject.make).parameters["learning_rate"].annotation
    if annotation is not inspect.Parameter.empty and not any(
        word in str(annotation) for word in ("Callable", "Schedule")
    ):
        raise Skip(f"the factory takes its learning_rate as {annotation}, not as a schedule")
    _same_alone(subject, subject.build(learning_rate=lambda count: rate))


@check()
def multi_steps(subject: Subject) -> None:
    """optax.MultiSteps updates nothing after the first of two mini-steps, and by the mean gradient after the second."""
    inner, params, grads = subject.build(), trees.parameters(), gradients(2)
    wrapper = optax.MultiSteps(inner, 2)  # as a transformation it is held to drop extra arguments, thus only without
    tx: Any = wrapper if subject.extras else optax.chain(wrapper.gradient_transformation())
    mean = jax.tree.map(lambda *g: sum(g) / 2, *grads)
    given = subject.given(params, mean)
    update = jax.jit(lambda state, grads: tx.update(grads, state, params, **given))
    state: Any = tx.init(params)
    updates, state = update(state, grads[0])
    equal("updates of the first mini-step", updates, jax.tree.map(jnp.zeros_like, params))
    expected, after = inner.update(mean, inner.init(params), params, **given)
    updates, state = update(state, grads[1])
    _same("updates of the second mini-step", updates, expected)
    close("state after two mini-steps", (state if subject.extras else state[0]).inner_opt_state, after)


@check()
def apply_if_finite(subject: Subject) -> None:
    """optax.apply_if_finite holds updates and state where a gradient is NaN, and else lets the same updates through."""
    inner, params = subject.build(), trees.parameters()
    tx = optax.apply_if_finite(inner, max_consecutive_errors=3)
    grads = trees.gradients(params)
    update = jax.jit(lambda state, grads: subject.update(tx, params, state, grads))
    before: Any = tx.init(params)
    updates, after = update(before, {**grads, "bias": grads["bias"].at[1].set(jnp.nan)})
    equal("updates by a gradient that is NaN", updates, jax.tree.map(jnp.zeros_like, params))
    equal("state after a gradient that is NaN", after.inner_state, before.inner_state)
    updates, _ = update(after, grads)
    _same("updates after a gradient that was NaN", updates, subject.update(inner, params, inner.init(params), grads)[0])


@check()
def lookahead(subject: Subject) -> None:
    """optax.lookahead goes half the way of every two of its steps."""
    if subject.extras:
        raise Skip("optax.lookahead passes no extra arguments on")
    inner = subject.build()
    tx = optax.lookahead(inner, sync_period=2, slow_step_size=0.5)
    found: Any = optax.LookaheadParams.init_synced(trees.parameters())
    slow = fast = trees.parameters()
    state, inner_state = tx.init(found), inner.init(fast)
    for number, grads in enumerate(gradients()):
        updates, state = tx.update(grads, state, found)
        found = optax.apply_updates(found, updates)
        fast, inner_state = subject.step(inner, fast, inner_state, grads)
        if number % 2:
            slow = fast = jax.tree.map(lambda s, f: s + 0.5 * (f - s), slow, fast)
    close("fast parameters", found.fast, fast)
    close("slow parameters", found.slow, slow)


@check()
def map_params(subject: Subject) -> None:
    """optax.tree.map_params finds the parts of the state that are shaped like parameters, and keeps all others."""
    params, tx = trees.parameters(), subject.build()
    state = tx.init(params)
    equal("mapped state", optax.tree.map_params(tx, lambda x: x, state), state)

    def spec(leaf: Any, param: Any) -> PartitionSpec | None:
        if is_left_out(leaf):
            return None
        return PartitionSpec(*"abc"[: param.ndim]) if leaf.shape[: param.ndim] == param.shape else PartitionSpec()

    def is_left_out(node: Any) -> bool:
        return node is None or isinstance(node, optax.MaskedNode)

    none = PartitionSpec()
    specs = optax.tree.map_params(tx, spec, state, params, transform_non_params=lambda _: none, is_leaf=is_left_out)
    shapes = {p.shape for p in jax.tree.leaves(params)}
    for (path, leaf), one in zip(jax.tree.leaves_with_path(state), jax.tree.leaves(specs), strict=True):
        name = f"state{jax.tree_util.keystr(path)} of shape {list(leaf.shape)}"
        require(len(one) <= leaf.ndim, f"{name} gets the spec {one}, which has more axes.")
        require(leaf.shape not in shapes or one != none, f"{name} is shaped like a parameter, but not mapped as one.")


@check()
def vmap_over_learning_rates(subject: Subject) -> None:
    """Three learning rates under jax.vmap give what each gives alone."""
    rates = rate_of(subject) * jnp.array([0.5, 1.0, 2.0])
    params, grads = trees.parameters(), gradients(2)

    def run(rate: Any) -> list[Any]:
        return train(subject, subject.build(learning_rate=rate), params, grads)[0]

    together = jax.jit(jax.vmap(run))(rates)
    for number, rate in enumerate(rates):
        _same(f"updates at rate number {number}", jax.tree.map(lambda u, n=number: u[n], together), run(float(rate)))


@check()
def gradient_through_steps(subject: Subject) -> None:
    """The loss after ten steps has finite gradients by the learning rate, not 0, and by the initial parameters."""
    rate = subject.rate
    numbers = {} if rate is None else {"learning_rate": rate}
    by_rate, by_params = _meta_gradients(subject)(numbers, only(["bias"], trees.parameters()))
    finite("gradient by the initial parameters", by_params)
    finite("gradient by the learning rate", by_rate)
    require(rate is None or by_rate["learning_rate"] != 0, "the gradient by the learning rate is 0.")


@check()
def gradient_through_zero_gradients(subject: Subject) -> None:
    """It stays finite where gradients are exactly 0, also with a positive eps_root where the factory takes one."""
    params = trees.parameters()
    start = {"zeros": jnp.zeros_like(params["bias"]), "kernel": params["kernel"]}
    own = subject.default("eps_root")
    meta_gradients = _meta_gradients(subject)
    for numbers in [{}] if own is None else [{"eps_root": own}, {"eps_root": 1e-8}]:
        by_epsilon, by_params = meta_gradients(numbers, start)
        finite(f"gradient by the initial parameters, some of them 0, at {numbers},", by_params)
        finite(f"gradient by eps_root at {numbers}", by_epsilon)


@check()
def same_key_same_trajectory(subject: Subject) -> None:
    """Two transformations made by the same call give the same updates and states, bit for bit."""
    params, grads = trees.parameters(), gradients()
    first, second = (train(subject, subject.build(), params, grads) for _ in range(2))
    equal("updates of the second", second[0], first[0])
    equal("state of the second", second[1], first[1])


def _bfloat16() -> tuple[Any, list[Any]]:
    """Parameters and gradients in bfloat16."""
    params = trees.parameters(jnp.bfloat16)
    return params, [trees.gradients(params, step) for step in range(trees.STEPS)]


def _same(what: str, found: Any, expected: Any, rtol: float = 1e-5) -> None:
    """Fails unless updates agree, relative to the largest of a leaf, and are finite."""
    finite(what, found)
    close(what, found, expected, rtol=rtol, atol=1e-12)


def _same_alone(subject: Subject, tx: Any, rtol: float = 1e-5) -> None:
    """Fails unless a transformation gives the updates of the plain one."""
    params, grads = trees.parameters(), gradients()
    alone, _ = train(subject, subject.build(), params, grads)
    _same("updates", train(subject, tx, params, grads)[0], alone, rtol)


def _meta_gradients(subject: Subject) -> Callable[[dict[str, float], Any], tuple[Any, Any]]:
    """The gradients of the loss after ten steps by hyperparameters and by the initial parameters, given these two."""

    def loss(params: Any) -> Any:
        return 0.35 * sum(jnp.sum(p**2) for p in jax.tree.leaves(params))

    def final(numbers: Any, params: Any) -> Any:
        tx = subject.build(**numbers)

        def step(carry: Any, _: None) -> tuple[Any, None]:
            params, state = carry
            value, grads = jax.value_and_grad(loss)(params)
            return subject.step(tx, params, state, grads, value=value), None

        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), length=10)
        return loss(params)

    compiled = jax.jit(jax.grad(final, argnums=(0, 1)))
    return lambda numbers, params: compiled(jax.tree.map(jnp.float32, numbers), params)


def _unless_refused(function: Callable[[], Any]) -> Any:
    """What a function returns, None where it raises a TypeError or ValueError."""
    try:
        return function()
    except (TypeError, ValueError):
        return None
