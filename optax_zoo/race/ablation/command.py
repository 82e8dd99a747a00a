"""`optax-zoo ablate`: the command line of an ablation."""

import dataclasses
from typing import Any

import click

from optax_zoo import _checks
from optax_zoo._options import Optimizer
from optax_zoo.pipeline import SLOTS
from optax_zoo.race.ablation.levels import short_label
from optax_zoo.race.ablation.slot_expressions import SlotExpression, parse
from optax_zoo.race.ablation.study import ablate
from optax_zoo.race.ablation.table import tables
from optax_zoo.race.command import Interrupted, continued, one_task, options, use_devices, written
from optax_zoo.race.engine.lost import noticed
from optax_zoo.race.engine.processes import is_first
from optax_zoo.race.settings import TASK
from optax_zoo.running.errors import RaceError

OUT = "ablation-results"


@dataclasses.dataclass(frozen=True)
class Level:
    """A part for a slot, as it is written on the command line."""

    slot: str
    label: str
    expression: SlotExpression


class SlotLevel(click.ParamType):
    """A slot and a part for it."""

    name = "SLOT[:LABEL]=PART"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Level:
        head, equals, text = value.partition("=")
        slot, _, label = (word.strip() for word in head.partition(":"))
        if not equals:
            self.fail(f"{value!r} must be a slot and a part, such as momentum=none.", param, ctx)
        try:
            _checks.one_of("slot", slot, SLOTS)
            return Level(slot, label, parse(text))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("ablate")
@click.argument("base", type=Optimizer())
@click.option(
    "--task",
    default=TASK,
    show_default=True,
    metavar="NAME|MODULE:OBJECT",
    help="What is trained: a registered task, or your own Task.",
)
@click.option(
    "--slot",
    "levels",
    type=SlotLevel(),
    multiple=True,
    required=True,
    help="A slot and a part for it; LABEL is its short name. Repeat a slot for another level.",
)
@options("search", "samples", "halving", "time-budget", "top")
@click.option("--out", default=OUT, show_default=True, help="Folder for results, pictures and report.html.")
@click.pass_obj
def command(
    arguments: list[str],
    base: str,
    levels: tuple[Level, ...],
    task: str,
    target: float | None,
    distributed: bool,
    coordinator: str | None,
    processes: int | None,
    process_id: int | None,
    out: str,
    **options: Any,
) -> None:
    """Take an algorithm apart: race all combinations of parts in its slots, and say what each part contributes.

    BASE is a registered name, or your own function from a learning rate to a Pipeline, as module:function.

    A PART is written as `optax-zoo show` prints it, root(ema(0.999, of=square), eps=1e-8), or none for an empty slot.
    The algorithm's own part is always among the levels of a slot. Writes the files of a race, with the
    ablation on top of report.html, ablation.json, and effects.png and .svg.
    """
    from rich.console import Console

    given = {name: value for name, value in options.items() if value is not None}
    try:
        use_devices(distributed, coordinator, processes, process_id)
        with noticed():
            ablation = ablate(base, task=one_task(task, target), out=out, **given, **_by_slot(levels))
    except KeyboardInterrupt:
        raise Interrupted(continued("finished batches are kept", arguments, options["resume"])) from None
    except (RaceError, OSError) as error:
        raise click.UsageError(str(error)) from None
    if is_first():
        Console().print(*tables(ablation), sep="\n")
        click.echo(written(out, options["report"]))


def _by_slot(levels: tuple[Level, ...]) -> dict[str, Any]:
    """Levels by slot: a sequence, or a mapping where one has a label of its own.

    Raises:
      RaceError: for a label that is given twice.
    """
    slots: dict[str, Any] = {}
    for slot in dict.fromkeys(level.slot for level in levels):
        given = [level for level in levels if level.slot == slot]
        slots[slot] = _labelled(given) if any(level.label for level in given) else [x.expression for x in given]
    return slots


def _labelled(levels: list[Level]) -> dict[str, SlotExpression]:
    labelled: dict[str, SlotExpression] = {}
    for level in levels:
        if level.label in labelled:
            raise RaceError(f"slot {level.slot} has the label {level.label!r} twice.")
        labelled[level.label or short_label(level.expression, labelled)] = level.expression
    return labelled
