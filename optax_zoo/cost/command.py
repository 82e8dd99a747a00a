"""`optax-zoo cost`: what an optimizer costs, on the command line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import optax_zoo
from optax_zoo._options import Optimizer
from optax_zoo.cost.models import MODELS
from optax_zoo.fusion import enable_fused_steps
from optax_zoo.spelling import read

if TYPE_CHECKING:
    import optax


@click.command("cost")
@click.argument("optimizers", metavar="[NAME]...", nargs=-1, type=Optimizer())
@click.option("--all", "everything", is_flag=True, help="All registered algorithms.")
@click.option(
    "--tree",
    metavar="NAME|MODULE:FUNCTION|FILE.json",
    help="Parameters: one-16m, gpt2-small, thousand-leaves, resnet50, clip-b32, 1b, or yours.  [default: gpt2-small]",
)
@click.option(
    "--against",
    type=Optimizer(),
    metavar="NAME",
    help="What it is compared with; `same` is optax's of the same name.  [default: optax.adam]",
)
@click.option("--rounds", type=int, help="How often the two take turns; 0 measures no time.  [default: 7]")
@click.option(
    "--fused",
    is_flag=True,
    default=None,
    help="Both as optax_zoo.fused: XLA:CPU merges kernels that read the same arrays.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw step time over bytes: .png, .svg.")
@click.option("--model", help="At scale: 7b or 70b, the shapes of Llama 2, or `all`.  [default: 7b]")
@click.option("--mesh", help="At scale: number of devices, or `all` for 8, 256 and 1,024.  [default: 8]")
@click.option(
    "--param-dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of parameters and gradients.",
)
@click.option("--json", "json_", is_flag=True, help="Print JSON instead of tables.")
def command(
    optimizers: tuple[str, ...],
    everything: bool,
    model: str | None,
    mesh: str | None,
    param_dtype: str,
    json_: bool,
    **step: Any,
) -> None:
    """Measure what a step of an optimizer costs or, with --model or --mesh, what its state takes at scale.

    An optimizer is a registered name, optax.NAME, optax.contrib.NAME, or module:function, which returns an optax
    transformation.

    A step is compiled for a tree of parameters and run in turns with another optimizer's: bytes of state and
    temporaries, bytes accessed, kernels, floating-point operations, seconds to trace and compile, and milliseconds,
    also against the memory floor.

    At scale nothing is allocated: the memory on each device follows from shapes, and collectives are read from small
    programs that are compiled for 8 devices.
    """
    names = _names(optimizers, everything, scale=model is not None or mesh is not None)
    try:
        if step["fused"]:
            enable_fused_steps()
        transformations = {name: read(name).make() for name in names}
        if model is None and mesh is None:
            from optax_zoo.cost import step_command

            step_command.run(transformations, param_dtype, json_, **step)
        elif given := [name for name, value in step.items() if value is not None]:
            raise ValueError(f"--{given[0]} is about a step, --model and --mesh are about a cluster: leave one out.")
        else:
            _scale(transformations, model or "7b", mesh or "8", param_dtype, json_)
    except (ValueError, RuntimeError) as error:
        raise click.UsageError(str(error)) from None


def _names(optimizers: tuple[str, ...], everything: bool, scale: bool) -> list[str]:
    if everything and optimizers:
        raise click.UsageError("--all stands for every registered algorithm, so give no names with it.")
    if not (optimizers or everything or scale):
        raise click.UsageError("name an optimizer, such as adam or optax.adam, or give --all.")
    return list(dict.fromkeys(optimizers)) or optax_zoo.list_algorithms()


def _scale(
    transformations: "dict[str, optax.GradientTransformation]", model: str, mesh: str, dtype: str, json_: bool
) -> None:
    from rich.console import Console

    from optax_zoo.cost import collectives, scaling, table

    models = list(MODELS) if model == "all" else [model]
    if mesh != "all" and not mesh.isdecimal():
        raise ValueError(f"mesh is {mesh!r}, but must be a number of devices, at least 1, or all.")
    devices = list(scaling.DEVICES) if mesh == "all" else [int(mesh)]
    collectives.split_cpu()
    rows = _with_progress(scaling.rows(transformations, models, devices, dtype))
    if json_:
        click.echo(table.as_json(rows))
        return
    console = Console(highlight=False)
    for block in table.for_terminal(rows):
        console.print(block)


def _with_progress(rows: Iterable[Any]) -> list[Any]:
    """All rows; meanwhile a terminal shows which optimizer is done."""
    from rich.console import Console

    found = []
    with Console(stderr=True).status("optax-zoo cost") as status:
        for row in rows:
            found.append(row)
            status.update(f"{row.optimizer}, {row.model}, {row.devices} devices")
    return found
