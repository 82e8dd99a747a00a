"""A map of the algorithms: a row for each, by family, a column for each slot, and boxes that filter by parts."""

import ast
import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape

import slot_table

import optax_zoo as zoo
from optax_zoo.primitives.expressions import expression
from optax_zoo.registry import families

AROUND = frozenset({"serial", "parallel", "debiased"})  # of others, which they are about
NUMBER = "number"
Row = tuple[str, str, Mapping[str, str]]


def algorithm_map() -> str:
    """The boxes, and the table under them, as HTML, each on a line."""
    count = len({name for name, *_ in rows()})
    shown = f'<p class="map-count" aria-live="polite" data-all="{count}">{count} of {count} algorithms</p>'
    return f'<div class="map-filter">{"".join(boxes())}</div>\n\n{shown}\n\n<div class="map">{table()}</div>'


@functools.cache
def rows() -> tuple[Row, ...]:
    """Of each algorithm at its defaults its name, the side of a route, and what is in its slots, as printed."""
    return tuple(
        (name, side, {slot: expression(part, slot) for slot, part in getattr(tx, "slots", {}).items()})
        for name in zoo.list_algorithms()
        for side, tx in slot_table.sides(zoo.describe(name))
    )


def parts(printed: str) -> tuple[str, ...]:
    """The names of the parts of what a slot prints, the outermost first, without those that are around others."""
    tree = ast.parse(printed, mode="eval").body
    if isinstance(tree, ast.Constant):
        return (NUMBER,)
    calls = [node for node in _outermost_first(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    names = dict.fromkeys(call.func.id for call in calls if isinstance(call.func, ast.Name))
    return tuple(name for name in names if name not in AROUND) or tuple(names) or (ast.unparse(tree),)


def _outermost_first(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from _outermost_first(child)


@functools.cache
def found() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """By slot that any row fills the parts of each row that does."""
    slots = {slot: tuple(parts(filled[slot]) for *_, filled in rows() if slot in filled) for slot in zoo.SLOTS}
    return {slot: each for slot, each in slots.items() if each}


@functools.cache
def usual(slot: str) -> tuple[str, ...] | None:
    """What more than half of the rows have there that have anything."""
    ((most, count),) = Counter(found()[slot]).most_common(1)
    return most if 2 * count > len(found()[slot]) else None


def boxes() -> Iterator[str]:
    """A choice of the family, and for each slot one of its parts, or of none."""
    sizes = Counter(zoo.describe(name).family for name in zoo.list_algorithms())
    yield _box("family", [("", "any"), *((name, f"{name} ({sizes[name]})") for name in families())])
    for slot, each in found().items():
        names = Counter(name for of_row in each for name in of_row).most_common()
        choices = [(name, f"{name} ({count})") for name, count in names]
        yield _box(slot, [("", "any"), ("+", "filled"), ("-", "empty"), *choices])


def _box(name: str, options: list[tuple[str, str]]) -> str:
    choices = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<label>{name} <select data-filter="{name}">{choices}</select></label>'


def table() -> str:
    """The rows by family, and in each slot that is filled a dot that leads to the page."""
    heads = "".join(f'<th scope="col"><span>{slot}</span></th>' for slot in found())
    bodies = "".join(_family(family, sentence.partition(": ")[0]) for family, sentence in families().items())
    return f'<table><thead><tr><th scope="col">algorithm</th>{heads}</tr></thead>{bodies}</table>'


def _family(family: str, title: str) -> str:
    lines = "".join(_line(*row) for row in rows() if zoo.describe(row[0]).family == family)
    head = f'<tr><th colspan="{len(found()) + 1}" scope="rowgroup">{escape(title)}</th></tr>'
    return f'<tbody data-family="{family}">{head}{lines}</tbody>'


def _line(name: str, side: str, filled: Mapping[str, str]) -> str:
    data = "".join(f' data-{slot}="{" ".join(parts(printed))}"' for slot, printed in filled.items())
    shown = escape(name) + (f", {escape(side)}" if side else "")
    cells = "".join(_cell(name, slot, filled.get(slot)) for slot in found())
    return f'<tr data-name="{name}"{data}><th scope="row"><a href="algorithms/{name}.html">{shown}</a></th>{cells}</tr>'


def _cell(name: str, slot: str, printed: str | None) -> str:
    if printed is None:
        return "<td></td>"
    kind = "usual" if parts(printed) == usual(slot) else "other"
    said = escape(f"{name}, {slot}: {printed}", quote=True)
    return f'<td><a class="{kind}" href="algorithms/{name}.html#slots" title="{said}" aria-label="{said}"></a></td>'
