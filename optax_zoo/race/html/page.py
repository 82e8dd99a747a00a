"""What the template is filled with."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optax_zoo.race.analysis.summary import Summary, summarize
from optax_zoo.race.html import palette, profiles, protocol, sections, trajectories, words
from optax_zoo.race.html.figures import Figure
from optax_zoo.race.html.lead import Lead
from optax_zoo.race.html.overview import overview
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.sections import Measured
from optax_zoo.race.results import Result

RESERVED = ("main", "answer", "profiles", "descents", "trajectories", "optimizers", "protocol", "record", "scheme")


def context(results: Sequence[Result], animation: bool, lead: Lead | None = None) -> dict[str, Any]:
    """The variables of the template."""
    prefixes = [""] if len(results) == 1 else [f"task-{number}-" for number in range(1, len(results) + 1)]
    races = [Measured.of(result, prefix) for result, prefix in zip(results, prefixes, strict=True)]
    summary = summarize(results)
    raced = [row.optimizer for result in results for row in result.rows]
    order = summary.optimizers if len(results) > 1 else ()
    names = list(dict.fromkeys([*order, *raced]))
    looks = palette.looks(names)
    anchors = sections.anchors(names, [*RESERVED, *([lead.id] if lead else [])])
    return {
        "lead": lead,
        "title": lead.title if lead else _title(results, names),
        "subtitle": _subtitle(results),
        "tasks": [sections.task_section(each, looks, anchors) for each in races],
        "overview": overview(summary, results, looks, anchors) if len(results) > 1 else None,
        "profiles": [each for each in (profiles.scores(summary, looks), _steps(summary, looks)) if each],
        "improvement": profiles.improvement(summary),
        "descents": trajectories.figure(results, looks) if animation else None,
        "pages": sections.pages(races, looks, anchors),
        "protocols": [(result.settings.task, protocol.protocol(result.settings)) for result in results],
        "definitions": protocol.definitions(),
        "records": [(result.settings.task, _record(result)) for result in results],
        "scheme": palette.scheme(),
    }


def _steps(summary: Summary, looks: Mapping[str, Look]) -> Figure | None:
    """Over a single task there is nothing to count."""
    return profiles.steps(summary, looks) if len(summary.tasks) > 1 else None


def _title(results: Sequence[Result], names: Sequence[str]) -> str:
    tasks = results[0].settings.task if len(results) == 1 else words.count(len(results), "task")
    return f"{words.count(len(names), 'optimizer')} on {tasks}"


def _subtitle(results: Sequence[Result]) -> str:
    if len(results) == 1:
        return sections.subtitle(results[0].settings)
    return words.listed(result.settings.task for result in results)


def _record(result: Result) -> list[tuple[str, str]]:
    """Versions, machine and command, one after the other."""
    entries = []
    for key, value in result.record.items():
        if isinstance(value, dict):
            entries += [_readable(name, item) for name, item in value.items()]
        else:
            entries.append((key, value if isinstance(value, str) else json.dumps(value)))
    return entries


def _readable(name: str, value: Any) -> tuple[str, str]:
    if name == "memory_bytes":
        return "memory", f"{value / 2**30:.1f} GiB"
    return name, str(value)
