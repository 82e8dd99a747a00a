"""Modules of Flax Linen as plain functions: dropout draws from a key, other variables than parameters are a state."""

from typing import Any

import jax
import numpy as np

from optax_zoo.race.arrays.modes import HOW, flags
from optax_zoo.race.arrays.network import Network, Tree
from optax_zoo.running.errors import RaceError, first_line

PARAMS = "params"


def of_linen(model: Any, example: np.ndarray) -> Network:
    """The functions of a Linen module.

    Raises:
      RaceError: if it cannot take the example, or draws random numbers or changes variables in evaluation.
    """
    training, evaluation = flags(type(model).__call__)
    key = jax.random.key(0)
    try:
        variables = jax.eval_shape(lambda key, x: model.init(key, x, **evaluation), key, example)
    except Exception as error:
        raise RaceError(
            f"model cannot take x of shape {example.shape}: {first_line(error)}; if that asks for a mode, {HOW}."
        ) from error
    others = sorted(variables.keys() - {PARAMS})

    def apply(parameters: Tree, x: Any, *state: Tree) -> Any:
        return model.apply({**parameters, **(state[0] if state else {})}, x, **evaluation)

    def made(key: jax.Array) -> Tree:
        return model.init(key, example, **evaluation)

    def init(key: jax.Array) -> Tree:
        return {name: value for name, value in made(key).items() if name not in others}

    _check_evaluation(apply, variables, others, example)
    if not others and not training:
        return Network(init, apply)

    def train(parameters: Tree, x: Any, key: jax.Array, state: Tree) -> tuple[Any, Tree]:
        scores, new = model.apply({**parameters, **(state or {})}, x, rngs=key, mutable=others, **training)
        return scores, dict(new) if others else None

    state = {name: value for name, value in made(key).items() if name in others} if others else None
    return Network(init, apply, train, state)


def _check_evaluation(apply: Any, variables: Tree, others: list[str], example: np.ndarray) -> None:
    """Refuses a model that is not the same each time it is evaluated."""
    from flax import errors

    parameters = {name: value for name, value in variables.items() if name not in others}
    state = [{name: variables[name] for name in others}] if others else []
    try:
        jax.eval_shape(apply, parameters, example, *state)
    except errors.InvalidRngError as error:
        raise RaceError(f"model draws random numbers in evaluation, too: {HOW}.") from error
    except errors.ModifyScopeVariableError as error:
        raise RaceError(f"model changes its variables {', '.join(others)} in evaluation, too: {HOW}.") from error
    except Exception as error:
        raise RaceError(f"model cannot take x of shape {example.shape}: {first_line(error)}") from error
