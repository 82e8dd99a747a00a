"""What `optax-zoo list` prints: the registered algorithms in families, in running lines or a line for each."""

import fnmatch
from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from optax_zoo.record import Algorithm
from optax_zoo.registry import describe, families, list_algorithms

FAMILY = "family:"


def overview() -> Group:
    """The names of all algorithms, family by family: no more than a screen."""
    known = [describe(name) for name in list_algorithms()]
    table = Table.grid(padding=(0, 2, 0, 0))
    for family in families():
        names = [each.name for each in known if each.family == family]
        table.add_row(Text(f"{family} ({len(names)})", style="bold"), Text(" ".join(names)))
    hint = "optax-zoo list --long: what each is; --filter 'ada*,family:sign': of some; optax-zoo show NAME: all of one."
    return Group(table, Text(f"{_total(known)}. {hint}", style="dim"))


def listing(pattern: str = "*") -> Group:
    """Lines of all algorithms whose name or family matches one of some patterns.

    Args:
      pattern: patterns separated by commas; `family:adam` is of families alone.

    Raises:
      ValueError: if none matches.
    """
    patterns = [each.strip().lower() for each in pattern.split(",")]

    def matches(known: Algorithm) -> bool:
        names = [known.name, known.family, FAMILY + known.family]
        return any(fnmatch.fnmatchcase(name.lower(), each) for name in names for each in patterns)

    names = list_algorithms(matches)
    if not names:
        raise ValueError(
            f"filter is {pattern!r}, but matches no algorithm and no family; families are {', '.join(families())}."
        )
    return Group(*_lines([describe(name) for name in names]))


def _lines(algorithms: list[Algorithm]) -> Iterator[Text]:
    width = max(len(each.name) for each in algorithms)
    states = {each.name: f"{each.state_bytes:g} B" for each in algorithms}
    needs = {each.name: ",".join(each.needs) for each in algorithms}
    state, need = (max(map(len, texts.values())) for texts in (states, needs))
    state, need = max(state, len("state")), max(need, len("needs"))
    yield _line(Text(f"  {'name':<{width}}  year  {'state':>{state}}  {'needs':<{need}}  what it is", style="dim"))
    for family, sentence in families().items():
        members = [each for each in algorithms if each.family == family]
        if members:
            yield Text()
            yield _line(Text(family, style="bold"), f" ({len(members)}): {sentence.partition(': ')[2]}")
        for each in members:
            figures = f"  {each.year}  {states[each.name]:>{state}}  {needs[each.name]:<{need}}  {_meaning(each)}"
            yield _line(Text(f"  {each.name:<{width}}", style="bold"), figures)
    yield Text()
    legend = "state: bytes per float32 parameter; needs: what update is given"
    yield _line(Text(f"{_total(algorithms)}\n{legend}", style="dim"))


def _total(algorithms: list[Algorithm]) -> str:
    count = len({each.family for each in algorithms})
    return f"{len(algorithms)} algorithm{'s' * (len(algorithms) > 1)} in {count} famil{'ies' if count > 1 else 'y'}"


def _meaning(known: Algorithm) -> str:
    """The full name, without the name that the line begins with, if more is left."""
    first, _, rest = known.full_name.partition(": ")
    alike = first.lower().replace("-", "").replace(" ", "") == known.name.replace("_", "")
    return rest if rest and alike else known.full_name


def _line(start: Text, rest: str = "") -> Text:
    """One line, which a narrow terminal cuts short."""
    line = Text.assemble(start, rest)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
