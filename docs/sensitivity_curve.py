"""How much the learning rate matters to an optimizer, from the saved races over all algorithms."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path

import svg

from optax_zoo.race import Row, load

SAVED = Path(__file__).parent / "results"
RACES = {"digits_mlp": "digits", "mnist1d_mlp": "MNIST-1D"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 660.0, 230.0, 52.0, 14.0, 46.0


@functools.cache
def rows() -> Mapping[str, Mapping[str, Row]]:
    """By task and optimizer, what the saved races found."""
    return {task: {row.optimizer: row for row in load(SAVED / task).rows} for task in RACES}


def sensitivity_curve(name: str) -> str | None:
    """The drawing for an optimizer; None where no saved race has it."""
    found = {RACES[task]: row for task in RACES if (row := rows()[task].get(name)) is not None and row.rates}
    if not found:
        return None
    rates = sorted({rate for row in found.values() for rate in row.rates if rate})
    low, high = math.log10(rates[0]), math.log10(rates[-1])
    span = max(high - low, 1e-9)

    def at(rate: float, metric: float) -> svg.Point:
        x = LEFT + (WIDTH - LEFT - 20) * ((math.log10(rate) - low) / span if high > low else 0.5)
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (1 - metric)

    parts = list(axes(rates, at))
    for colour, row in zip(svg.COLOURS, found.values(), strict=False):
        points = list(zip(row.rates, map(mean, row.tuning_validation_metric), strict=True))
        parts.append(svg.polyline([at(rate, metric) for rate, metric in points], colour))
        parts += [svg.disc(*at(rate, metric), colour, hollow=rate != row.best_rate) for rate, metric in points]
    for number, (colour, task) in enumerate(zip(svg.COLOURS, found, strict=False)):
        parts.append(svg.disc(LEFT + 12 + 110 * number, HEIGHT - 10, colour))
        parts.append(svg.text(LEFT + 22 + 110 * number, HEIGHT - 5, task, svg.FAINT))
    return svg.drawing(WIDTH, HEIGHT, parts, f"Validation accuracy of {name} by learning rate")


def axes(rates: list[float], at) -> list[str]:
    """Lines for an accuracy of 0, 0.5 and 1, and the powers of ten below them."""
    parts = []
    for metric in (0.0, 0.5, 1.0):
        x, y = at(rates[0], metric)
        parts += [svg.rule(LEFT, y, WIDTH - LEFT - 12, 0), svg.text(LEFT - 8, y + 4, f"{metric:g}", svg.FAINT, "end")]
    for rate in rates:
        if abs(math.log10(rate) - round(math.log10(rate))) < 1e-6:
            x, y = at(rate, 0.0)
            parts.append(svg.text(x, y + 17, f"{rate:g}", svg.FAINT, "middle"))
    return parts


def mean(values: tuple[float | None, ...]) -> float:
    """The mean over seeds; what diverged counts as 0."""
    return sum(value or 0.0 for value in values) / len(values)
