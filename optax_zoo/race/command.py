"""`optax-zoo race`: the command line of a race."""

import os
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import click

from optax_zoo._options import Names, Optimizers, Rates
from optax_zoo.race.engine import processes
from optax_zoo.race.engine.lost import noticed
from optax_zoo.race.races import ALL, by_name, race_tasks
from optax_zoo.race.results import Result
from optax_zoo.race.runner import race
from optax_zoo.race.settings import FINAL_SEEDS, MAPPINGS, SCHEDULES, SEEDS, TASK
from optax_zoo.race.task import Task
from optax_zoo.running.errors import RaceError
from optax_zoo.running.extent import TOP
from optax_zoo.running.selectors import SELECTORS
from optax_zoo.spelling import FORMS


class Interrupted(click.ClickException):
    """Ctrl-C during a race."""

    exit_code = 130


class Range(click.ParamType):
    """A hyperparameter and its range."""

    name = "NAME=LOW..HIGH[:log]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        found = re.fullmatch(r"\s*(\w+)\s*=\s*(.+?)\.\.(.+?)(:log)?\s*", value)
        try:
            name, low, high, log = found.groups() if found else ("", "", "", "")
            return name, (float(low), float(high), *(["log"] if log else []))
        except ValueError:
            self.fail(f"{value!r} must be a name and a range, such as b1=0.8..0.99 or eps=1e-10..1e-4:log.", param, ctx)


