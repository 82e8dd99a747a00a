"""Who takes part, and at which rates."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from optax_zoo._checks import is_number
from optax_zoo.animate.article import article
from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.landscapes import Landscape
from optax_zoo.running.entrants import Optimizers, resolve
from optax_zoo.running.errors import RaceError

DEFAULT = ("sgd", "momentum", "nag", "adagrad", "rmsprop", "adadelta", "adam", "nadam", "expectigrad", "novograd")

Entrants = dict[str, tuple[Callable[[Any], Any], Sequence[float]]]


def entrants(optimizers: Optimizers | None, landscape: Landscape, rates: Sequence[float] | None) -> Entrants:
    """A function from a learning rate, and the rates to try, by name.

    Args:
      optimizers: as `resolve` takes them; None for the article's seventeen on the quartic, elsewhere for `DEFAULT`.
      landscape: where they start.
      rates: the grid; None for the listing's own rates.

    Raises:
      AnimationError: for an optimizer that does not exist.
    """
    if optimizers is None and landscape.name == "quartic":
        seventeen = article(landscape.lowest or 0.0)
        return {name: (factory, [rate] if rates is None else rates) for name, (factory, rate) in seventeen.items()}
    try:
        resolved = resolve(DEFAULT if optimizers is None else optimizers)
    except RaceError as error:
        raise AnimationError(str(error)) from None
    return {name: (entrant.factory, rates or ()) for name, entrant in resolved.items()}


def check_rates(rates: Iterable[Any]) -> tuple[float, ...]:
    """The grid in ascending order.

    Raises:
      AnimationError: for anything but a sequence of finite numbers above 0, or an empty one.
    """
    if isinstance(rates, str) or not isinstance(rates, Iterable):
        raise AnimationError(f"rates is {rates!r}, but must be a sequence of numbers above 0.")
    given = list(rates)
    for rate in given:
        if not is_number(rate) or not 0 < rate < float("inf"):
            raise AnimationError(f"rates has {rate!r}, but must hold finite numbers above 0.")
    if not given:
        raise AnimationError("rates is empty, but must hold at least one number above 0.")
    return tuple(sorted(float(rate) for rate in given))
