"""What a step communicates, from the text of its program, with loops as often as they turn."""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.-]+) .*\{$")
BODY = re.compile(r" while\(.*body=%?([\w.-]+)")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
BRANCHES = re.compile(
    r" conditional\(.*(?:branch_computations=\{([^}]*)\}|true_computation=(\S+), false_computation=(\S+))"
)
CALLED = re.compile(r" (?:call|async-start)\(.*(?:to_apply|calls)=%?([\w.-]+)")


@dataclasses.dataclass(frozen=True)
class Communicated:
    """Arrays of one kind and shape that a device receives in a step.

    Attributes:
      kind: as HLO names it: all-reduce, all-gather ...
      shape: of a result, as HLO writes it: f32[8,4].
    """

    kind: str
    shape: str

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(int(n) for n in re.findall(r"\d+", self.shape.partition("[")[2]))

    @property
    def bytes(self) -> int:
        """Its size."""
        bits = re.search(r"\d+", self.shape.partition("[")[0])
        return self.elements * max(1, int(bits[0]) // 8 if bits else 1)


def executed(text: str, *, renews: bool = True) -> Counter[Communicated]:
    """The results of collectives, by how often a step has them.

    Args:
      text: of a compiled program.
      renews: of the branches of a choice the one counts that communicates most bytes, as in steps that renew a
        preconditioner; False for the one that communicates least.
    """
    lines = dict(_computations(text))
    entry = re.search(r"^ENTRY %?([\w.-]+)", text, re.MULTILINE)
    return _of(entry[1], lines, max if renews else min) if entry else Counter()


def total_bytes(found: Counter[Communicated]) -> int:
    """Their size together."""
    return sum(each.bytes * times for each, times in found.items())


def _computations(text: str) -> Iterator[tuple[str, list[str]]]:
    name = ""
    body: list[str] = []
    for line in text.splitlines():
        start = COMPUTATION.match(line)
        if start:
            name, body = start[1], []
        elif line.startswith("}"):
            yield name, body
        else:
            body.append(line)


def _of(name: str, lines: dict[str, list[str]], which: Callable[..., Any]) -> Counter[Communicated]:
    from optax_zoo.conformance.devices import collectives

    found: Counter[Communicated] = Counter()
    for line in lines.get(name, ()):
        found.update(Communicated(kind, shape) for kind, shape in collectives(line))
        if body := BODY.search(line):
            trips = TRIPS.search(line)
            for each, times in _of(body[1], lines, which).items():
                found[each] += times * (int(trips[1]) if trips else 1)
        elif branches := BRANCHES.search(line):
            names = re.findall(r"[\w.-]+", " ".join(filter(None, branches.groups())))
            found.update(which((_of(each, lines, which) for each in names), key=total_bytes))
        elif called := CALLED.search(line):
            found.update(_of(called[1], lines, which))
    return found
