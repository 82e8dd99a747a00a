"""The table of a race in LaTeX."""

import math
import re
from collections.abc import Iterator

from optax_zoo.race.analysis.verdicts import standing
from optax_zoo.race.rows import Raced, Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.terminal.formats import column_places, number

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def latex(result: Raced) -> str:
    """A `tabular` of the rows, the best first, with rules of the package booktabs; the first tier is bold."""
    verdicts = standing(result)
    timed = result.settings.target is not None
    places = column_places([row.test_metric_interval for row in result.rows])
    lines = [
        " & ".join(_cells(row, verdicts[row.optimizer].tier, digits, timed)) + r" \\"
        for row, digits in zip(result.rows, places, strict=True)
    ]
    head = " & ".join(_headings(result.settings)) + r" \\"
    columns = f"ll{'r' * (4 if timed else 3)}"
    table = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join([f"% {line}" for line in _comments(result.settings)] + table) + "\n"


def _comments(settings: Settings) -> Iterator[str]:
    yield r"\usepackage{booktabs}"
    yield (
        f"{settings.task}, {settings.budget}, {settings.final_seeds} seeds: interquartile mean with its 95 % "
        "bootstrap interval; bytes of state per parameter; bold: tier 1".replace("\n", " ")
    )


def _headings(settings: Settings) -> Iterator[str]:
    yield "optimizer"
    yield f"{_escaped(settings.metric)} [95\\,\\%]"
    yield "tier"
    yield "rate"
    if settings.target is not None:
        yield f"steps to ${settings.target:g}$"
    yield "bytes"


def _cells(row: Row, tier: int | None, places: int, timed: bool) -> Iterator[str]:
    name = _escaped(row.optimizer)
    yield rf"\textbf{{{name}}}" if tier == 1 else name
    if row.test_metric is None or row.test_metric_interval is None:
        yield "could not run" if row.failure else "diverged"
    else:
        value, low, high = (_number(x, places) for x in (row.test_metric, *row.test_metric_interval))
        yield f"{value} [{low}, {high}]"
    yield "--" if tier is None else str(tier)
    yield "--" if row.best_rate is None else _power(row.best_rate)
    if timed:
        yield "--" if row.steps_to_target is None else f"{row.steps_to_target:g}"
    yield "--" if row.state_bytes is None else f"{row.state_bytes:.2f}"


def _number(value: float, places: int) -> str:
    text = number(value, places)
    return f"$-${text[1:]}" if text.startswith("-") else text


def _power(rate: float) -> str:
    """A rate with three digits: 0.0316, or a power of ten where that is long."""
    text = f"{rate:.3g}"
    if "e" not in text:
        return text
    exponent = math.floor(math.log10(rate))
    factor = f"{rate / 10**exponent:.3g}"
    return f"$10^{{{exponent}}}$" if factor == "1" else rf"${factor} \cdot 10^{{{exponent}}}$"


def _escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    return re.sub(r"[\\~^&%$#_{}<>]", lambda found: SPECIAL.get(found[0]) or _special(found[0]), text)


def _special(character: str) -> str:
    return f"${character}$" if character in "<>" else f"\\{character}"
