"""What `optax-zoo list` prints: the registered algorithms, a line for each, in families."""

import fnmatch
from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from optax_zoo.record import Algorithm
from optax_zoo.registry import describe, families, list_algorithms


def listing(pattern: str = "*") -> Group:
    """Lines of all algorithms whose name or family matches a pattern.

    Raises:
      ValueError: if none does.
    """

    def matches(known: Algorithm) -> bool:
        return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for name in (known.name, known.family))

    names = list_algorithms(matches)
    if not names:
        raise ValueError(
            f"filter is {pattern!r}, but matches no algorithm and no family; families are {', '.join(families())}."
        )
    return Group(*_lines([describe(name) for name in names]))


def _lines(algorithms: list[Algorithm]) -> Iterator[Text]:
    width = max(len(each.name) for each in algorithms)
    yield _line(Text(f"  {'name':<{width}}  year  state  needs   full name", style="dim"))
    for family, sentence in families().items():
        members = [each for each in algorithms if each.family == family]
        if members:
            yield Text()
            yield _line(Text(family, style="bold"), f": {sentence.partition(': ')[2]}")
        for each in members:
            figures = f"  {each.year}  {f'{each.state_bytes:g} B':>5}  {','.join(each.needs):<6}  {each.full_name}"
            yield _line(Text(f"  {each.name:<{width}}", style="bold"), figures)
    yield Text()
    yield _line(Text("state: bytes per float32 parameter at the defaults; needs: what update is given", style="dim"))


def _line(start: Text, rest: str = "") -> Text:
    """One line, which a narrow terminal cuts short."""
    line = Text.assemble(start, rest)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
