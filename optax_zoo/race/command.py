"""`optax-zoo race`: the command line of a race."""

import dataclasses
import shlex
from typing import Any

import click

from optax_zoo.race.errors import RaceError
from optax_zoo.race.runner import race
from optax_zoo.race.settings import FINAL_SEEDS, SEEDS, STEPS
from optax_zoo.race.task import Task
from optax_zoo.race.tasks import describe_task, resolve_task


class Interrupted(click.ClickException):
    """Ctrl-C during a race."""

    exit_code = 130


class Names(click.ParamType):
    """Names with commas between them."""

    name = "NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return tuple(name.strip() for name in value.split(","))


class Rates(click.ParamType):
    """Numbers with commas between them."""

    name = "NUMBER,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(
                f"{value!r} must be numbers above 0 with commas between them, such as 0.001,0.01,0.1.", param, ctx
            )


def chosen(task: str, target: float | None, steps: int | None) -> tuple[Task, int]:
    """The task that is meant, with another target where one is given, and the steps of a trial."""
    made = resolve_task(task)
    if target is not None:
        made = dataclasses.replace(made, target=target)
    return made, steps or (STEPS if ":" in task else describe_task(task).steps)


@click.command("race")
@click.option(
    "--task",
    default="digits_mlp",
    show_default=True,
    metavar="NAME|MODULE:OBJECT",
    help="What is trained: a registered task, or a Task of yours.",
)
@click.option(
    "--optimizers",
    type=Names(),
    help="Our names, optax.NAME, or all.  [default: ten of ours, optax.adam, optax.sgd, optax.rmsprop]",
)
@click.option("--rates", type=Rates(), help="Grid of learning rates.  [default: 0.001 to 1 by factors of 10 ** 0.5]")
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, show_default=True, help="Seeds per rate.")
@click.option(
    "--final-seeds",
    type=click.IntRange(2),
    default=FINAL_SEEDS,
    show_default=True,
    help="Fresh seeds at the best rate.",
)
@click.option("--steps", type=click.IntRange(1), help="Steps of each trial.  [default: the task's budget]")
@click.option("--target", type=float, help="Validation metric whose first passing is timed.  [default: the task's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All others follow from it.")
@click.option("--out", default="race-results", show_default=True, help="Folder for results and pictures.")
@click.option("--resume", is_flag=True, help="Continue the race in that folder.")
@click.pass_obj
def command(arguments: list[str], task: str, target: float | None, steps: int | None, out: str, **options: Any) -> None:
    """Train a small model with each optimizer and compare them.

    Each optimizer gets the learning rate of a grid that is best on validation data; the figures are those of fresh
    seeds on test data. Writes race.json, results.jsonl, curves.png and sensitivity.png.
    """
    from rich.console import Console

    from optax_zoo.race.report import table

    given = {name: value for name, value in options.items() if value is not None}
    try:
        trained, steps = chosen(task, target, steps)
        result = race(task=trained, steps=steps, out=out, **given)
    except KeyboardInterrupt:
        again = [] if options["resume"] else ["--resume"]
        line = shlex.join(["optax-zoo", *arguments, *again])
        raise Interrupted(f"interrupted; finished optimizers are kept, continue with: {line}") from None
    except (RaceError, OSError) as error:
        raise click.UsageError(str(error)) from None
    Console().print(table(result))
    click.echo(f"Results and pictures: {out}")
