"""Modules of Flax NNX as plain functions: streams of random numbers begin at a key, statistics are a state."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.arrays.modes import HOW, flags
from optax_zoo.race.arrays.network import Network, Tree
from optax_zoo.running.errors import RaceError, first_line


def of_nnx(build: Callable[..., Any], example: np.ndarray) -> Network:
    """The functions of an NNX module that is made from `nnx.Rngs`.

    Raises:
      RaceError: if it is not made, cannot take the example, or draws random numbers or changes variables in evaluation.
    """
    from flax import nnx

    try:
        shapes = nnx.eval_shape(lambda: _built(build, jax.random.key(0)))
    except RaceError:
        raise
    except Exception as error:
        raise RaceError(f"model cannot be made from nnx.Rngs: {first_line(error)}") from error
    shapes.train()
    trained, _, streams, others = nnx.split(shapes, nnx.Param, nnx.RngState, ...)  # type: ignore[misc]
    shapes.eval()
    evaluated = nnx.split(shapes, nnx.Param, nnx.RngState, ...)[0]
    structure: Any = jax.tree.structure(others)
    in_training, in_evaluation = flags(type(shapes).__call__)

    def init(key: jax.Array) -> Tree:
        return jax.tree.map(jnp.copy, nnx.state(_built(build, key), nnx.Param))

    def called(definition: Any, parameters: Tree, x: Any, key: jax.Array, state: Tree, **given: bool) -> Any:
        module = nnx.merge(definition, parameters, _begun(streams, key), structure.unflatten(state or ()))
        return module(x, **given), module

    def evaluate(parameters: Tree, x: Any, key: jax.Array, *state: Tree) -> Any:
        return called(evaluated, parameters, x, key, state[0] if state else None, **in_evaluation)

    def apply(parameters: Tree, x: Any, *state: Tree) -> Any:
        return evaluate(parameters, x, jax.random.key(0), *state)[0]

    def train(parameters: Tree, x: Any, key: jax.Array, state: Tree) -> tuple[Any, Tree]:
        scores, module = called(trained, parameters, x, key, state, **in_training)
        return scores, _leaves_beside_parameters(module) if state else None

    built = _built(build, jax.random.key(0))
    state = tuple(map(jnp.copy, _leaves_beside_parameters(built))) or None
    if jax.tree.leaves(streams) or state:
        _check_evaluation(evaluate, nnx.state(built, nnx.Param), example, state)
    alike = not jax.tree.leaves(streams) and state is None and not in_training
    return Network(init, apply) if alike else Network(init, apply, train, state)


def _built(build: Callable[..., Any], key: jax.Array) -> Any:
    from flax import nnx

    signed = build.__init__ if isinstance(build, type) else build  # type: ignore[misc]  # its metaclass hides it
    rngs = nnx.Rngs(key)
    made = build(rngs=rngs) if "rngs" in inspect.signature(signed).parameters else build(rngs)
    if not isinstance(made, nnx.Module):
        raise RaceError(f"model is {build!r}, but makes a {type(made).__name__} and no NNX module.")
    return made


def _begun(streams: Tree, key: jax.Array) -> Tree:
    """Random streams that begin at a key, each at one of its own; their counts are 0."""
    leaves: Any
    treedef: Any
    leaves, treedef = jax.tree.flatten(streams)

    def begin(number: int, leaf: Any) -> jax.Array:
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.zeros(leaf.shape, leaf.dtype)
        own = jax.random.fold_in(key, number)
        return jax.random.split(own, leaf.shape) if leaf.shape else own

    return treedef.unflatten([begin(number, leaf) for number, leaf in enumerate(leaves)])


def _leaves_beside_parameters(module: Any) -> tuple[Any, ...]:
    from flax import nnx

    return tuple(jax.tree.leaves(nnx.split(module, nnx.Param, nnx.RngState, ...)[3]))  # type: ignore[misc]


def _check_evaluation(evaluate: Callable[..., Any], parameters: Tree, example: np.ndarray, state: Tree) -> None:
    """Refuses a model that is not the same each time it is evaluated."""
    given = () if state is None else (state,)
    try:
        found = [evaluate(parameters, jnp.asarray(example), jax.random.key(n), *given) for n in range(2)]
    except Exception as error:
        raise RaceError(f"model cannot take x of shape {example.shape}: {first_line(error)}") from error
    (scores, module), (others, _) = found
    if not all(map(_same, jax.tree.leaves(scores), jax.tree.leaves(others))):
        raise RaceError(f"model draws random numbers in evaluation, too: {HOW}.")
    after = _leaves_beside_parameters(module)
    if len(after) != len(state or ()) or not all(map(_same, after, state or ())):
        raise RaceError(f"model changes its variables in evaluation, too: {HOW}.")


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")
