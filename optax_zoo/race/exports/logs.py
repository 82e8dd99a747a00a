"""The curves of a race in programs that keep logs of experiments: TensorBoard, Weights & Biases, MLflow."""

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from optax_zoo.race.exports.records import records
from optax_zoo.race.rows import Raced, Row
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.running.errors import MissingExtraError, RaceError

WRITERS = ("tensorboardX", "torch.utils.tensorboard")  # modules that have a SummaryWriter


class Run(NamedTuple):
    """What is logged of one optimizer.

    Attributes:
      name: of the optimizer.
      chosen: what it was raced at, by name.
      figures: what came out, by name; what is not known is left out.
      curve: the number of steps and the values there by name: interquartile means over the final seeds.
    """

    name: str
    chosen: Mapping[str, Any]
    figures: Mapping[str, float]
    curve: tuple[tuple[int, Mapping[str, float]], ...]


def runs(result: Raced) -> Iterator[Run]:
    """One for each optimizer that trained, the best first."""
    settings = result.settings
    for row, record in zip(result.rows, records(result), strict=True):
        if row.failure:
            continue
        chosen = {
            "task": settings.task,
            "optimizer": row.optimizer,
            "composition": row.composition,
            "learning_rate": row.best_rate,
            **row.best_values,
            "steps": settings.of(row.optimizer).steps,
            "batch_size": settings.batch_size,
        }
        named = ("tier", "test_metric", "test_metric_low", "test_metric_high", "test_loss", "steps_to_target")
        figures = {name: record[name] for name in (*named, "state_bytes") if record[name] is not None}
        yield Run(row.optimizer, chosen, figures, tuple(_curve(row, settings.metric)))


def write_events(result: Raced, folder: str | os.PathLike[str]) -> None:
    """Writes event files of TensorBoard: a folder for each optimizer, with its curves and its figures as text."""
    writer_of = _writer()
    for run in runs(result):
        writer = writer_of(str(Path(folder) / re.sub(r"[^\w.()=,+-]+", "_", run.name)))
        for step, values in run.curve:
            for name, value in values.items():
                writer.add_scalar(name, value, step)
        lines = (f"- {name}: {value}" for name, value in {**run.chosen, **run.figures}.items())
        writer.add_text("race", "\n".join(lines))
        writer.close()


def log_to(result: Raced, client: Any, options: Mapping[str, Any]) -> None:
    """Makes a run for each optimizer with a client of MLflow or of Weights & Biases.

    Raises:
      RaceError: if the client has neither `start_run` nor `init`.
    """
    if hasattr(client, "start_run"):
        log = _with_mlflow
    elif hasattr(client, "init"):
        log = _with_wandb
    else:
        raise RaceError(
            f"client is {client!r}, but must be the module mlflow or wandb: it has no start_run and no init."
        )
    for run in runs(result):
        log(run, client, options)


def _with_mlflow(run: Run, client: Any, options: Mapping[str, Any]) -> None:
    with client.start_run(run_name=run.name, **options):
        client.log_params(dict(run.chosen))
        for step, values in run.curve:
            client.log_metrics(dict(values), step=step)
        client.log_metrics(dict(run.figures))


def _with_wandb(run: Run, client: Any, options: Mapping[str, Any]) -> None:
    opened = client.init(name=run.name, config=dict(run.chosen), **options)
    for step, values in run.curve:
        opened.log(dict(values), step=step)
    opened.summary.update(dict(run.figures))
    opened.finish()


def _curve(row: Row, metric: str) -> Iterator[tuple[int, Mapping[str, float]]]:
    """The points of the curves; those at which a seed diverged are left out."""
    by_name = {
        "train/loss": row.curve_train_loss,
        "validation/loss": row.curve_validation_loss,
        f"validation/{re.sub(r'[^A-Za-z0-9_. -]', '_', metric)}": row.curve_validation_metric,
    }
    means = {name: _means(values) for name, values in by_name.items() if values}
    for place, step in enumerate(row.curve_steps):
        values = {name: float(mean[place]) for name, mean in means.items() if np.isfinite(mean[place])}
        if values:
            yield step, values


def _means(by_seed: Any) -> np.ndarray:
    """By evaluation; NaN where a seed diverged."""
    values = np.array(by_seed, float)
    return np.where(np.isfinite(values).all(axis=0), interquartile_mean(values, axis=0), np.nan)


def _writer() -> Any:
    """The class `SummaryWriter` of the first package that is installed."""
    for name in WRITERS:
        try:
            return importlib.import_module(name).SummaryWriter
        except ImportError:
            continue
    raise MissingExtraError("this needs a writer of TensorBoard's files: pip install tensorboardX.")
