"""What a text that names an optimizer stands for, read alike by all commands and functions.

It is a registered name (`adam`), a function of optax (`optax.lion`, `optax.contrib.muon`), or one of the user's,
`module:function`, whose module is looked for in the current folder first.
"""

import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import optax
import optax.contrib

from optax_zoo._user_code import imported
from optax_zoo.registry import Algorithm, describe

FORMS = "a registered name, optax.NAME, optax.contrib.NAME or module:function"
RATE = 1e-3  # of a function that must be given one
_NO_OPTIMIZERS = ("_", "scale_by_")  # what functions of optax begin with that are private, or a part of an optimizer
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclasses.dataclass(frozen=True)
class Spelling:
    """An optimizer that is named by a text.

    Attributes:
      argument: what the text was given for, in messages.
      text: the text.
      factory: from hyperparameters to the transformation.
      algorithm: what the registry knows of it; None of what is not registered.
      parameters: those of the factory, by name; empty if they cannot be known.
      rate: the name of the learning rate among them: `learning_rate`, else the first argument of a user's function.
    """

    argument: str
    text: str
    factory: Callable[..., Any]
    algorithm: Algorithm | None
    parameters: Mapping[str, inspect.Parameter]
    rate: str | None

    @property
    def required(self) -> tuple[str, ...]:
        """The hyperparameters without a default, but for the learning rate."""
        named = [p for p in self.parameters.values() if p.kind not in _VARIADIC and p.name != self.rate]
        return tuple(p.name for p in named if p.default is p.empty)

    @property
    def example(self) -> dict[str, Any]:
        """Hyperparameters to make it with: those of the registry, else a rate of `RATE` where one must be given."""
        if self.algorithm is not None:
            return dict(self.algorithm.example)
        must = self.rate is not None and self.parameters[self.rate].default is inspect.Parameter.empty
        return {str(self.rate): RATE} if must else {}

    @property
    def signature(self) -> inspect.Signature:
        """What `at_rate` takes: the learning rate under this name, and all others by keyword."""
        others = [p for p in self.parameters.values() if p.kind not in _VARIADIC and p.name != self.rate]
        given = [] if self.rate is None else [self.parameters[self.rate].replace(name="learning_rate")]
        return inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in (*given, *others)])

    def at_rate(self, rate: Any, **values: Any) -> Any:
        """The transformation at a learning rate, which may be a schedule or traced, and at some hyperparameters."""
        if self.algorithm is not None:
            return self.algorithm.at_rate(rate, **values)
        return self.called(**{str(self.rate): rate}, **values)

    def called(self, **values: Any) -> Any:
        """What the factory returns for hyperparameters by name, positional ones among them."""
        return self.partial(**values)()

    def partial(self, **values: Any) -> functools.partial[Any]:
        """The factory with hyperparameters by name filled in, positional ones among them."""
        positional = [p.name for p in self.parameters.values() if p.kind is p.POSITIONAL_ONLY and p.name in values]
        return functools.partial(self.factory, *(values.pop(name) for name in positional), **values)

    def make(self) -> optax.GradientTransformation:
        """The transformation at `example`.

        Raises:
          ValueError: if it needs more, fails, or is not a transformation.
        """
        self.refuse_what_needs_more()
        try:
            made = self.called(**self.example)
        except Exception as error:
            reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
            raise ValueError(f"{self.argument} is {self.text!r}, which fails: {reason}") from error
        if not isinstance(made, optax.GradientTransformation):
            raise ValueError(
                f"{self.argument} is {self.text!r}, but that returns {made!r}, not an optax.GradientTransformation."
            )
        return made

    def refuse_what_needs_more(self) -> None:
        """Refuses what must be given more than a learning rate.

        Raises:
          ValueError: naming what.
        """
        if self.algorithm is None and self.required:
            raise ValueError(
                f"{self.argument} is {self.text!r}, which must be given {', '.join(self.required)}: name a function "
                "that needs nothing but a learning_rate."
            )

    def refuse_what_has_no_rate(self) -> None:
        """Refuses what does not take a learning rate, or needs more.

        Raises:
          ValueError: in either case.
        """
        self.refuse_what_needs_more()
        if self.rate is None:
            raise ValueError(
                f"{self.argument} is {self.text!r}, which takes no learning_rate: name a function that does, and that "
                "needs nothing else."
            )


