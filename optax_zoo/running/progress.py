"""What a race shows while it runs."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Protocol

from optax_zoo.running.errors import require
from optax_zoo.running.time_left import Estimate, in_words


class Progress(Protocol):
    """Is told what happens in a race."""

    def phase(self, optimizer: str, text: str, finished: int, of: int) -> None:
        """What is done now, for which optimizer, and how many optimizers are finished."""

    def advance(self, trials: int) -> None:
        """A batch of so many trials is finished."""

    def skip(self, trials: int) -> None:
        """So many trials had been finished before, and are not run."""

    def grow(self, trials: int) -> None:
        """There are so many more trials to run than expected, or fewer."""


@contextlib.contextmanager
def display(trials: int, visible: bool) -> Iterator[Progress]:
    """Shows progress on standard error: a bar on a terminal, otherwise a line for each phase.

    Args:
      trials: number of trials to run.
      visible: whether to show anything, which one process of a race does.
    """
    estimate = Estimate(trials, time.perf_counter)
    if not visible:
        yield Silent(estimate)
        return
    require("rich")
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield InLines(estimate, console)
        return
    with _bar(estimate, console) as bar:
        yield OnTerminal(estimate, bar)


class Silent:
    """Keeps the estimate of the time left, and shows nothing."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate

    def phase(self, optimizer: str, text: str, finished: int, of: int) -> None:
        self.estimate.phase(optimizer, finished, of)
        self.show(optimizer, text, finished, of)

    def advance(self, trials: int) -> None:
        self.estimate.advance(trials)
        self.count()

    def skip(self, trials: int) -> None:
        self.estimate.skip(trials)
        self.count()

    def grow(self, trials: int) -> None:
        self.estimate.grow(trials)
        self.count()

    def show(self, optimizer: str, text: str, finished: int, of: int) -> None:
        """Shows a phase."""

    def count(self) -> None:
        """Shows the number of trials."""


class InLines(Silent):
    """A line for each phase."""

    def __init__(self, estimate: Estimate, console: Any) -> None:
        super().__init__(estimate)
        self.console = console

    def show(self, optimizer: str, text: str, finished: int, of: int) -> None:
        left = self.estimate.left
        self.console.print(
            f"[{min(finished + 1, of)}/{of}] {self.estimate.elapsed:6.1f} s  {optimizer}: {text}"
            f"{'' if left is None else f', about {in_words(left)} left'}",
            markup=False,
            soft_wrap=True,
        )


class OnTerminal(Silent):
    """A bar of trials."""

    def __init__(self, estimate: Estimate, bar: Any) -> None:
        super().__init__(estimate)
        self.bar, self.task = bar, bar.add_task("", total=estimate.total)

    def show(self, optimizer: str, text: str, finished: int, of: int) -> None:
        self.bar.update(self.task, description=f"[{min(finished + 1, of)}/{of}] {optimizer}: {text}")

    def count(self) -> None:
        self.bar.update(self.task, completed=self.estimate.done, total=self.estimate.total)


def _bar(estimate: Estimate, console: Any) -> Any:
    from rich import progress
    from rich.table import Column
    from rich.text import Text

    class Left(progress.ProgressColumn):
        """The time left."""

        def render(self, task: progress.Task) -> Text:
            left = estimate.left
            return Text("" if left is None else f"about {in_words(left)} left", style="progress.remaining")

    return progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn(
            "{task.description}", markup=False, table_column=Column(ratio=3, no_wrap=True, overflow="ellipsis")
        ),
        progress.BarColumn(bar_width=None, table_column=Column(ratio=1)),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        Left(table_column=Column(no_wrap=True, min_width=17)),
        console=console,
        transient=True,
        expand=True,
    )
