"""The part of `optax-zoo cost` that measures a step."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optax_zoo import fusion
from optax_zoo.spelling import read

if TYPE_CHECKING:
    import optax

    from optax_zoo.cost.step import Cost

TREE, OTHER, SAME, ROUNDS = "gpt2-small", "optax.adam", "same", 7


def run(
    transformations: "dict[str, optax.GradientTransformation]",
    dtype: str,
    json_: bool,
    tree: str | None,
    against: str | None,
    rounds: int | None,
    plot: Path | None,
    fused: bool | None,
) -> None:
    """Measures, prints and draws.

    Raises:
      ValueError: for an unknown tree or optimizer, one that fails, too few rounds, or a picture that cannot be made.
    """
    from rich.console import Console

    from optax_zoo.cost.step import plot as picture
    from optax_zoo.cost.step import table, trees
    from optax_zoo.cost.step.rivals import same_of_optax

    rounds = ROUNDS if rounds is None else rounds
    if rounds < 0 or rounds == 1:
        raise ValueError(f"rounds is {rounds}, but must be 0 or at least 2.")
    if plot is not None:
        picture.check(plot)
        if not rounds:
            raise ValueError("plot needs times, so rounds must be at least 2.")
    name, other = tree or TREE, against or OTHER
    shapes = trees.tree_of(name, dtype)
    beside = same_of_optax if other == SAME else functools.partial(_always, (other, read(other, "against").make()))
    if fused:
        transformations = {each: fusion.fused(tx) for each, tx in transformations.items()}
        beside = functools.partial(_fused, beside)
    found, refused = _measured(transformations, beside, name, shapes, rounds)
    if json_:
        click.echo(table.as_json(found))
    else:
        console = Console(highlight=False)
        for block in table.for_terminal(found):
            console.print(block)
    for reason in refused:
        click.echo(f"optax-zoo: not measured: {reason}", err=True)
    if plot is not None:
        picture.write(found, plot)


def _fused(beside: Callable[[str], Any], name: str) -> tuple[str, Any]:
    other, tx = beside(name)
    return other, fusion.fused(tx)


def _always(value: Any, _: str) -> Any:
    return value


def _measured(
    transformations: "dict[str, optax.GradientTransformation]",
    beside: Callable[[str], Any],
    tree: str,
    shapes: Any,
    rounds: int,
) -> "tuple[list[Cost], list[str]]":
    """The costs, and why others could not be measured; meanwhile a terminal shows what is being measured.

    Raises:
      TooLargeError: if there is no room for any of them.
    """
    from rich.console import Console

    from optax_zoo.cost.step import TooLargeError, measure

    found: list[Cost] = []
    refused: list[str] = []
    with Console(stderr=True).status("optax-zoo cost") as status:
        for name, tx in transformations.items():
            status.update(f"{name} against {beside(name)[0]} on {tree}")
            try:
                found.append(measure((name, tx), beside(name), tree, shapes, rounds))
            except TooLargeError as error:
                refused.append(str(error))
    if not found:
        raise TooLargeError(refused[0])
    return found, refused