def options(*left_out: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that a race shares with other commands, except those left out."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(_OPTIONS):
            if option[0].removeprefix("--") not in left_out:
                function = click.option(*option[:-1], **option[-1])(function)
        return function

    return add


_OPTIONS: Sequence[Any] = (
    ("--rates", {"type": Rates(), "help": "Grid of learning rates.  [default: 0.001 to 1 by factors of 10 ** 0.5]"}),
    ("--seeds", {"type": click.IntRange(1), "default": SEEDS, "show_default": True, "help": "Seeds per rate."}),
    (
        "--final-seeds",
        {
            "type": click.IntRange(2),
            "default": FINAL_SEEDS,
            "show_default": True,
            "help": "Fresh seeds at the best rate, and as many at the defaults.",
        },
    ),
    ("--steps", {"type": click.IntRange(1), "help": "Steps of each trial.  [default: the task's budget]"}),
    (
        "--time-budget",
        {"type": float, "metavar": "SECONDS", "help": "Time of each trial in place of steps, measured before."},
    ),
    (
        "--target",
        {"type": float, "help": "Validation metric whose first passing is timed.  [default: the task's]"},
    ),
    (
        "--schedule",
        {
            "type": click.Choice(SCHEDULES),
            "default": SCHEDULES[0],
            "show_default": True,
            "help": "How every learning rate changes over the steps.",
        },
    ),
    (
        "--warmup",
        {"type": float, "default": 0.0, "metavar": "SHARE", "help": "Share of the steps in which every rate rises."},
    ),
    (
        "--weight-decay",
        {"type": float, "default": 0.0, "metavar": "X", "help": "Decoupled weight decay of every optimizer."},
    ),
    (
        "--search",
        {
            "type": Range(),
            "multiple": True,
            "help": "A further hyperparameter to search at random, and where.  [repeatable]",
        },
    ),
    ("--samples", {"type": click.IntRange(0), "default": 0, "help": "Random points to try, for every optimizer."}),
    (
        "--halving",
        {
            "type": click.IntRange(2),
            "metavar": "N",
            "help": "Give up all but one in N of the random points early, and again later.",
        },
    ),
    ("--seed", {"type": click.IntRange(0), "default": 0, "show_default": True, "help": "All others derive from it."}),
    (
        "--mapping",
        {
            "type": click.Choice(MAPPINGS),
            "default": MAPPINGS[0],
            "show_default": True,
            "help": "Trials of a device one after the other (map) or side by side (vmap).",
        },
    ),
    ("--resume", {"is_flag": True, "help": "Continue the race in that folder."}),
    ("--top", {"type": click.IntRange(0), "default": TOP, "show_default": True, "help": "Rows to print, 0 for all."}),
    ("--report/--no-report", {"default": True, "help": "Write report.html, which takes some seconds.  [default: yes]"}),
    ("--distributed", {"is_flag": True, "help": "Share the work with the other processes of this cluster."}),
    ("--coordinator", {"metavar": "HOST:PORT", "help": "Where the first process listens, unless the cluster says."}),
    ("--processes", {"type": click.IntRange(2), "help": "How many processes there are, unless the cluster says."}),
    ("--process-id", {"type": click.IntRange(0), "help": "Which one this is, from 0, unless the cluster says."}),
)


def use_devices(distributed: bool, coordinator: str | None, processes_: int | None, process_id: int | None) -> None:
    """Makes every core of every process take part.

    Raises:
      RaceError: if options are missing, or the other processes cannot be reached.
    """
    given = [x is not None for x in (coordinator, processes_, process_id)]
    if any(given) and not (distributed and all(given)):
        raise RaceError("coordinator, processes and process-id must be given together, and with --distributed.")
    processes.use_all_cores(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if distributed:
        processes.join(coordinator, processes_, process_id)


def one_task(name: str, target: float | None) -> Task:
    """The task of that name, with another target if one is given.

    Raises:
      RaceError: if there is none, or more than one.
    """
    if "," in name or name == ALL:
        raise RaceError(f"task is {name!r}, but must be one task.")
    return next(iter(by_name([name], target).values()))


@click.command("race")
@click.option(
    "--task",
    "tasks",
    type=Names(),
    default=(TASK,),
    metavar="NAME|MODULE:OBJECT,...",
    help=f"What is trained: registered tasks, your own Tasks, or all.  [default: {TASK}]",
)
@click.option(
    "--optimizers",
    type=Optimizers(),
    help=f"Each {FORMS}; or {SELECTORS}.  [default: nine of ours, optax.adam, optax.sgd, optax.rmsprop]",
)
@options()
@click.option("--out", default="race-results", show_default=True, help="Folder for results, pictures and report.html.")
@click.pass_obj
def command(
    arguments: list[str],
    tasks: tuple[str, ...],
    target: float | None,
    distributed: bool,
    coordinator: str | None,
    processes: int | None,
    process_id: int | None,
    search: tuple[tuple[str, Any], ...],
    out: str,
    top: int,
    **options: Any,
) -> None:
    """Train a small model with each optimizer and compare them.

    Each optimizer gets the learning rate of a grid that is best on validation data; the figures are those of fresh
    seeds on test data. Writes race.json, results.jsonl, trials.jsonl, report.html, and pictures as PNG and SVG; with
    several tasks, into a folder for each.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        use_devices(distributed, coordinator, processes, process_id)
        given["search"] = dict(search)
        with noticed():
            if len(tasks) > 1 or ALL in tasks:
                results = race_tasks(tasks=tasks, target=target, out=out, **given).results
            else:
                results = (race(task=one_task(tasks[0], target), out=out, **given),)
    except KeyboardInterrupt:
        raise Interrupted(continued("finished batches are kept", arguments, options["resume"])) from None
    except (RaceError, OSError) as error:
        raise click.UsageError(str(error)) from None
    show(results, written(out, options["report"]), top)


def continued(kept: str, arguments: Sequence[str], resumed: bool) -> str:
    """What Ctrl-C prints."""
    line = shlex.join(["optax-zoo", *arguments, *([] if resumed else ["--resume"])])
    return f"interrupted; {kept}, continue with: {line}"


def written(out: str, report: bool) -> str:
    """What was written where, in a line."""
    return f"Results{', pictures and report.html' if report else ' and pictures'}: {out}"


def show(results: Sequence[Result], where: str, top: int) -> None:
    """Prints the outcomes and what was written where, on the first process."""
    from rich.console import Console

    from optax_zoo.race.terminal.report import tables

    if not processes.is_first():
        return
    console = Console()
    console.print(*tables(results, console.width, top), sep="\n")
    click.echo(where)
