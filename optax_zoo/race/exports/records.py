"""The figures of a race as flat records, one for each optimizer or for each point of a curve."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optax_zoo.race.analysis.verdicts import standing
from optax_zoo.race.rows import Raced
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.running.selectors import family_of

Record = dict[str, Any]
FIGURES = (
    *("task", "optimizer", "family", "tier", "best_rate", "metric", "test_metric", "test_metric_low"),
    *(
        "test_metric_high",
        "test_loss",
        "default_rate",
        "default_test_metric",
        "steps_to_target",
        "state_bytes",
        "notes",
    ),
)
POINTS = ("task", "optimizer", "seed", "step", "train_loss", "validation_loss", "validation_metric")


def records(result: Raced, curves: bool = False) -> list[Record]:
    """One for each optimizer, the best first, with the fields `FIGURES`; or one for each point, with `POINTS`.

    What is not known is None.
    """
    return list(_points(result) if curves else _figures(result))


def text_of(results: Sequence[Raced], curves: bool = False) -> str:
    """The records of races as comma-separated values under a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, POINTS if curves else FIGURES, lineterminator="\n")
    writer.writeheader()
    for result in results:
        writer.writerows(records(result, curves))
    return text.getvalue()


def written(text: str, path: str | os.PathLike[str] | None) -> str | None:
    """The text itself; None if there is a file for it to be written to."""
    if path is None:
        return text
    Path(path).write_text(text, encoding="utf-8")
    return None


def _figures(result: Raced) -> Iterator[Record]:
    verdicts = standing(result)
    for row in result.rows:
        low, high = row.test_metric_interval or (None, None)
        yield {
            "task": result.settings.task,
            "optimizer": row.optimizer,
            "family": family_of(row.optimizer),
            "tier": verdicts[row.optimizer].tier,
            "best_rate": row.best_rate,
            "metric": result.settings.metric,
            "test_metric": row.test_metric,
            "test_metric_low": low,
            "test_metric_high": high,
            "test_loss": row.test_loss,
            "default_rate": row.default_rate,
            "default_test_metric": _mean(row.default_test_metric),
            "steps_to_target": row.steps_to_target,
            "state_bytes": row.state_bytes,
            "notes": "; ".join(row.notes),
        }


def _mean(by_seed: Sequence[float | None]) -> float | None:
    """The interquartile mean; None if there is no seed, or one diverged."""
    return None if not by_seed or None in by_seed else float(interquartile_mean(np.array(by_seed, float)))


def _points(result: Raced) -> Iterator[Record]:
    for row in result.rows:
        curves = row.curve_train_loss, row.curve_validation_loss, row.curve_validation_metric
        for seed, of_seed in zip(row.final_seeds, zip(*curves, strict=True), strict=bool(row.curve_train_loss)):
            for step, *values in zip(row.curve_steps, *of_seed, strict=True):
                names = result.settings.task, row.optimizer, seed, step
                yield dict(zip(POINTS, (*names, *values), strict=True))
