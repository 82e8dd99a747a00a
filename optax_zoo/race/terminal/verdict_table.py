"""The table of what a race shows about differences."""

from collections.abc import Iterator
from typing import Any

from optax_zoo.race.analysis.comparisons import Difference, least_seeds
from optax_zoo.race.analysis.verdicts import Standing, Verdict
from optax_zoo.race.rows import Raced
from optax_zoo.race.settings import FINAL_SEEDS
from optax_zoo.race.terminal.formats import column_places, number
from optax_zoo.running.extent import TOP, cut, some
from optax_zoo.running.tables import empty_table

MOST_COPIES = 5  # pairs that are named


def verdict_table(result: Raced, standing: Standing, top: int = TOP) -> Any:
    """Tiers, and by how much each optimizer is behind the best, as a `rich.table.Table`; None for fewer than two.

    Args:
      result: of a race.
      standing: what follows from it.
      top: the number of rows, 0 for all; of the others only the tier is said.
    """
    from rich.text import Text

    if not standing.pairs:
        return None
    best = result.rows[0].optimizer
    headings = (f"behind {best}\n[95 %]", "p", "verdict")
    table = empty_table(
        f"Who can be told apart from {best}", "\n".join(_caption(result, standing, top)), ("optimizer",), ("tier",)
    )
    for heading in headings:
        table.add_column(Text(heading), justify="left" if heading == "verdict" else "right")
    pairs = [verdict.against_best for verdict in standing.verdicts]
    places = column_places([None if pair is None else pair.interval for pair in pairs])
    tiers = [verdict.tier for verdict in standing.verdicts]
    rows = zip(standing.verdicts, places, [*tiers[1:], tiers[-1]], strict=True)
    for verdict, digits, following in cut(list(rows), top):
        table.add_row(*map(Text, _cells(verdict, digits)), end_section=verdict.tier != following)
    return table


def heading(standing: Standing) -> str:
    """What a race does not show, in a sentence; empty with a single optimizer."""
    if not standing.pairs:
        return ""
    first, *others = standing.tiers
    found, of = standing.told_apart
    told = f"{found} of {of} pairs of different algorithms are told apart."
    if not others and len(first) > 1:
        return f"None can be told apart from the best, {first[0]}. {told}"
    if len(first) == 1:
        return f"{first[0]} stands alone in the first of {len(others) + 1} tiers. {told}"
    return f"Cannot be told apart from the best, {first[0]}: {some(first[1:])}. {told}"


def difference(pair: Difference, places: int) -> str:
    """By how much the first is ahead, and its interval."""
    low, high = pair.interval
    return f"{number(pair.difference, places)} [{number(low, places)},\N{NO-BREAK SPACE}{number(high, places)}]"


def noise_floor(standing: Standing) -> Iterator[str]:
    """How copies of one algorithm differ."""
    for pair in standing.noise:
        places = column_places([pair.interval])[0]
        yield f"{pair.first} and {pair.second} by {difference(pair, places)}"


def _cells(verdict: Verdict, places: int) -> Iterator[str]:
    pair = verdict.against_best
    yield verdict.optimizer
    yield "-" if verdict.tier is None else f"{verdict.tier}"
    yield "-" if pair is None else difference(pair, places)
    yield "-" if pair is None else "<0.001" if pair.p_value < 1e-3 else f"{pair.p_value:.2g}"
    yield verdict.words


def _others(standing: Standing, top: int) -> Iterator[str]:
    """The names below the cut, a line for each tier."""
    shown = {verdict.optimizer for verdict in cut(standing.verdicts, top)}
    for tier, names in enumerate(standing.tiers, 1):
        left = [name for name in names if name not in shown]
        if left:
            further = "Also in" if len(left) < len(names) else "In"
            yield f"{further} tier {tier} ({len(left)}): {', '.join(left)}."


def _caption(result: Raced, standing: Standing, top: int) -> Iterator[str]:
    seeds = result.settings.final_seeds
    yield from _others(standing, top)
    if seeds < least_seeds(result):
        yield f"No difference can be found with {seeds} final seeds; {least_seeds(result)} at least are needed."
    elif standing.told_apart[1] and not standing.told_apart[0] and seeds < FINAL_SEEDS:
        yield f"No difference was found with {seeds} final seeds; more find more, and many optimizers need more."
    chance = " and for chance in the choice of the rates" if any(r.contender_rates for r in result.rows) else ""
    yield (
        f"Behind: mean difference over {seeds} final seeds, with the 95 % interval of this difference alone. p: paired "
        f"permutation test, corrected for all {len(standing.pairs)} pairs{chance}; at 0.05 or above no difference was "
        "found. A tier holds all that were not found worse than its first."
    )
    floor = list(noise_floor(standing))
    if len(floor) > MOST_COPIES:
        floor[MOST_COPIES:] = [f"and {len(floor) - MOST_COPIES} other pairs"]
    if floor:
        yield f"Noise floor, since these are one algorithm and differ by chance: {'; '.join(floor)}."
