"""The outcome of a race in a few sentences."""

from collections.abc import Sequence

from markupsafe import Markup

from optax_zoo.race.analysis.comparisons import Difference, least_seeds
from optax_zoo.race.analysis.verdicts import Standing
from optax_zoo.race.html import words
from optax_zoo.race.results import Result
from optax_zoo.race.rows import WORSENED, Row
from optax_zoo.race.terminal.formats import column_places

NAME = Markup("<strong>{}</strong>")
MOST_NAMES, MOST_TIERS, MOST_COPIES = 12, 3, 5  # that are written out


def paragraphs(result: Result, found: Standing) -> list[Markup]:
    """Which optimizer is best, how it differs from the others, which cannot be told apart, and which diverged."""
    best = result.rows[0]
    if best.test_metric is None or best.test_metric_interval is None:
        return [Markup("No optimizer finished the race: all of them diverged.")]
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
    seeds = result.settings.final_seeds
    enough = seeds >= least_seeds(result)
    others = [_compared(found, result, places), _tiers(found, enough), _noise(found), _worsened(result)]
    return [first, *filter(None, [*others, _lost(result.rows)])]


def named(names: Sequence[str], last: str = "and") -> Markup:
    """Names in a sentence, the first of many."""
    marked = [NAME.format(name) for name in names]
    if len(marked) > MOST_NAMES + 1:
        marked = [*marked[:MOST_NAMES], Markup("{} others").format(len(marked) - MOST_NAMES)]
    if len(marked) == 1:
        return marked[0]
    return Markup("{} {} {}").format(Markup(", ").join(marked[:-1]), last, marked[-1])


def _tiers(found: Standing, enough: bool) -> Markup:
    """How many pairs are told apart, and how many tiers there are."""
    told, of = found.told_apart
    if not of or not enough:
        return Markup("")
    tiers = [Markup("{}: {}").format(number, named(names)) for number, names in enumerate(found.tiers, 1)]
    if len(tiers) > MOST_TIERS + 1:
        tiers[MOST_TIERS:] = [Markup("and so on to {}, see the table").format(len(tiers))]
    said = Markup("{} of {} pairs of different algorithms can be told apart.").format(told, of)
    if len(tiers) == 1:
        return said
    return Markup("{} Tiers, each holding all that were not found worse than its first: {}.").format(
        said, Markup("; ").join(tiers)
    )


def _noise(found: Standing) -> Markup:
    """What copies of one algorithm differ by."""
    if not found.noise:
        return Markup("")
    pairs = [
        Markup("{} and {} by {} ({})").format(
            NAME.format(pair.first), NAME.format(pair.second), *_figures(pair, column_places([pair.interval])[0])
        )
        for pair in found.noise
    ]
    if len(pairs) > MOST_COPIES + 1:
        pairs[MOST_COPIES:] = [Markup("and {} other pairs").format(len(pairs) - MOST_COPIES)]
    return Markup("The noise floor of this race, since these are one algorithm and differ by chance: {}.").format(
        Markup("; ").join(pairs)
    )


def _figures(pair: Difference, places: int) -> tuple[str, str]:
    ends = words.interval(pair.interval, places)
    return f"{words.number(pair.difference, places)} {ends}", words.probability(pair.p_value)


def _worsened(result: Result) -> Markup:
    """The optimizers that tuning has made worse."""
    names = [row.optimizer for row in result.rows if any(note.startswith(WORSENED) for note in row.notes)]
    if not names:
        return Markup("")
    return Markup("Tuned, {} did worse at the fresh seeds than at the default rate: see the notes.").format(
        named(names)
    )


def _compared(found: Standing, result: Result, places: int) -> Markup:
    seeds = result.settings.final_seeds
    if found.pairs and seeds < least_seeds(result):
        return Markup("With {} final seeds no difference can be found; {} at least are needed.").format(
            seeds, least_seeds(result)
        )
    pairs = [verdict.against_best for verdict in found.verdicts if verdict.against_best is not None]
    copies = [each.second for each in pairs if each.same]
    alike = [each.second for each in pairs if not each.found and not each.same]
    worse = [each for each in pairs if each.found and each.difference > 0]
    better = [each.second for each in pairs if each.found and each.difference < 0]
    said = []
    if alike:
        said.append(Markup("No difference was found between it and {}.").format(named(alike, "or")))
    if copies:
        said.append(Markup("{} the same algorithm.").format(named(copies) + (" is" if len(copies) == 1 else " are")))
    if worse:
        said.append(_worse(worse, places))
    if better:
        said.append(Markup("By the plain mean, not the interquartile mean, {} did better.").format(named(better)))
    return Markup(" ").join(said)


def _worse(worse: Sequence[Difference], places: int) -> Markup:
    """By how much it is better than the next, and how many others it beats."""
    nearest, *others = worse
    rest = Markup(" and than {} others").format(len(others)) if len(others) > 1 else Markup("")
    if len(others) == 1:
        rest = Markup(" and than {}").format(NAME.format(others[0].second))
    by, p_value = _figures(nearest, places)
    return Markup("It is better than {} by {} ({}){}.").format(NAME.format(nearest.second), by, p_value, rest)


def _lost(rows: Sequence[Row]) -> Markup:
    everywhere = [row.optimizer for row in rows if row.best_rate is None and not row.failure]
    at_seeds = [row.optimizer for row in rows if row.best_rate is not None and row.test_metric is None]
    said = []
    if at_seeds:
        said.append(Markup("{} diverged at a final seed.").format(named(at_seeds)))
    if everywhere:
        said.append(Markup("{} diverged at every learning rate.").format(named(everywhere)))
    failed = [Markup("{} ({})").format(NAME.format(row.optimizer), row.failure) for row in rows if row.failure]
    if failed:
        said.append(Markup("Could not run: {}.").format(Markup("; ").join(failed)))
    return Markup(" ").join(said)
