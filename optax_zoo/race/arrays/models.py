"""Networks as two plain functions: one that makes parameters, one that computes scores."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.running.errors import RaceError, first_line, require

Tree = Any
KINDS = (
    "a Flax Linen module, an NNX module, a function from nnx.Rngs to one, or a pair of functions "
    "(init(key) -> parameters, apply(parameters, x) -> scores)"
)
OTHERS = "which a task from arrays cannot carry along: write a Task with `state` and `training`."


class Network(NamedTuple):
    """A model without mutable state and randomness.

    Attributes:
      init: from a key to parameters.
      apply: from parameters and inputs to scores.
    """

    init: Callable[[jax.Array], Tree]
    apply: Callable[[Tree, jax.Array], jax.Array]


def network(model: Any, example: np.ndarray) -> Network:
    """The two functions of a model.

    Args:
      model: a Flax Linen module, an NNX module, a function from `nnx.Rngs` to one, or a pair of functions.
      example: inputs of a single example.

    Raises:
      RaceError: if it is none of these, is not made or cannot take the example, has other variables than parameters,
        or draws random numbers.
      MissingExtraError: without Flax, unless the model is a pair of functions.
    """
    if isinstance(model, tuple | list):
        if len(model) != 2 or not all(callable(each) for each in model):
            raise RaceError(f"model is {model!r}, but must be {KINDS}.")
        init, apply = model
        return Network(init, apply)
    require("flax")
    from flax import linen, nnx

    if isinstance(model, linen.Module):
        return _linen(model, example)
    if isinstance(model, nnx.Module):
        return _nnx(lambda _: model)
    if callable(model) and not (isinstance(model, type) and issubclass(model, linen.Module)):
        return _nnx(model)
    raise RaceError(f"model is {model!r}, but must be {KINDS}.")


def shape_of_scores(made: Network, example: np.ndarray) -> tuple[int, ...]:
    """The shape of what a network returns for some inputs.

    Raises:
      RaceError: if it cannot take them, or returns no array.
    """
    try:
        scores = jax.eval_shape(lambda key, x: made.apply(made.init(key), x), jax.random.key(0), example)
    except Exception as error:
        raise RaceError(f"model cannot take x of shape {example.shape}: {first_line(error)}") from error
    if not isinstance(scores, jax.ShapeDtypeStruct):
        raise RaceError(f"model must return one array of scores, but returns a {type(scores).__name__}.")
    return scores.shape


def _linen(model: Any, example: np.ndarray) -> Network:
    try:
        variables = jax.eval_shape(model.init, jax.random.key(0), example)
    except Exception as error:
        raise RaceError(f"model cannot take x of shape {example.shape}: {first_line(error)}") from error
    others = sorted(variables.keys() - {"params"})
    if others:
        raise RaceError(f"model has the variables {', '.join(others)}, {OTHERS}")
    return Network(lambda key: model.init(key, example), lambda parameters, x: model.apply(parameters, x))


def _nnx(build: Callable[..., Any]) -> Network:
    """The functions of an NNX module that is made from `nnx.Rngs`."""
    from flax import nnx

    signed = build.__init__ if isinstance(build, type) else build  # type: ignore[misc]  # its metaclass hides it
    by_name = "rngs" in inspect.signature(signed).parameters

    def built(key: jax.Array) -> Any:
        rngs = nnx.Rngs(key)
        made = build(rngs=rngs) if by_name else build(rngs)
        if not isinstance(made, nnx.Module):
            raise RaceError(f"model is {build!r}, but makes a {type(made).__name__} and no NNX module.")
        return made

    def init(key: jax.Array) -> Tree:
        return jax.tree.map(jnp.copy, nnx.state(built(key), nnx.Param))

    try:
        example = nnx.eval_shape(lambda: built(jax.random.key(0)))
    except RaceError:
        raise
    except Exception as error:
        raise RaceError(f"model cannot be made from nnx.Rngs: {first_line(error)}") from error
    definition, _, others = nnx.split(example, nnx.Param, ...)  # type: ignore[misc]
    kinds = sorted({type(variable).__name__ for variable in jax.tree.leaves(others, is_leaf=_is_variable)})
    if kinds:
        raise RaceError(f"model has the variables {', '.join(kinds)}, {OTHERS}")
    return Network(init, lambda parameters, x: nnx.merge(definition, parameters)(x))


def _is_variable(node: Any) -> bool:
    from flax import nnx

    return isinstance(node, nnx.Variable)
