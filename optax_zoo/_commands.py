"""The commands of `optax-zoo`: `list`, `show` and `new`, and those that the rooms of the package have."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import optax_zoo
from optax_zoo import _show, _show_tree
from optax_zoo._leaf_rules import Rules
from optax_zoo._list import listing, overview
from optax_zoo._options import Optimizer
from optax_zoo.animate.command import command as animate
from optax_zoo.conformance.command import command as check
from optax_zoo.cost.command import command as cost
from optax_zoo.race.ablation.command import command as ablate
from optax_zoo.race.command import command as race
from optax_zoo.race.report_command import command as report
from optax_zoo.scaffold import begin


@click.command("list")
@click.option("--long", "-l", is_flag=True, help="A line for each: year, state, what it needs, and what it is.")
@click.option("--filter", "pattern", metavar="PATTERN", help="A line for some: names or families, 'adam*', layerwise.")
def list_command(long: bool, pattern: str | None) -> None:
    """List the registered algorithms by family."""
    _print_or_refuse(lambda: [listing(pattern or "*") if long or pattern is not None else overview()])


@click.command("show")
@click.argument("name", type=Optimizer())
@click.option(
    "--tree",
    metavar="NAME|MODULE:FUNCTION|FILE.json",
    help="Show where its leaves go: one-16m, gpt2-small, thousand-leaves, resnet50, clip-b32, 1b, or yours.",
)
@click.option("--but", metavar="KEYS", help="With --tree: leaves under these are no matrices: 'embedding,head'.")
@click.option("--stacked", metavar="KEY", help="With --tree: leaves under this key stack layers: layers.")
@click.option(
    "--outputs", metavar="KEYS", help="With --tree: leaves under these have two axes of outputs: 'query,key,value'."
)
@click.option(
    "--no-decay",
    is_flag=False,
    flag_value="",
    metavar="[KEYS]",
    help="With --tree: weight decay by decay_mask, not of biases, scales, and leaves under these: 'embedding'.",
)
@click.option("--layer-decay", type=float, help="With --tree: rates by scale_by_layer, this much less a layer: 0.75.")
@click.option("--layers", metavar="KEYS", help="With --layer-decay: the names that layers are numbered behind: blocks.")
@click.option("--first", metavar="KEYS", help="With --layer-decay: what is before the layers: 'patches'.")
@click.option("--last", metavar="KEYS", help="With --layer-decay: what is behind them: 'head'.")
@click.option("--bibtex", is_flag=True, help="Print entries of publications for BibTeX; NAME may be adam,lion.")
def show_command(name: str, tree: str | None, bibtex: bool, **rules: Any) -> None:
    """Show the composition, maths, hyperparameters and sources of an algorithm.

    NAME is a registered name. For optax.NAME, optax.contrib.NAME and module:function it shows what can be known:
    signature, beginning of the docstring, needs, state and composition.

    With --tree it shows which leaf goes where instead: to which optimizer of a route, why, and as what matrix it is
    seen; which leaves decay, and at which share of the rate they are trained.
    """
    if bibtex:
        _echo_or_refuse(lambda: optax_zoo.bibtex(name.split(",")))
    elif tree is not None:
        _print_or_refuse(lambda: _show_tree.description(name, tree, Rules.read(**rules)))
    elif given := next((option for option, value in rules.items() if value is not None), None):
        raise click.UsageError(f"--{given.replace('_', '-')} is about the leaves of a tree: name one by --tree.")
    else:
        _print_or_refuse(lambda: _show.description(name))


@click.command("new")
@click.argument("name")
@click.option("--family", required=True, help="A package in optax_zoo/algorithms.")
@click.option("--slots", default="numerator,denominator", show_default=True, help="What to fill.")
def new_command(name: str, family: str, slots: str) -> None:
    """Begin an algorithm in a checkout of the repository: its module, and the folder of what is recorded of it.

    docs/add_an_algorithm.md says how to continue.
    """
    _print_or_refuse(lambda: begin(Path(optax_zoo.__file__).parents[1], name, family, slots.split(",")))


def _echo_or_refuse(make: Callable[[], str]) -> None:
    """Prints a text as it is, however long its lines; a ValueError is wrong input."""
    try:
        click.echo(make(), nl=False)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _print_or_refuse(make: Callable[[], Iterable[Any]]) -> None:
    """Prints what is made; a ValueError is wrong input."""
    console = Console(highlight=False)
    try:
        for block in make():
            console.print(block)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(optax_zoo.__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """Optimizers for JAX as rows of named, exchangeable parts."""


for command in (list_command, show_command, new_command, race, report, ablate, check, cost, animate):
    commands.add_command(command)
