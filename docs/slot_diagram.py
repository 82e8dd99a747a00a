"""An optimizer drawn as its slots: what a gradient passes on its way to a step."""

import textwrap
from collections.abc import Mapping

import svg

import optax_zoo as zoo
from optax_zoo.primitives.expressions import expression

WIDTH, LABEL, LINE, GAP = 660.0, 112.0, 16.0, 16.0


def slot_diagram(name: str, tx: object) -> str:
    """The drawing of a pipeline; of a route one for each side, under its name."""
    if isinstance(tx, zoo.Route):
        return "\n\n".join(f"**{side}**\n\n{slot_diagram(f'{name}, {side}', part)}" for side, part in tx.slots.items())
    slots = texts(tx)
    parts, y = [svg.text(LABEL + (WIDTH - LABEL) / 2, 14, "gradient", svg.FAINT, "middle")], 20.0
    for slot, printed in slots.items():
        lines = wrapped(printed)
        height = LINE * len(lines) + 14
        parts += [
            svg.arrow(LABEL + (WIDTH - LABEL) / 2, y, y + GAP),
            svg.box(LABEL, y + GAP, WIDTH - LABEL - 2, height),
        ]
        parts.append(svg.text(LABEL - 10, y + GAP + 20, verb(slot, slots), svg.FAINT, "end"))
        parts += [
            svg.text(LABEL + 12, y + GAP + 20 + LINE * number, line, monospaced=True)
            for number, line in enumerate(lines)
        ]
        y += GAP + height
    parts.append(svg.arrow(LABEL + (WIDTH - LABEL) / 2, y, y + GAP))
    parts.append(svg.text(LABEL + (WIDTH - LABEL) / 2, y + GAP + 14, "update", svg.FAINT, "middle"))
    said = ", ".join(f"{slot}: {printed}" for slot, printed in slots.items())
    return svg.drawing(WIDTH, y + GAP + 22, parts, f"The slots of {name}. {said}")


def texts(tx: object) -> dict[str, str]:
    """What is in each slot, as it prints."""
    slots: Mapping[str, object] = getattr(tx, "slots", {})
    return {slot: expression(part, slot) for slot, part in slots.items()}


def verb(slot: str, slots: Mapping[str, str]) -> str:
    """The name of a slot, with a division sign where it is divided by."""
    return f"÷ {slot}" if slot == "denominator" and "numerator" in slots else slot


def wrapped(printed: str) -> list[str]:
    """What a part prints as, in lines that fit into a box."""
    return textwrap.wrap(printed, int((WIDTH - LABEL - 26) / svg.CHARACTER), break_on_hyphens=False)
