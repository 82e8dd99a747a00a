"""The parity ledger: `python tests/parity/ledger.py [--write|--check] docs/parity.md`."""

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Replay, cases, largest_error
from replays import NOT_REPLAYED, REPLAYS

BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"
HEADINGS = ("algorithm", "original", "cases", "arithmetic", "largest error", "tolerance")


def groups(algorithm: str) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """The replayed cases of an algorithm by source and arithmetic."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, case in cases(algorithm).items():
        if name not in NOT_REPLAYED.get(algorithm, {}):
            found.setdefault((case["source"], case["dtype"]), []).append(case)
    for (source, dtype), group in found.items():
        yield source, dtype, group


def replay_of(algorithm: str, name: str) -> Replay:
    """How a case is expressed here."""
    return REPLAYS[algorithm][name.split("/")[0]]


def rows(measure: bool) -> Iterator[tuple[str, ...]]:
    """A row for each algorithm, source and arithmetic; without `measure` the errors are left out."""
    for algorithm in sorted(REPLAYS):
        for source, dtype, group in groups(algorithm):
            replays = [(case, replay_of(algorithm, case["name"])) for case in group]
            error = power_of_ten(max(largest_error(*each) for each in replays)) if measure else "-"
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


def stated(text: str) -> str:
    """What a page has between the markers."""
    return text.split(BEGIN)[1].split(END)[0].strip()


def without_errors(text: str) -> str:
    """A table with its errors left out, which differ in the last digit between machines."""
    lines = [line.split(" | ") for line in text.splitlines()]
    return "\n".join(" | ".join([*line[:4], "-", *line[5:]]) if len(line) == 6 else " | ".join(line) for line in lines)


def understated(before: str, now: str) -> list[str]:
    """Rows whose error is now more than ten times what the page says."""
    pairs = zip(before.splitlines(), now.splitlines(), strict=True)
    cells = [(was.split(" | "), now.split(" | ")) for was, now in pairs if " | 1e-" in was]
    return [now[0] + now[1] for was, now in cells if float(now[4]) > 10 * float(was[4])]


def main() -> int:
    parser = argparse.ArgumentParser(description="The parity ledger, from the recorded cases and their replays.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {BEGIN} and {END}")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if the page is out of date")
    arguments = parser.parse_args()
    now = table()
    if arguments.write:
        before, rest = arguments.write.read_text().split(BEGIN)
        arguments.write.write_text(f"{before}{BEGIN}\n{now}\n{END}{rest.split(END)[1]}")
    elif arguments.check:
        before = stated(arguments.check.read_text())
        if without_errors(before) != without_errors(now) or understated(before, now):
            print(f"{arguments.check} is out of date; run: python {sys.argv[0]} --write {arguments.check}")
            return 1
    else:
        print(now)
    return 0


if __name__ == "__main__":
    sys.exit(main())
