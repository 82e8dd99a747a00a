"""The outcome of a race."""

import dataclasses
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optax_zoo.race.exports import figures
from optax_zoo.race.exports.latex import latex
from optax_zoo.race.exports.logs import log_to, write_events
from optax_zoo.race.exports.records import FIGURES, POINTS, records, text_of, written
from optax_zoo.race.rows import Raced
from optax_zoo.race.terminal.report import render
from optax_zoo.running.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, repr=False)
class Result(Raced):
    """The outcome of a race; it prints as a table.

    Attributes:
      settings: what was raced.
      rows: one for each optimizer, the best first.
      record: versions, machine and command line, as in race.json.
    """

    def __repr__(self) -> str:
        return render(self)

    def to_pandas(self, *, curves: bool = False) -> "pandas.DataFrame":
        """The table as a data frame, a line for each optimizer, the best first; what is not known is missing.

        Args:
          curves: whether to have the curves instead, a line for each optimizer, final seed and evaluation.

        Raises:
          MissingExtraError: without pandas.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("this needs pandas: pip install pandas.") from error
        return pandas.DataFrame(records(self, curves), columns=list(POINTS if curves else FIGURES))

    def to_csv(self, path: str | os.PathLike[str] | None = None, *, curves: bool = False) -> str | None:
        """What `to_pandas` has, as comma-separated values.

        Args:
          path: the file to write; without it the text is returned.
          curves: whether to have the curves instead.
        """
        return written(text_of([self], curves), path)

    def to_latex(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The table for a paper: a `tabular` with the rules of the package booktabs, the first tier in bold.

        Args:
          path: the file to write; without it the text is returned.
        """
        return written(latex(self), path)

    def figure(
        self,
        kind: str = "curves",
        optimizers: Iterable[str] | None = None,
        *,
        size: tuple[float, float] = (3.3, 2.5),
        legend: bool = True,
        path: str | os.PathLike[str] | None = None,
    ) -> "Figure":
        """A figure for a paper: one panel, letters of 8 points, colours and dashes that can be told apart.

        Args:
          kind: "curves", the validation metric against steps with 95 % intervals; "sensitivity", against the learning
            rate; or "ranking", the test metric with its interval.
          optimizers: the names to show, 8 at most, in this order; by default the best five.
          size: width and height in inches; by default a column of a paper.
          legend: whether names stand above the panel.
          path: the file to write, as its ending says: .pdf, .svg or .png.

        Returns:
          A Matplotlib figure.

        Raises:
          RaceError: for another kind or size, an optimizer without figures, or more than 8.
          MissingExtraError: without Matplotlib, which the extra `race` installs.
        """
        return figures.figure(self, kind, optimizers, size, legend, path)

    def to_tensorboard(self, folder: str | os.PathLike[str]) -> None:
        """Writes the curves as event files of TensorBoard: a run for each optimizer, averaged over the final seeds.

        Args:
          folder: what `tensorboard --logdir` is given; each optimizer gets a folder in it.

        Raises:
          MissingExtraError: without tensorboardX and without torch's writer.
        """
        write_events(self, folder)

    def log_to(self, client: Any, **options: Any) -> None:
        """Logs settings, curves and figures with MLflow or Weights & Biases, a run for each optimizer.

        Args:
          client: the module `mlflow` or `wandb`, or what has the same functions: `start_run`, `log_params` and
            `log_metrics`; or `init`, which returns a run with `log`, `summary` and `finish`.
          **options: further arguments of `start_run` or `init`, such as `project="optimizers"`.

        Raises:
          RaceError: if the client is neither.
        """
        log_to(self, client, options)
