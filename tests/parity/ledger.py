"""Prints the parity ledger, the table of docs/parity.md: `python tests/parity/ledger.py`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
from harness import Replay, cases, largest_error
from registered import is_compiled
from replays import NOT_REPLAYED, REPLAYS

HEADINGS = ("algorithm", "original", "cases", "arithmetic", "largest error", "tolerance")


def groups(algorithm: str) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """The replayed cases of an algorithm by source and arithmetic."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, case in cases(algorithm).items():
        if name not in NOT_REPLAYED.get(algorithm, {}):
            arithmetic = replay_of(algorithm, name).arithmetic_of(case)
            found.setdefault((case["source"], arithmetic), []).append(case)
    for (source, dtype), group in found.items():
        yield source, dtype, group


def replay_of(algorithm: str, name: str) -> Replay:
    """How a case is expressed here."""
    source = name.split("/")[0]
    if source not in REPLAYS[algorithm]:
        raise LookupError(f"tests/algorithms/{algorithm}/replay.py does not say how {source} is replayed.")
    return REPLAYS[algorithm][source]


def uncompiled(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step as it is: compiling would take most of the time."""
    return step


def rows(measure: bool) -> Iterator[tuple[str, ...]]:
    """A row for each algorithm, source and arithmetic; without `measure` the errors are left out."""
    for algorithm in sorted(REPLAYS):
        for source, dtype, group in groups(algorithm):
            replays = [(case, replay_of(algorithm, case["name"])) for case in group]
            transform = jax.jit if is_compiled(algorithm) else uncompiled
            error = power_of_ten(max(largest_error(*each, transform) for each in replays)) if measure else "-"
            tolerance = max(replay.tolerance_of(case) for case, replay in replays)
            yield f"`{algorithm}`", source, str(len(group)), dtype, error, f"{tolerance:.0e}"


def power_of_ten(error: float) -> str:
    """The next power of ten above an error, at least 1e-15: less is the rounding of the machine at hand."""
    return f"1e{max(-15, math.ceil(math.log10(error)) if error else -15)}"


def table(measure: bool = True) -> str:
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows(measure)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    left_out = [(a, name, why) for a in sorted(NOT_REPLAYED) for name, why in NOT_REPLAYED[a].items()]
    wider = [(a, source, r.why) for a in sorted(REPLAYS) for source, r in REPLAYS[a].items() if r.why]
    return "\n\n".join([text, *listed("Not replayed:", left_out), *listed("With tolerances of their own:", wider)])


def listed(heading: str, reasons: list[tuple[str, str, str]]) -> list[str]:
    """A heading and a list of algorithm, source or case, and reason; nothing where there are none."""
    lines = [f"- `{algorithm}`, {name}: {why}" for algorithm, name, why in reasons]
    return [heading, "\n".join(lines)] if lines else []


if __name__ == "__main__":
    print(table())
