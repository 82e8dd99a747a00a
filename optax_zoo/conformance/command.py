"""`optax-zoo check`: the kit on the command line."""

import ast
import dataclasses
import itertools
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

import optax_zoo
from optax_zoo._options import Names, Optimizer

if TYPE_CHECKING:
    from optax_zoo.conformance import Report

# Nearly all of the time goes into compiling.
COMPILE_FAST = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
COLOURS = {"failed": "red", "unexpected pass": "red", "expected failure": "yellow", "skipped": "dim"}


class Pair(click.ParamType):
    """NAME=TEXT."""

    name = "NAME=TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, equals, text = value.partition("=")
        if not (name and equals and text):
            self.fail(f"{value!r} must have the form {self.name}.", param, ctx)
        return name, text


@click.command("check")
@click.argument("optimizer", metavar="NAME", type=Optimizer())
@click.option("--set", "hyperparameters", type=Pair(), multiple=True, help="A hyperparameter, as learning_rate=0.1.")
@click.option("--needs", type=Names(), multiple=True, help="What update must be given: value, grad or value_fn.")
@click.option(
    "--claims", type=Names(), multiple=True, help=f"Invariances to check as well: {', '.join(optax_zoo.CLAIMS)}."
)
@click.option("--expect", type=Pair(), multiple=True, help="A check that is expected to fail, and why: CHECK=REASON.")
@click.option("--only", type=Names(), multiple=True, help="Checks, or groups of checks, to run; all by default.")
@click.option("--devices", type=click.IntRange(1), default=8, show_default=True, help="Devices to split the CPU into.")
@click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")
def command(
    optimizer: str,
    hyperparameters: Iterable[tuple[str, str]],
    needs: Iterable[tuple[str, ...]],
    claims: Iterable[tuple[str, ...]],
    expect: Iterable[tuple[str, str]],
    only: Iterable[tuple[str, ...]],
    devices: int,
    json_: bool,
) -> int:
    """Put an optimizer through all checks of conformance.

    NAME is a registered name, optax.NAME, optax.contrib.NAME, or module:function, which returns an optax
    transformation. A registered algorithm is used at its example; another that needs a learning rate gets 0.001
    unless --set gives one. Exits with 1 if a check fails.
    """
    import jax

    from optax_zoo import conformance

    jax.config.update("jax_num_cpu_devices", devices)
    os.environ.setdefault("XLA_FLAGS", COMPILE_FAST)
    try:
        arguments = conformance.registered(optimizer, {name: _literal(text) for name, text in hyperparameters})
        arguments["needs"] = (*arguments["needs"], *itertools.chain(*needs))
        arguments["claims"] = (*arguments["claims"], *itertools.chain(*claims))
        arguments["expected_failures"] = {**arguments["expected_failures"], **dict(expect)}
        report = conformance.check(**arguments, only=[*itertools.chain(*only)] or None)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    if json_:
        click.echo(as_json(optimizer, report))
    else:
        _show(optimizer, report)
    return 0 if report.ok else 1


def _literal(text: str) -> Any:
    """A number, string, bool or None; any other text is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def as_json(optimizer: str, report: "Report") -> str:
    """A report as JSON: `name`, `ok`, `counts` by status, and the `outcomes` with the fields of an `Outcome`."""
    outcomes = [dataclasses.asdict(outcome) for outcome in report]
    content = {"name": optimizer, "ok": report.ok, "counts": report.counts, "outcomes": outcomes}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _show(optimizer: str, report: "Report") -> None:
    from rich import box
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=f"Conformance of {optimizer}", title_justify="left")
    table.add_column("group")
    table.add_column("check", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("seconds", justify="right")
    group = None
    for outcome in report:
        status = Text(outcome.status, COLOURS.get(outcome.status, "green"))
        name = outcome.group if outcome.group != group else ""
        table.add_row(name, outcome.check, status, f"{outcome.seconds:.1f}")
        group = outcome.group
    console = Console(highlight=False)
    console.print(table)
    explained = [outcome for outcome in report if outcome.message]
    for outcome in explained:
        colour = COLOURS.get(outcome.status, "")
        why = Text.assemble((f"{outcome.check}, {outcome.status}", colour), f": {outcome.message}")
        console.print(Padding(why, (0, 0, 0, 2)) if console.is_terminal else why, soft_wrap=not console.is_terminal)
    if explained:
        console.print()
    console.print(", ".join(f"{count} {status}" for status, count in report.counts.items()), soft_wrap=True)
