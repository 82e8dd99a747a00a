"""Costs of steps as a table, for a terminal and for Markdown, and as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from optax_zoo.cost.step.costs import Cost, machine
from optax_zoo.cost.step.flops import Flops
from optax_zoo.cost.step.timing import Spread

LEGEND = (
    "state, temp, bytes: of state, of temporaries, and accessed by kernels, each per parameter. / floor: bytes over "
    "those of kernels that write one array each; / least: over gradient, parameter and state read once, parameter and "
    "state written once. flops: floating-point operations per parameter, from the cheapest step to the dearest where "
    "they differ. build: seconds to trace and compile. / mem: step time over that of moving the least bytes. "
    "Ratios are to the other optimizer, medians of builds and of runs that took turns, the latter with quartiles; "
    "below 1 is faster than it."
)
LEFT = ("optimizer", "beside")


def figures_of(cost: Cost) -> dict[str, str]:
    """What XLA says about an optimizer's step, by heading."""
    figures = cost.figures
    return {
        "optimizer": cost.optimizer,
        "state": per_parameter(figures.state_bytes, cost),
        "temp": per_parameter(figures.temporary_bytes, cost),
        "bytes": per_parameter(figures.accessed, cost),
        "/ floor": f"{figures.accessed / figures.floor:.2f}",
        "/ least": f"{figures.accessed / figures.minimum:.2f}",
        "kernels": str(figures.kernels),
        "flops": operations(figures.flops, cost.parameters),
    }


def times_of(cost: Cost) -> dict[str, str] | None:
    """What the clock says, by heading; None if it was not asked."""
    times = cost.times
    if times is None:
        return None
    return {
        "optimizer": cost.optimizer,
        "beside": cost.against,
        "build s": f"{times.trace_seconds + times.compile_seconds:.2f}",
        "ratio": f"{times.build_ratio.median:.2f}",
        "step ms": milliseconds(times.milliseconds),
        "/ mem": factor(times.over_floor.median),
        "time ratio": spread(times.over_other),
    }


def per_parameter(size: float, cost: Cost) -> str:
    """Bytes per parameter, 0 if it is less than a hundredth."""
    return f"{size / cost.parameters:.2f}".rstrip("0").rstrip(".")


def operations(flops: Flops, parameters: int) -> str:
    """Floating-point operations per parameter, of the cheapest and of the dearest step; "+" where more may be."""
    least, most = (_rounded(count / max(parameters, 1)) for count in (flops.least, flops.most))
    return (least if least == most else f"{least}-{most}") + "+" * bool(flops.open_loops)


def _rounded(number: float) -> str:
    """With two digits or more, in thousands where there are many."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}" if number < 10**4 else f"{number / 1000:,.0f}k"


def milliseconds(value: float) -> str:
    """With three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def spread(ratio: Spread) -> str:
    """A median with its quartiles."""
    return f"{factor(ratio.median)} [{factor(ratio.low)}, {factor(ratio.high)}]"


def factor(value: float) -> str:
    """Of hundredths, or of whole numbers where it is large."""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def title(costs: Sequence[Cost]) -> str:
    """What the lines have in common."""
    return f"{costs[0].tree}: {costs[0].parameters:,} parameters; {machine()}"


def as_json(costs: Iterable[Cost]) -> str:
    """All figures, exactly."""
    return json.dumps({"machine": machine(), "costs": [dataclasses.asdict(each) for each in costs]}, indent=2)


def for_terminal(costs: Sequence[Cost]) -> list[Any]:
    """Tables of rich, and what the columns mean."""
    return [title(costs), *(_table(lines) for lines in _lines(costs)), LEGEND]


def for_markdown(costs: Sequence[Cost]) -> list[str]:
    """The same tables in Markdown."""
    return [_markdown(lines) for lines in _lines(costs)]


def _lines(costs: Sequence[Cost]) -> list[list[dict[str, str]]]:
    """The lines of the first table, and of the second if there is one."""
    timed = [found for found in map(times_of, costs) if found]
    return [[figures_of(each) for each in costs], *([timed] if timed else [])]


def _table(lines: Sequence[dict[str, str]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in lines[0]:
        table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=True)
    for each in lines:
        table.add_row(*each.values())
    return table


def _markdown(lines: Sequence[dict[str, str]]) -> str:
    heads = list(lines[0])
    rule = ["---" if heading in LEFT else "---:" for heading in heads]
    rows = [[f"`{each['optimizer']}`", *list(each.values())[1:]] for each in lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))
