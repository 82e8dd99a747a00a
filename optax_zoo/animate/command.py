"""`optax-zoo animate`: the command line of an animation."""

import os
from typing import Any

import click

from optax_zoo._options import Optimizers, Rates
from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.runner import FPS, MOST_STEPS, animate
from optax_zoo.running.extent import TOP
from optax_zoo.running.selectors import SELECTORS
from optax_zoo.spelling import FORMS


class Numbers(click.ParamType):
    """Numbers separated by commas."""

    name = "NUMBER,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} must be numbers separated by commas, such as -1,2.", param, ctx)


@click.command("animate")
@click.option(
    "--landscape",
    default="quartic",
    show_default=True,
    help="quartic, rosenbrock, beale, rastrigin, saddle, or your own function as module:function.",
)
@click.option(
    "--optimizers",
    type=Optimizers(),
    help=f"Each {FORMS}; or {SELECTORS}.  [default: the article's seventeen on the quartic, ten of ours elsewhere]",
)
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), help="Steps.  [default: 100; rosenbrock and beale 200]")
@click.option(
    "--rates", "--rate", type=Rates(), help="Grid to tune on; one is the rate of all.  [default: 25 from 0.0001 to 100]"
)
@click.option("--listing", is_flag=True, help="The article's seventeen at the rates of its listing, not tuned.")
@click.option("--start", type=Numbers(), help="Where to start: X or X,Y. Required for your own function.")
@click.option("--box", type=Numbers(), help="What is drawn: X0,X1 or X0,X1,Y0,Y1.")
@click.option("--fps", type=click.IntRange(1, 50), default=FPS, show_default=True, help="Pictures per second.")
@click.option("--top", type=click.IntRange(0), default=TOP, show_default=True, help="Rows to print of many, 0 for all.")
@click.option("--out", default="animation", show_default=True, help="Folder for the files.")
def command(out: str, top: int, listing: bool, **options: Any) -> None:
    """Watch optimizers descend a landscape.

    Each takes the rate of one grid, the same for all, at which the mean loss over the steps is lowest on this
    landscape. Without options: seventeen optimizers on the quartic of an article that compared them.

    Writes animation.gif, errors.png and, if ffmpeg is installed, animation.mp4.
    """
    from rich.console import Console

    from optax_zoo.animate.animation import table

    try:
        animation = animate(out=out, tuned=not listing, **options)
    except (AnimationError, OSError) as error:
        raise click.UsageError(str(error)) from None
    Console().print(table(animation, top))
    for note in animation.notes:
        click.echo(note)
    click.echo(f"Files: {', '.join(os.path.join(out, name) for name in animation.files)}")
