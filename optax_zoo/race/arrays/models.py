"""Models of all kinds as plain functions, and whether they fit their data."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from optax_zoo.race.arrays.linen_models import of_linen
from optax_zoo.race.arrays.network import Network, Tree
from optax_zoo.race.arrays.nnx_models import of_nnx
from optax_zoo.running.errors import RaceError, first_line, require

KINDS = (
    "a Flax Linen module, an NNX module, a function from nnx.Rngs to one, or a pair of functions "
    "(init(key) -> parameters, apply(parameters, x) -> scores)"
)


def network(model: Any, example: np.ndarray) -> Network:
    """The functions of a model.

    Args:
      model: a Flax Linen module, an NNX module, a function from `nnx.Rngs` to one, or a pair of functions.
      example: inputs of a single example.

    Raises:
      RaceError: if it is none of these, is not made or cannot take the example, or draws random numbers or changes its
        state in evaluation.
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
        return of_linen(model, example)
    if isinstance(model, nnx.Module):
        return of_nnx(lambda _: model, example)
    if callable(model) and not (isinstance(model, type) and issubclass(model, linen.Module)):
        return of_nnx(model, example)
    raise RaceError(f"model is {model!r}, but must be {KINDS}.")


def shape_of_scores(made: Network, example: np.ndarray) -> tuple[int, ...]:
    """The shape of what a network returns for some inputs, in evaluation and in training.

    Raises:
      RaceError: if it cannot take them, returns no array, or its state changes its kind in a step of training.
    """
    key = jax.random.key(0)
    scores = _traced(lambda key, x: made.apply(made.init(key), x, *made.given), key, example)
    if made.train is not None:
        train = made.train
        trained, state = _traced(lambda key, x: train(made.init(key), x, key, made.state), key, example)
        if _kinds(state) != _kinds(made.state):
            raise RaceError(
                "model has other variables after a step of training than before it, but must have the same, of the "
                "same shapes: without sow, and with all made when it is initialized."
            )
        if getattr(trained, "shape", None) != getattr(scores, "shape", None):
            raise RaceError(
                f"model returns {trained} in training and {scores} in evaluation, but must return the same."
            )
    if not isinstance(scores, jax.ShapeDtypeStruct):
        raise RaceError(f"model must return one array of scores, but returns a {type(scores).__name__}.")
    return scores.shape


def _traced(function: Callable[..., Any], key: jax.Array, example: np.ndarray) -> Any:
    try:
        return jax.eval_shape(function, key, example)
    except RaceError:
        raise
    except Exception as error:
        raise RaceError(f"model cannot take x of shape {example.shape}: {first_line(error)}") from error


def _kinds(state: Tree) -> Any:
    leaves, treedef = jax.tree.flatten(state)
    return treedef, [(np.shape(x), x.dtype) for x in leaves]
