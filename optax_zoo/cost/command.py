"""`optax-zoo cost`: what an optimizer costs, on the command line."""

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

import optax_zoo
from optax_zoo._user_code import imported

if TYPE_CHECKING:
    import optax

RATE = 1e-3  # of a function that must be given one; no cost depends on it


@click.command("cost")
@click.argument("optimizers", metavar="[NAME|MODULE:FUNCTION]...", nargs=-1)
@click.option("--model", help="7b or 70b, the shapes of Llama 2.  [default: 7b]")
@click.option("--mesh", type=click.IntRange(1), help="Number of devices.  [default: 8]")
@click.option("--all", "everything", is_flag=True, help="Both models on 8, 256 and 1,024 devices.")
@click.option(
    "--param-dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of parameters and gradients.",
)
@click.option("--json", "json_", is_flag=True, help="Print JSON instead of tables.")
def command(
    optimizers: tuple[str, ...], model: str | None, mesh: int | None, everything: bool, param_dtype: str, json_: bool
) -> None:
    """Say how much memory an optimizer's state takes on each device of a mesh, and what a step communicates.

    An optimizer is the name of a registered algorithm, or a function that returns an optax transformation, such as
    optax:adam; without any, all registered algorithms. Nothing is allocated: the memory follows from shapes, and the
    collectives are read from small programs that are compiled for 8 devices.
    """
    from rich.console import Console

    from optax_zoo.cost import collectives, scaling, table
    from optax_zoo.cost.models import MODELS

    if everything and (model is not None or mesh is not None):
        raise click.UsageError("--all stands for every model and mesh, so it takes no --model and no --mesh.")
    models = list(MODELS) if everything else [model or "7b"]
    devices = list(scaling.DEVICES) if everything else [mesh or 8]
    try:
        transformations = {name: _optimizer(name) for name in optimizers or optax_zoo.list_algorithms()}
        collectives.split_cpu()
        rows = _with_progress(scaling.rows(transformations, models, devices, param_dtype))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if json_:
        click.echo(table.as_json(rows))
        return
    console = Console(highlight=False)
    for block in table.for_terminal(rows):
        console.print(block)


def _optimizer(text: str) -> "optax.GradientTransformation":
    """A registered algorithm at its example, or what a user's function returns."""
    import optax

    if ":" not in text:
        known = optax_zoo.describe(text)
        return known.factory(**known.example)
    factory = imported("optimizer", text)
    arguments = _required(text, factory)
    try:
        found = factory(**arguments)
    except Exception as error:
        reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise ValueError(f"optimizer is {text!r}, which fails: {reason}") from error
    if not isinstance(found, optax.GradientTransformation):
        raise ValueError(f"optimizer is {text!r}, but that returns {found!r}, not an optax.GradientTransformation.")
    return found


def _required(text: str, factory: Any) -> dict[str, Any]:
    """What a function must be given: a learning rate at most."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return {}
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]
    if others := [name for name in required if name != "learning_rate"]:
        raise ValueError(
            f"optimizer is {text!r}, which must be given {', '.join(others)}: name a function that needs nothing but a "
            "learning_rate."
        )
    return dict.fromkeys(required, RATE)


def _with_progress(rows: Iterable[Any]) -> list[Any]:
    """All rows; meanwhile a terminal shows which optimizer is done."""
    from rich.console import Console

    found = []
    with Console(stderr=True).status("optax-zoo cost") as status:
        for row in rows:
            found.append(row)
            status.update(f"{row.optimizer}, {row.model}, {row.devices} devices")
    return found
