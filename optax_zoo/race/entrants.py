"""Who takes part in a race: names of ours, of optax, or a user's own factories."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import optax

import optax_zoo
from optax_zoo.race.errors import RaceError

Factory = Callable[[Any], optax.GradientTransformation]
Optimizers = Iterable[str | tuple[str, Factory]] | Mapping[str, Factory]

BASELINES = ("optax.adam", "optax.sgd", "optax.rmsprop")
DEFAULT = (
    "sgd",
    "momentum",
    "nag",
    "adam",
    "adamw",
    "expectigrad",
    "novograd",
    "gravity",
    "normalized",
    "clipped",
    *BASELINES,
)


def resolve(optimizers: Optimizers | None) -> dict[str, Factory]:
    """Factories (from a learning rate to a transformation) by name.

    Args:
      optimizers: names (`"adam"` of ours, `"optax.lion"` of optax), pairs of a name and a factory, or a mapping from
        name to factory. "all" among names stands for all of ours and `BASELINES`, None for `DEFAULT`.

    Raises:
      RaceError: for an unknown name, a name given twice, or none at all.
    """
    if optimizers is None:
        optimizers = DEFAULT
    if isinstance(optimizers, str):
        raise RaceError(f"optimizers is {optimizers!r}, but must be a sequence of names or a mapping.")
    entrants = list(optimizers.items() if isinstance(optimizers, Mapping) else optimizers)
    if "all" in entrants:
        place = entrants.index("all")
        entrants[place : place + 1] = [*optax_zoo.list_algorithms(), *BASELINES]
    factories: dict[str, Factory] = {}
    for entrant in entrants:
        name, factory = _one(entrant)
        if name in factories:
            raise RaceError(f"optimizer {name!r} is given twice.")
        factories[name] = factory
    if not factories:
        raise RaceError("optimizers is empty, but must name at least one.")
    return factories


def _one(entrant: Any) -> tuple[str, Factory]:
    if isinstance(entrant, str):
        return entrant, _of_optax(entrant) if entrant.startswith("optax.") else _of_ours(entrant)
    if isinstance(entrant, tuple) and len(entrant) == 2 and isinstance(entrant[0], str) and callable(entrant[1]):
        return entrant
    raise RaceError(
        f"optimizer {entrant!r} must be a name, or a name and a function from learning rate to transformation."
    )


def _of_ours(name: str) -> Factory:
    try:
        algorithm = optax_zoo.describe(name)
    except ValueError as error:
        hint = f" (optax's own is 'optax.{name}')" if name in _aliases() else ""
        raise RaceError(f"optimizer {error}{hint}") from None
    return algorithm.at_rate


def _of_optax(name: str) -> Factory:
    aliases = _aliases()
    short = name.removeprefix("optax.")
    if short not in aliases:
        near = difflib.get_close_matches(short, aliases, n=1)
        hint = f"; did you mean 'optax.{near[0]}'?" if near else ", such as 'optax.adam'."
        raise RaceError(f"optimizer {name!r} must be of optax and need nothing but learning_rate{hint}")
    return lambda rate: aliases[short](learning_rate=rate)


@functools.cache
def _aliases() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """The functions of optax that make an optimizer from a learning rate alone."""
    functions = {name: getattr(optax, name) for name in vars(optax) if not name.startswith("_")}
    return {name: function for name, function in functions.items() if _takes_rate_alone(function)}


def _takes_rate_alone(function: Any) -> bool:
    if not inspect.isfunction(function):
        return False
    parameters = inspect.signature(function).parameters
    others = [p for name, p in parameters.items() if name != "learning_rate"]
    return "learning_rate" in parameters and all(p.default is not p.empty for p in others)
