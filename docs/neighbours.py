"""Which algorithms are nearest to one, and what sets them apart, slot by slot."""

import functools
import re

import slot_diagram

import optax_zoo as zoo

SHOWN = 3


@functools.cache
def slots_of(name: str) -> dict[str, str]:
    """What is in each slot at the defaults; of a route by side and slot."""
    tx = zoo.create(name)
    if not isinstance(tx, zoo.Route):
        return slot_diagram.texts(tx)
    sides = {side: slot_diagram.texts(part) for side, part in tx.slots.items()}
    return {f"{side}: {slot}": part for side, slots in sides.items() for slot, part in slots.items()}


def differences(name: str, other: str) -> dict[str, tuple[str, str]]:
    """By slot what stands in it here and there, where that differs; rates are left out, which are tuned."""
    ours, theirs = slots_of(name), slots_of(other)
    slots = dict.fromkeys([*ours, *theirs])
    both = {slot: (ours.get(slot, ""), theirs.get(slot, "")) for slot in slots}
    return {slot: pair for slot, pair in both.items() if pair[0] != pair[1] and not _are_rates(slot, *pair)}


def _are_rates(slot: str, *texts: str) -> bool:
    return slot.endswith("learning_rate") and all(text.replace(".", "").replace("e-", "").isdigit() for text in texts)


def nearest(name: str) -> list[str]:
    """The one that it is a variant of, and those with most in common, of its family first among equals."""
    family = zoo.describe(name).family
    others = [
        other for other in zoo.list_algorithms() if other != name and slots_of(name).keys() & slots_of(other).keys()
    ]

    def order(other: str) -> tuple[float, bool, str]:
        return distance(name, other), zoo.describe(other).family != family, other

    base = [each for each in [zoo.describe(name).variant_of] if each]
    return list(dict.fromkeys([*base, *sorted(others, key=order)]))[:SHOWN]


def distance(name: str, other: str) -> float:
    """A weighted count of the slots that differ: 0.25 by numbers alone, 0.5 where one is empty, 0.6 by another part."""
    return sum(
        0.5 if not (here and there) else 0.25 if _bare(here) == _bare(there) else 0.6
        for here, there in differences(name, other).values()
    )


def _bare(part: str) -> str:
    """A part without its numbers."""
    return re.sub(r"(\w+=)?-?\d[\d.e-]*(, )?", "", part)


def neighbours(name: str) -> str:
    """A table of what the nearest algorithms have in the slots that differ."""
    rows = ["| beside | slot | here | there |", "| --- | --- | --- | --- |"]
    for other in nearest(name):
        link = f"[`{other}`]({other}.md)"
        for slot, (here, there) in differences(name, other).items():
            rows.append(f"| {link} | {slot} | {_cell(here)} | {_cell(there)} |")
            link = ""
        if link:
            rows.append(f"| {link} | | the same but for the rate's default | |")
    return "\n".join(rows) if len(rows) > 2 else "No other algorithm here shares a part with it."


def _cell(part: str) -> str:
    return f"`{part}`" if part else "-"
