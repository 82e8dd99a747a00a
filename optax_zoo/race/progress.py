"""What a race shows while it runs."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Protocol

from optax_zoo.race.errors import require


class Notify(Protocol):
    """Told what happens: the optimizer, what is done with it now, and how many optimizers are finished."""

    def __call__(self, optimizer: str, phase: str, finished: int) -> None: ...


@contextlib.contextmanager
def display(total: int, visible: bool) -> Iterator[Notify]:
    """Shows progress on standard error: a bar on a terminal, otherwise a line for each phase.

    Args:
      total: number of optimizers.
      visible: whether to show anything.
    """
    if not visible:
        yield lambda optimizer, phase, finished: None
        return
    require("rich")
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(console, total)
        return
    with _bar(console) as bar:
        task = bar.add_task("", total=total)
        yield lambda optimizer, phase, finished: bar.update(
            task, completed=finished, description=f"[bold]{optimizer}[/bold]: {phase}"
        )


def _lines(console: Any, total: int) -> Notify:
    began = time.perf_counter()

    def notify(optimizer: str, phase: str, finished: int) -> None:
        number = min(finished + 1, total)
        elapsed = time.perf_counter() - began
        console.print(f"[{number}/{total}] {elapsed:6.1f} s  {optimizer}: {phase}", markup=False, soft_wrap=True)

    return notify


def _bar(console: Any) -> Any:
    from rich import progress

    return progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description:<34}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        console=console,
        transient=True,
    )
