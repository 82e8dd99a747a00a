"""The parts of the page: a section for each task, and one for each optimizer."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from optax_zoo.race.analysis import views
from optax_zoo.race.analysis.verdicts import standing
from optax_zoo.race.analysis.views import Band
from optax_zoo.race.html import answer, curves, ranking, sensitivity, words
from optax_zoo.race.html.figures import Figure
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Table
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings


@dataclasses.dataclass(frozen=True)
class Measured:
    """A race with the bands of its figures."""

    result: Result
    prefix: str
    curves: Mapping[str, Band]
    rates: Mapping[str, Band]

    @classmethod
    def of(cls, result: Result, prefix: str) -> "Measured":
        """Computes the bands once for all figures."""
        seen = {row.optimizer: views.curve(row) for row in result.rows if row.curve_validation_metric}
        return cls(result, prefix, seen, {row.optimizer: views.sensitivity(row) for row in result.rows})


@dataclasses.dataclass(frozen=True)
class TaskSection:
    """The outcome on one task."""

    id: str
    title: str
    subtitle: str
    paragraphs: Sequence[Markup]
    ranking: Figure
    table: Table
    figures: Sequence[tuple[str, str, Figure]]


@dataclasses.dataclass(frozen=True)
class Entry:
    """What one optimizer did on one task."""

    task: str
    facts: Sequence[tuple[str, str]]
    composition: str
    figures: Sequence[Figure]


@dataclasses.dataclass(frozen=True)
class Page:
    """All that is known of one optimizer."""

    id: str
    look: Look
    summary: str
    entries: Sequence[Entry]


def task_section(measured: Measured, looks: Mapping[str, Look], anchors: Mapping[str, str]) -> TaskSection:
    """Answer, ranking, table, curves and sensitivity of one race."""
    result, prefix = measured.result, measured.prefix
    found = standing(result)
    settings = result.settings
    return TaskSection(
        id=f"{prefix}task",
        title=settings.task,
        subtitle=subtitle(settings),
        paragraphs=answer.paragraphs(result, found),
        ranking=ranking.figure(result, looks, prefix),
        table=ranking.table(result, found, looks, anchors),
        figures=[
            (f"{prefix}learning", "Learning curves", curves.figure(result, looks, prefix, measured.curves)),
            (f"{prefix}rate", "Sensitivity to the learning rate", _sensitivity(measured, looks)),
        ],
    )


def pages(races: Sequence[Measured], looks: Mapping[str, Look], anchors: Mapping[str, str]) -> list[Page]:
    """A page for each optimizer, in the order of the looks."""
    return [_page(look, anchors[name], races, looks) for name, look in looks.items()]


def families(pages: Sequence[Page]) -> list[tuple[str, list[Page]]]:
    """The pages by family, in the order of their best; of few optimizers in a single group without a name."""
    if not any(page.look.many for page in pages):
        return [("", list(pages))]
    groups: dict[str, list[Page]] = {}
    for page in pages:
        groups.setdefault(page.look.family, []).append(page)
    return list(groups.items())


def subtitle(settings: Settings) -> str:
    """A race in a line."""
    budget = f"{settings.budget} of {words.count(settings.batch_size, 'example')}"
    return f"{budget}, {words.count(settings.final_seeds, 'final seed')}, metric: {settings.metric}"


def anchors(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A unique identifier for each name, as close to it as possible."""
    used, chosen = set(taken), {}
    for name in names:
        slug = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-") or "optimizer"
        while slug in used:
            slug += "-"
        used.add(slug)
        chosen[name] = slug
    return chosen


def _sensitivity(measured: Measured, looks: Mapping[str, Look]) -> Figure:
    return sensitivity.figure(measured.result, looks, measured.prefix, measured.rates)


def _page(look: Look, anchor: str, races: Sequence[Measured], looks: Mapping[str, Look]) -> Page:
    taken = [each for each in races if any(row.optimizer == look.name for row in each.result.rows)]
    entries = [_entry(each, each.result[look.name], f"{each.prefix}{anchor}-", looks) for each in taken]
    return Page(anchor, look, "; ".join(_summary(each.result, look.name, len(races) > 1) for each in taken), entries)


def _summary(result: Result, name: str, several: bool) -> str:
    row = result[name]
    lost = "could not run" if row.failure else "diverged"
    said = lost if row.test_metric is None else f"test {result.settings.metric} {words.number(row.test_metric)}"
    return f"{result.settings.task}: {said}" if several else said


def _entry(measured: Measured, row: Row, prefix: str, looks: Mapping[str, Look]) -> Entry:
    own = measured.prefix
    figures = [sensitivity.single(row, measured.result, looks, prefix, f"{own}sensitivity", measured.rates)]
    if row.failure:
        figures = []
    if row.optimizer in measured.curves:
        figures.insert(0, curves.single(row, looks, prefix, f"{own}curves", measured.curves))
    return Entry(measured.result.settings.task, _facts(row, measured.result), row.composition, figures)


def _facts(row: Row, result: Result) -> list[tuple[str, str]]:
    settings = result.settings
    if row.failure:
        return [("Could not run", row.failure)]
    default = views.at_defaults(row)
    facts = [
        ("Tuned learning rate", words.rate(row.best_rate) if row.best_rate else "none: diverged at every rate"),
        *[(f"Tuned {name}", f"{value:.4g}") for name, value in row.best_values.items()],
        (f"Test {settings.metric}, tuned", _tuned(row)),
    ]
    if row.default_rate is None:
        facts.append(("At defaults", "it has no default learning rate"))
    else:
        figure = "diverged" if default is None else f"{words.number(default[0])} {words.interval(default[1:])}"
        facts.append((f"Test {settings.metric}, at defaults", f"{figure}, rate {words.rate(row.default_rate)}"))
    if row.untrained_test_metric is not None:
        facts.append((f"Test {settings.metric}, untrained", words.number(row.untrained_test_metric)))
    if settings.target is not None and row.best_rate is not None:
        steps = "not reached" if row.steps_to_target is None else f"{row.steps_to_target:g}"
        facts.append((f"Steps to {settings.target:g}", f"{steps} (by seed: {_by_seed(row)})"))
    if row.state_bytes is not None:
        facts.append(("State", f"{words.short_number(row.state_bytes)} bytes per parameter"))
    facts.append(("Time", f"{row.seconds:.1f} s"))
    return [*facts, *([("Notes", "; ".join(row.notes))] if row.notes else [])]


def _tuned(row: Row) -> str:
    if row.test_metric is None or row.test_metric_interval is None:
        return "diverged"
    return f"{words.number(row.test_metric)} {words.interval(row.test_metric_interval)}"


def _by_seed(row: Row) -> str:
    return ", ".join(words.MISSING if steps is None else f"{steps:g}" for steps in row.final_steps_to_target)
