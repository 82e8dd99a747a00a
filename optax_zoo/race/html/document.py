"""The page as a whole, written to a file that needs no other."""

import base64
import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from optax_zoo.race.analysis.summary import Summary, summarize
from optax_zoo.race.html import palette, profiles, protocol, sections, trajectories, words
from optax_zoo.race.html.figures import Figure
from optax_zoo.race.html.overview import overview
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.sections import Measured
from optax_zoo.race.html.tables import Table
from optax_zoo.race.results import Result
from optax_zoo.race.storage.lines import write as write_text
from optax_zoo.running.errors import RaceError, require

HERE = Path(__file__).parent
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
SCRIPTS = ("page", "tables", "charts", "figures", "filter")
RESERVED = (
    "main",
    "answer",
    "profiles",
    "descents",
    "trajectories",
    "optimizers",
    "protocol",
    "record",
    "scheme",
    "filter",
    "known",
)


@dataclasses.dataclass(frozen=True)
class Lead:
    """The first section of a report, before the race.

    Attributes:
      kind: what the report is of, over its title.
      title: of the report.
      id: of the section.
      heading: of the section.
      paragraphs: the outcome in a few sentences.
      parts: headings, each with a figure, if there is one, and a table.
      race: the heading of the race that follows.
    """

    kind: str
    title: str
    id: str
    heading: str
    paragraphs: Sequence[Markup]
    parts: Sequence[tuple[str, Figure | None, Table]]
    race: str


def write(
    results: Sequence[Result], path: str | os.PathLike[str], *, animation: bool = True, lead: Lead | None = None
) -> None:
    """Writes the report of races as one HTML file, which needs no network; a kill leaves the old or the new one.

    Args:
      results: one for each task.
      path: of the file.
      animation: whether the optimizers are animated on functions of two numbers, which takes some seconds.
      lead: what comes before the race, such as the effects of an ablation.

    Raises:
      RaceError: without results, for two on the same task, if no optimizer took part in all tasks, or if the file
        cannot be written.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    write_text(Path(path), render(results, animation=animation, lead=lead))


def render(results: Sequence[Result], *, animation: bool = True, lead: Lead | None = None) -> str:
    """The text of the page; arguments and errors are those of `write`, except for the file."""
    require("jinja2")
    if not results:
        raise RaceError("results is empty, but must hold at least one.")
    return _environment().get_template("report.html").render(**_assets(), **context(results, animation, lead))


def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["data"] = embedded
    environment.filters["tidy"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    return environment


def embedded(value: Any) -> Markup:
    """JSON for a `script` element, which no text in it can end or change."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _assets() -> dict[str, Any]:
    """Styles and scripts, and the policy by which a browser runs only these scripts and loads nothing.

    Code from strings is allowed because browser drivers need it to wait for something.
    """
    scripts = [(HERE / "assets" / f"{name}.js").read_text() for name in SCRIPTS]
    scripts = [text.replace("</script", "<\\/script").strip("\n") for text in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(x.encode()).digest()).decode()}'" for x in scripts)
    return {
        "style": Markup((HERE / "assets" / "report.css").read_text()),
        "hues": list(zip(palette.LIGHT, palette.DARK, strict=True)),
        "scripts": [Markup(text) for text in scripts],
        "policy": f"{POLICY}; script-src {hashes} 'unsafe-eval'",
    }


def context(results: Sequence[Result], animation: bool, lead: Lead | None = None) -> dict[str, Any]:
    """The variables of the template."""
    prefixes = [""] if len(results) == 1 else [f"task-{number}-" for number in range(1, len(results) + 1)]
    races = [Measured.of(result, prefix) for result, prefix in zip(results, prefixes, strict=True)]
    summary = summarize(results)
    raced = [row.optimizer for result in results for row in result.rows]
    order = summary.optimizers if len(results) > 1 else ()
    names = list(dict.fromkeys([*order, *raced]))
    looks = palette.looks(names)
    pages_taken = [*RESERVED, *([lead.id] if lead else [])]
    anchors = sections.anchors(names, pages_taken)
    return {
        "lead": lead,
        "title": lead.title if lead else _title(results, names),
        "subtitle": _subtitle(results),
        "tasks": [sections.task_section(each, looks, anchors) for each in races],
        "overview": overview(summary, results, looks, anchors) if len(results) > 1 else None,
        "profiles": [each for each in (profiles.scores(summary, looks), _steps(summary, looks)) if each],
        "improvement": profiles.improvement(summary),
        "descents": trajectories.figure(results, looks) if animation else None,
        "families": sections.families(sections.pages(races, looks, anchors)),
        "known": [(look.number, look.name, look.family) for look in looks.values()],
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
