"""`optax-zoo report`: the report of races, remade from their folders."""

from pathlib import Path

import click

from optax_zoo.race import html
from optax_zoo.race.ablation.page import lead
from optax_zoo.race.ablation.plots import draw_effects
from optax_zoo.race.ablation.record import load
from optax_zoo.race.exports.latex import latex
from optax_zoo.race.exports.records import text_of, written
from optax_zoo.race.plots import draw
from optax_zoo.race.races import folder_of
from optax_zoo.race.results import Result
from optax_zoo.race.storage.folders import collect
from optax_zoo.running.errors import RaceError
from optax_zoo.running.out import check_out

NAME = "report.html"
HTML, CSV, LATEX = "html", "csv", "latex"


@click.command("report")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option(
    "--format",
    "kind",
    type=click.Choice((HTML, CSV, LATEX)),
    default=HTML,
    show_default=True,
    help="A report, or the tables alone as comma-separated values or for a paper.",
)
@click.option(
    "--out",
    metavar="FILE|FOLDER",
    help="Where it goes.  [default: report.html in the first folder; csv and latex are printed]",
)
@click.option("--animation/--no-animation", default=True, show_default=True, help="Paths on functions of two numbers.")
def command(folders: tuple[str, ...], kind: str, out: str | None, animation: bool) -> None:
    """Write the report of races as one HTML file, and its figures beside it as PNG and SVG; or print their tables.

    A FOLDER is one that `race` wrote, for one task or for several. Races on the same task are merged if their settings
    are the same.
    """
    try:
        check_out(out)
        results = collect(folders)
        if kind == HTML:
            _report(folders, results, _path(folders[0] if out is None else out), animation)
        else:
            text = text_of(results) if kind == CSV else "\n".join(map(latex, results))
            click.echo(written(text, out), nl=False)
    except (RaceError, OSError) as error:
        raise click.UsageError(str(error)) from None


def _report(folders: tuple[str, ...], results: tuple[Result, ...], path: Path, animation: bool) -> None:
    """Writes the report and draws its figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ablation = load(folders[0], results[0]) if len(folders) == len(results) == 1 else None
    html.write(results, path, animation=animation, lead=None if ablation is None else lead(ablation))
    _draw(results, path.parent)
    if ablation is not None:
        draw_effects(ablation, path.parent)
    click.echo(f"Report: {path}")


def _path(out: str) -> Path:
    """The file to write; a name that does not end in .html is that of a folder."""
    path = Path(out)
    return path if path.suffix.lower() in (".html", ".htm") else path / NAME


def _draw(results: tuple[Result, ...], folder: Path) -> None:
    """Draws the figures of a single race in the folder itself, those of several in a folder each."""
    for result in results:
        place = folder if len(results) == 1 else folder / folder_of(result.settings.task)
        place.mkdir(exist_ok=True)
        draw(result, place)
