"""`optax-zoo check`: the kit on the command line."""

import ast
import functools
import inspect
import os
from collections.abc import Callable, Iterable
from typing import Any

import click

import optax_zoo
from optax_zoo._user_code import imported

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
@click.argument("optimizer", metavar="NAME|MODULE:FUNCTION")
@click.option("--set", "hyperparameters", type=Pair(), multiple=True, help="A hyperparameter, as learning_rate=0.1.")
@click.option("--needs", multiple=True, help="What update must be given: value, grad or value_fn.")
@click.option("--claims", multiple=True, help=f"An invariance to check, too: {', '.join(optax_zoo.CLAIMS)}.")
@click.option("--expect", type=Pair(), multiple=True, help="A check that is expected to fail, and why: CHECK=REASON.")
@click.option("--only", multiple=True, help="Checks, or groups of checks, to run; all by default.")
@click.option("--devices", type=click.IntRange(1), default=8, show_default=True, help="Devices a CPU is split into.")
def command(
    optimizer: str,
    hyperparameters: Iterable[tuple[str, str]],
    needs: tuple[str, ...],
    claims: tuple[str, ...],
    expect: Iterable[tuple[str, str]],
    only: tuple[str, ...],
    devices: int,
) -> int:
    """Put an optimizer through all checks of conformance.

    It is the name of a registered algorithm, or a function that returns an optax transformation, such as
    optax:sgd with --set learning_rate=0.01. Exits with 1 if a check fails.
    """
    import jax

    from optax_zoo import conformance

    jax.config.update("jax_num_cpu_devices", devices)
    os.environ.setdefault("XLA_FLAGS", COMPILE_FAST)
    try:
        values = {name: _literal(text) for name, text in hyperparameters}
        arguments = _arguments(optimizer, values)
        arguments["needs"] = (*arguments["needs"], *needs)
        arguments["claims"] = (*arguments["claims"], *claims)
        arguments["expected_failures"] = {**arguments["expected_failures"], **dict(expect)}
        report = conformance.check(**arguments, only=only or None)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    _show(optimizer, report)
    return 0 if report.ok else 1


def _arguments(optimizer: str, hyperparameters: dict[str, Any]) -> dict[str, Any]:
    """What `conformance.check` is given."""
    from optax_zoo import conformance

    if ":" not in optimizer:
        arguments = conformance.registered(optimizer)
        arguments["make_transformation"] = functools.partial(arguments["make_transformation"], **hyperparameters)
        return arguments
    function = imported("optimizer", optimizer)
    _refuse_unless_it_takes(optimizer, function, hyperparameters)
    factory = functools.partial(function, **hyperparameters)
    return dict(make_transformation=factory, needs=(), claims=(), expected_failures={})


def _refuse_unless_it_takes(optimizer: str, function: Callable[..., Any], hyperparameters: dict[str, Any]) -> None:
    """Names the hyperparameters that a function does not take, and those that must be set."""
    signature = inspect.signature(function)
    try:
        signature.bind_partial(**hyperparameters)
    except TypeError as error:
        raise ValueError(f"--set does not fit optimizer {optimizer!r}: {error}.") from None
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind not in variadic]
    missing = [name for name in required if name not in hyperparameters]
    if missing:
        names = ", ".join(missing)
        raise ValueError(f"optimizer is {optimizer!r}, which must be given {names}: --set {missing[0]}=...")


def _literal(text: str) -> Any:
    """A number, string, bool or None; any other text is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _show(optimizer: str, report: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=f"Conformance of {optimizer}", title_justify="left")
    table.add_column("group")
    table.add_column("check", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("seconds", justify="right")
    table.add_column("why")
    group = None
    for outcome in report:
        status = Text(outcome.status, COLOURS.get(outcome.status, "green"))
        name = outcome.group if outcome.group != group else ""
        table.add_row(name, outcome.check, status, f"{outcome.seconds:.1f}", Text(outcome.message))
        group = outcome.group
    console = Console(highlight=False)
    console.print(table)
    console.print(", ".join(f"{count} {status}" for status, count in report.counts.items()))