def read(text: str, argument: str = "optimizer") -> Spelling:
    """The optimizer that a text names.

    Args:
      text: a registered name, `optax.NAME`, `optax.contrib.NAME` or `module:function`.
      argument: what it is given for, in messages.

    Raises:
      ValueError: if there is none; the nearest names are suggested.
    """
    module, colon, _ = text.partition(":")
    if (module in ("optax", "optax.contrib")) if colon else text.startswith("optax."):
        function, positional = _of_optax(text, argument), False
    elif colon:
        function, positional = imported(argument, text), True
    else:
        algorithm = _registered(text, argument)
        return Spelling(argument, text, algorithm.factory, algorithm, *_of_registered(algorithm.factory))
    return Spelling(argument, text, function, None, *_parameters(function, positional))


def _registered(text: str, argument: str) -> Algorithm:
    try:
        return describe(text)
    except ValueError as error:
        own, where = f"optax.{text}", "" if argument == "name" else f"{argument} "
        hint = f"optax's own is {own!r}. " if own in optax_names() and own not in str(error) else ""
        module, dot, function = text.rpartition(".")
        if dot:
            hint = f"Your own function is written with a colon, {f'{module}:{function}'!r}. "
        raise ValueError(f"{where}{error} {hint}An optimizer is {FORMS}.") from None


def _of_optax(text: str, argument: str) -> Callable[..., Any]:
    name = text.replace(":", ".").removeprefix("optax.")
    inner = name.removeprefix("contrib.")
    found = getattr(optax if inner == name else optax.contrib, inner, None)
    if callable(found) and not inner.startswith("_"):
        return found
    same = [each for each in optax_names() if each.rpartition(".")[2] == inner.rpartition(".")[2]]
    near = [*same, *difflib.get_close_matches(f"optax.{name}", optax_names(), n=1), "optax.adam"][0]
    raise ValueError(f"{argument} is {text!r}, but optax has no function {name!r}; did you mean {near!r}?")


@functools.cache
def optax_names() -> tuple[str, ...]:
    """The optimizers of optax that need nothing but a learning rate, as they are spelled."""
    found = []
    for space, module in (("optax", optax), ("optax.contrib", optax.contrib)):
        for name, function in vars(module).items():
            if inspect.isfunction(function) and not name.startswith(_NO_OPTIMIZERS) and _takes_rate_alone(function):
                found.append(f"{space}.{name}")
    return tuple(sorted(found))


def _takes_rate_alone(function: Callable[..., Any]) -> bool:
    parameters, rate = _parameters(function, False)
    return rate is not None and not Spelling("", "", function, None, parameters, rate).required


def _of_registered(factory: Any) -> tuple[Mapping[str, inspect.Parameter], str | None]:
    """The parameters of a registered function, and its learning rate, which `**hyperparameters` may stand for."""
    parameters, rate = _parameters(factory, False)
    if rate is None and any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        rate = "learning_rate"
        parameters = {**parameters, rate: inspect.Parameter(rate, inspect.Parameter.KEYWORD_ONLY)}
    return parameters, rate


def _parameters(function: Any, positional: bool) -> tuple[Mapping[str, inspect.Parameter], str | None]:
    """The parameters of a function, and which of them is the learning rate."""
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # built in
        return {}, None
    if "learning_rate" in parameters:
        return parameters, "learning_rate"
    first = next(iter(parameters.values()), None)
    if positional and first is not None and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        return parameters, first.name
    return parameters, None
