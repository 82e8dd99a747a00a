"""The outcome over several tasks: answer, ranking and table."""

import dataclasses
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from optax_zoo.race.analysis.summary import Scores, Summary
from optax_zoo.race.html import dots, words
from optax_zoo.race.html.answer import NAME, named
from optax_zoo.race.html.dots import Estimates
from optax_zoo.race.html.figures import Figure, layout
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.ranking import LINK, family_cell
from optax_zoo.race.html.tables import Cell, Column, Table, figures
from optax_zoo.race.results import Result
from optax_zoo.race.terminal.formats import column_places


@dataclasses.dataclass(frozen=True)
class Overview:
    """What the page opens on after races on several tasks."""

    paragraphs: Sequence[Markup]
    ranking: Figure
    table: Table


def overview(
    summary: Summary, results: Sequence[Result], looks: Mapping[str, Look], anchors: Mapping[str, str]
) -> Overview:
    """The answer over all tasks."""
    return Overview(_paragraphs(summary), _ranking(summary, looks), _table(summary, results, looks, anchors))


def _paragraphs(summary: Summary) -> list[Markup]:
    best, *others = summary.optimizers
    value, low, high = summary.scores[best].overall
    places = column_places([(low, high)])[0]
    first = Markup(
        "{} does best over {} tasks: a score of {} (95 % interval {} to {}), where 0 is the untrained "
        "model and 1 the best optimizer of each task."
    ).format(
        NAME.format(best),
        len(summary.tasks),
        NAME.format(words.number(value, places)),
        words.number(low, places),
        words.number(high, places),
    )
    second = Markup("Its mean rank is {}.").format(f"{summary.mean_rank[best]:.1f}")
    return [first, Markup(" ").join([second, *_compared(summary, best, others), *_left_out(summary)])]


def _compared(summary: Summary, best: str, others: Sequence[str]) -> list[Markup]:
    """Which its runs beat more often than not, by the intervals of the probability of improvement."""
    beats = {name: summary.improvement[best, name] for name in others}
    surely = [name for name, each in beats.items() if each.low > 0.5]
    alike = [name for name, each in beats.items() if each.low <= 0.5 <= each.high]
    lost = [name for name, each in beats.items() if each.high < 0.5]
    said = []
    if alike:
        said.append(Markup("No difference was found between it and {}.").format(named(alike, "or")))
    if surely:
        value, low, high = beats[surely[0]]
        rest = f", and those of {words.count(len(surely) - 1, 'other')} more often than not" if surely[1:] else ""
        said.append(
            Markup("A run of it beats one of {} with a probability of {} ({} to {}){}.").format(
                NAME.format(surely[0]), f"{value:.2f}", f"{low:.2f}", f"{high:.2f}", rest
            )
        )
    if lost:
        said.append(Markup("Its runs lose to those of {} more often than not.").format(named(lost)))
    return said


def _left_out(summary: Summary) -> list[Markup]:
    if not summary.left_out:
        return []
    return [Markup("Left out here because not raced on every task: {}.").format(named(summary.left_out))]


def _ranking(summary: Summary, looks: Mapping[str, Look]) -> Figure:
    overall = {name: summary.scores[name].overall for name in summary.optimizers[: dots.MOST]}
    estimates: Estimates = {name: (each.value, each.low, each.high) for name, each in overall.items()}
    within = dots.limits(estimates)
    said = [
        f"{name} {words.number(each.value, 3)} {words.interval((each.low, each.high), 3)}"
        for name, each in overall.items()
    ]
    height = 90 + dots.LINE * len(estimates)
    return Figure(
        id="overall-ranking",
        caption=f"Score over all runs of {len(summary.tasks)} tasks: interquartile mean (marker) and 95 % bootstrap "
        "interval (bar), the seeds of each task drawn anew." + dots.which(len(overall), len(summary.optimizers)),
        alternative=f"Ranking by score over all tasks, the best first. {'; '.join(said)}.",
        traces=dots.points(estimates, looks, within),
        layout=layout(
            annotations=dots.notes(estimates, str, within),
            margin=dict(l=8, r=12, t=8, b=46),
            xaxis=dict(title="score (0: untrained, 1: best of each task)", range=within, nticks=6),
            yaxis=dots.names(estimates),
            dragmode=False,
        ),
        height=height,
        narrow_height=height,
    )


def _table(summary: Summary, results: Sequence[Result], looks: Mapping[str, Look], anchors: Mapping[str, str]) -> Table:
    best = summary.optimizers[0]
    timed = any(reached is not None for reached in summary.scores[best].reached)
    columns = [
        Column("Rank", sort="ascending"),
        Column("Optimizer", numeric=False),
        Column("Family", numeric=False),
        Column("Score", "IQM [95 %]"),
        Column("Mean rank"),
        Column("Beats the best", "probability [95 %]"),
        *([Column("Targets", "reached")] if timed else []),
        *[Column(result.settings.task, f"test {result.settings.metric}") for result in results],
    ]
    places = column_places([(scores.overall.low, scores.overall.high) for scores in summary.scores.values()])
    rows = []
    for rank, (name, digits) in enumerate(zip(summary.optimizers, places, strict=True), 1):
        value, low, high = summary.scores[name].overall
        rows.append(
            (
                figures(float(rank), str(rank)),
                Cell(LINK.format(anchors[name], name), name),
                family_cell(looks[name]),
                figures(value, words.number(value, digits), words.interval((low, high), digits)),
                figures(summary.mean_rank[name], f"{summary.mean_rank[name]:.1f}"),
                _beats(summary, name, best),
                *([_reached(summary.scores[name])] if timed else []),
                *[_metric(result, name) for result in results],
            )
        )
    caption = f"All optimizers over {len(summary.tasks)} tasks, the best first. Select a heading to sort."
    return Table(caption, tuple(columns), tuple(rows), heading=1, sortable=True, rowed=True)


def _beats(summary: Summary, name: str, best: str) -> Cell:
    if name == best:
        return Cell(words.MISSING)
    value, low, high = summary.improvement[name, best]
    return figures(value, f"{value:.2f}", words.interval((low, high), 2))


def _reached(scores: Scores) -> Cell:
    known = [reached for reached in scores.reached if reached is not None]
    return figures(float(sum(known)), f"{sum(known)} of {len(known)}")


def _metric(result: Result, name: str) -> Cell:
    row = result[name]
    places = column_places([row.test_metric_interval])[0]
    lost = "could not run" if row.failure else "diverged"
    return figures(row.test_metric, lost if row.test_metric is None else words.number(row.test_metric, places))
