"""Who takes part in a race: optimizers as `optax_zoo.spelling` reads them, or factories with a name."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import optax

from optax_zoo import spelling
from optax_zoo._checks import is_number
from optax_zoo.pipeline import Pipeline
from optax_zoo.running.errors import RaceError
from optax_zoo.running.selectors import BASELINES, in_full

Schedule = Callable[[Any], Any]
Factory = Callable[..., optax.GradientTransformation]
Optimizers = Iterable[str | tuple[str, Factory]] | Mapping[str, Factory]

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
    *BASELINES,
)


@dataclasses.dataclass(frozen=True)
class Entrant:
    """An optimizer that takes part.

    Attributes:
      name: in the table.
      factory: from a learning rate (a number, perhaps traced, or a schedule), and hyperparameters by keyword, to a
        transformation.
      defaults: the hyperparameters whose default is a number, by name, without learning rates.
      default_rate: the default learning rate; None if there is none.
      base_rate: whether `factory` has a `base_learning_rate`, the rate that a schedule starts from.
    """

    name: str
    factory: Factory
    defaults: Mapping[str, float]
    default_rate: float | None
    base_rate: bool

    @classmethod
    def of(cls, name: str, factory: Factory, signature: inspect.Signature) -> "Entrant":
        """An entrant with the hyperparameters of a signature, `**kwargs` not being one."""
        defaults = {each: p.default for each, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD}
        rate = defaults.pop("learning_rate", None)
        base_rate = "base_learning_rate" in defaults
        numbers = {each: float(x) for each, x in defaults.items() if isinstance(x, float)}
        return cls(name, factory, numbers, float(rate) if is_number(rate) else None, base_rate)

    def at(self, rate: Any, schedule: Schedule | None = None, **values: Any) -> optax.GradientTransformation:
        """The transformation at a learning rate, multiplied by a schedule, and at some hyperparameters."""
        if schedule is None:
            return self.factory(rate, **values)
        if self.base_rate:
            values = {"base_learning_rate": rate, **values}
        return self.factory(lambda count: rate * schedule(count), **values)

    def composition(self, rate: float, values: Mapping[str, float]) -> str:
        """The transformation, as code."""
        shown = {name: float(f"{value:.4g}") for name, value in {"learning_rate": rate, **values}.items()}
        made = self.factory(shown["learning_rate"], **{name: shown[name] for name in values})
        if isinstance(made, Pipeline):
            return repr(made)
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def resolve(optimizers: Optimizers | None) -> dict[str, Entrant]:
    """Who takes part, by name.

    Args:
      optimizers: texts as `spelling.read` takes them (`"adam"`, `"optax.lion"`, `"module:function"`), pairs of
        a name and a factory, or a mapping from name to factory. Among the texts, "all" stands for all of ours and
        `BASELINES`, `"family:sign"` for a family, and a pattern such as `"adam*"` or `"optax.*"` for what it matches;
        what is there already is not added again. None stands for `DEFAULT`.

    Raises:
      RaceError: for an unknown name or family, a name given twice, or none at all.
    """
    if optimizers is None:
        optimizers = DEFAULT
    if isinstance(optimizers, str):
        raise RaceError(f"optimizers is {optimizers!r}, but must be a sequence of names or a mapping.")
    entrants = optimizers.items() if isinstance(optimizers, Mapping) else in_full(optimizers)
    resolved: dict[str, Entrant] = {}
    for entrant in map(_one, entrants):
        if entrant.name in resolved:
            raise RaceError(f"optimizer {entrant.name!r} is given twice.")
        resolved[entrant.name] = entrant
    if not resolved:
        raise RaceError("optimizers is empty, but must name at least one.")
    return resolved


def _one(entrant: Any) -> Entrant:
    if isinstance(entrant, str):
        return _of_text(entrant)
    if isinstance(entrant, tuple) and len(entrant) == 2 and isinstance(entrant[0], str) and callable(entrant[1]):
        return _of_user(*entrant)
    raise RaceError(
        f"optimizer {entrant!r} must be a name, or a name and a function from learning rate to transformation."
    )


def _of_text(text: str) -> Entrant:
    try:
        found = spelling.read(text)
        found.refuse_what_has_no_rate()
    except ValueError as error:
        raise RaceError(str(error)) from error.__cause__
    return Entrant.of(text, found.at_rate, found.signature)


def _of_user(name: str, factory: Factory) -> Entrant:
    """A function, whose first argument is the rate whatever it is called."""
    try:
        first, *others = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # built in, or without arguments: tracing will tell
        return Entrant.of(name, factory, inspect.Signature())
    keywords = [p.replace(kind=p.KEYWORD_ONLY) for p in others if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    rate = inspect.Parameter("learning_rate", inspect.Parameter.POSITIONAL_ONLY, default=first.default)
    return Entrant.of(name, factory, inspect.Signature([rate, *keywords]))
