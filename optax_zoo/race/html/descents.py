"""The raced optimizers on functions of two numbers."""

import dataclasses
from collections.abc import Iterable, Sequence

from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.landscapes import LANDSCAPES, Landscape
from optax_zoo.animate.paths import RATES, Path, follow
from optax_zoo.race.engine.protocol import own_values
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.running.entrants import Entrant, resolve
from optax_zoo.running.errors import RaceError

NAMES = ("beale", "rosenbrock")


@dataclasses.dataclass(frozen=True)
class Descents:
    """The paths on one landscape."""

    landscape: Landscape
    paths: tuple[Path, ...]


def descend(results: Sequence[Result], names: Iterable[str]) -> tuple[list[Descents], list[str]]:
    """The paths of those that can run from their names alone, each at the rate that suits it, and the other names.

    A function that a user raced under the name of another optimizer is known by its composition.
    """
    raced = {row.optimizer: (row, result.settings) for result in results for row in result.rows}
    known = {name: _entrant(*raced[name]) for name in names}
    paths = {name: _paths(name, entrant) for name, entrant in known.items() if entrant}
    able = {name: each for name, each in paths.items() if each}
    descents = [
        Descents(LANDSCAPES[landscape], tuple(each[place] for each in able.values()))
        for place, landscape in enumerate(NAMES)
    ]
    return descents, [name for name in known if name not in able]


def _entrant(row: Row, settings: Settings) -> Entrant | None:
    try:
        entrant = resolve([row.optimizer])[row.optimizer]
    except RaceError:
        return None
    rate = settings.rates[0] if row.best_rate is None else row.best_rate
    expected = entrant.composition(rate, {**own_values(entrant, settings), **row.best_values})
    return entrant if expected == row.composition else None


def _paths(name: str, entrant: Entrant) -> list[Path]:
    """One for each landscape; none if the optimizer needs more than these give it."""
    try:
        return [follow(name, entrant.at, RATES, each, each.steps) for each in map(LANDSCAPES.__getitem__, NAMES)]
    except AnimationError:
        return []
