"""The outcome of a race in a few sentences."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from optax_zoo.race.analysis.comparisons import LEAST_SEEDS, Difference, differences
from optax_zoo.race.html import words
from optax_zoo.race.rows import Result, Row
from optax_zoo.race.terminal.formats import column_places

NAME = Markup("<strong>{}</strong>")


def against_best(result: Result) -> dict[str, Difference]:
    """How the first differs from each other that no final seed made diverge, by name, in the order of the ranking."""
    best = result.rows[0].optimizer
    return {each.second: each for each in differences(result) if each.first == best}


def paragraphs(result: Result, found: Mapping[str, Difference]) -> list[Markup]:
    """Who is best, from whom it differs by how much, from whom no difference was found, and who diverged."""
    best = result.rows[0]
    if best.test_metric is None or best.test_metric_interval is None:
        return [Markup("No optimizer came through the race: each of them diverged.")]
    low, high = best.test_metric_interval
    places = column_places([best.test_metric_interval])[0]
    first = Markup("{} has the best test {}: {} (95 % interval {} to {}), at a learning rate of {}.").format(
        NAME.format(best.optimizer),
        result.settings.metric,
        NAME.format(words.number(best.test_metric, places)),
        words.number(low, places),
        words.number(high, places),
        words.rate(best.best_rate),
    )
    others = [_compared(found, result.settings.final_seeds, places), _lost(result.rows)]
    return [first, *filter(None, others)]


def named(names: Sequence[str], last: str = "and") -> Markup:
    """Names in a sentence."""
    marked = [NAME.format(name) for name in names]
    if len(marked) == 1:
        return marked[0]
    return Markup("{} {} {}").format(Markup(", ").join(marked[:-1]), last, marked[-1])


def _compared(found: Mapping[str, Difference], seeds: int, places: int) -> Markup:
    if found and seeds < LEAST_SEEDS:
        return Markup("With {} final seeds no difference can be found; {} at least are needed.").format(
            seeds, LEAST_SEEDS
        )
    alike = [each.second for each in found.values() if not each.found]
    worse = [each for each in found.values() if each.found and each.difference > 0]
    better = [each.second for each in found.values() if each.found and each.difference < 0]
    said = []
    if alike:
        said.append(Markup("No difference was found between it and {}.").format(named(alike, "or")))
    if worse:
        said.append(_worse(worse, places))
    if better:
        said.append(Markup("In the mean, not the interquartile one, {} did better.").format(named(better)))
    return Markup(" ").join(said)


def _worse(worse: Sequence[Difference], places: int) -> Markup:
    """By how much it is better than the next, and than how many others."""
    nearest, *others = worse
    rest = Markup(" and than {} others").format(len(others)) if len(others) > 1 else Markup("")
    if len(others) == 1:
        rest = Markup(" and than {}").format(NAME.format(others[0].second))
    by = words.number(abs(nearest.difference), places)
    return Markup("It is better than {} by {} ({}){}.").format(
        NAME.format(nearest.second), by, words.probability(nearest.p_value), rest
    )


def _lost(rows: Sequence[Row]) -> Markup:
    everywhere = [row.optimizer for row in rows if row.best_rate is None]
    at_seeds = [row.optimizer for row in rows if row.best_rate is not None and row.test_metric is None]
    said = []
    if at_seeds:
        said.append(Markup("{} diverged at a final seed.").format(named(at_seeds)))
    if everywhere:
        said.append(Markup("{} diverged at every learning rate.").format(named(everywhere)))
    return Markup(" ").join(said)
