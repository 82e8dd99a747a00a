"""Evaluation: the parameters to evaluate with are like those trained, and found wherever the optimizer stands."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import close, equal, require, same_kind
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject
from optax_zoo.conformance.wrapping import gradients, injected, only, refuse_trees_of_extras
from optax_zoo.evaluation import evaluation_params

check = check_in("evaluation")


@check()
def evaluation_params_mirror_parameters(subject: Subject) -> None:
    """The parameters to evaluate with are at first those trained, and keep their tree, shapes and dtypes."""
    for dtype in (jnp.float32, jnp.bfloat16):
        params = trees.parameters(dtype)
        state = subject.tx.init(params)
        equal("parameters to evaluate with before any step", evaluation_params(subject.tx, state, params), params)

        def after_a_step(params: Any, state: Any) -> Any:
            params, state = subject.step(subject.tx, params, state, params)
            return evaluation_params(subject.tx, state, params)

        same_kind("parameters to evaluate with", jax.eval_shape(after_a_step, params, state), params)


@check()
def evaluation_params_in_wrappers(subject: Subject) -> None:
    """Under jit and within optax's wrappers the parameters to evaluate with are those that it has alone."""
    if _are_those_trained(subject.tx):  # as with most optimizers
        others = [name for name, tx in _wrapped(subject) if not _are_those_trained(tx)]
        require(not others, f"the parameters to evaluate with are not the tree that is given in {', '.join(others)}.")
        return
    state, params = _trained(subject, subject.tx)
    expected = evaluation_params(subject.tx, state, params)
    jitted = jax.jit(lambda state, params: evaluation_params(subject.tx, state, params))
    close("parameters to evaluate with under jax.jit", jitted(state, params), expected)
    for name, tx in _wrapped(subject):
        found = evaluation_params(tx, *_trained(subject, tx, repeated=2 if isinstance(tx, optax.MultiSteps) else 1))
        close(f"parameters to evaluate with in {name}", found, expected, rtol=1e-4)


@check()
def evaluation_params_of_groups(subject: Subject) -> None:
    """In optax.partition and optax.masked the parameters to evaluate with are those that a group has alone."""
    refuse_trees_of_extras(subject, "optax.partition")
    first, second = ["kernel", "filters"], ["bias"]
    labels = {**dict.fromkeys(first, "first"), **dict.fromkeys(second, "second")}
    partition: Any = optax.partition({"first": subject.build(), "second": subject.build()}, labels)
    masked: Any = optax.masked(subject.build(), {name: name in first for name in labels})
    if _are_those_trained(subject.tx):
        same = _are_those_trained(partition) and _are_those_trained(masked)
        require(same, "the parameters to evaluate with are not the tree that is given.")
        return
    of_first, of_second = (
        evaluation_params(subject.tx, *_trained(subject, subject.tx, names)) for names in (first, second)
    )
    found = evaluation_params(partition, *_trained(subject, partition))
    close("parameters to evaluate with in optax.partition", found, {**of_first, **of_second})

    state, params = _trained(subject, masked)
    found = evaluation_params(masked, state, params)
    close("parameters to evaluate with in optax.masked", only(first, found), of_first)
    equal("parameters to evaluate with outside the mask", only(second, found), only(second, params))


def _are_those_trained(tx: Any) -> bool:
    """Whether the parameters to evaluate with are the very tree that is given."""
    params = trees.parameters()
    return evaluation_params(tx, tx.init(params), params) is params


def _wrapped(subject: Subject) -> Iterator[tuple[str, Any]]:
    """The transformation in wrappers that do not change what it does."""
    yield "optax.chain", optax.chain(optax.identity(), subject.build())
    yield "optax.named_chain", optax.named_chain(("first", optax.identity()), ("optimizer", subject.build()))
    yield "optax.apply_if_finite", optax.apply_if_finite(subject.build(), max_consecutive_errors=3)
    yield "optax.MultiSteps", optax.MultiSteps(subject.build(), 2)
    if subject.rate is not None:
        yield "optax.inject_hyperparams", injected(subject)


def _trained(subject: Subject, tx: Any, names: list[str] | None = None, repeated: int = 1) -> tuple[Any, Any]:
    """State and parameters after steps without jit, each gradient given as often as said."""
    params: Any = trees.parameters() if names is None else only(names, trees.parameters())
    state = tx.init(params)
    for grads in gradients():
        for _ in range(repeated):
            params, state = subject.step(tx, params, state, grads if names is None else only(names, grads))
    return state, params
