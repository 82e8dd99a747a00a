"""What `optax-zoo show` prints: all that is known about a registered optimizer, and what can be known about another."""

import inspect
import itertools
import re
import textwrap
from typing import Any

import optax
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from optax_zoo._maths import unicode_maths
from optax_zoo.conformance.probe import needs_of, state_bytes
from optax_zoo.pipeline import Pipeline
from optax_zoo.registry import CLAIMS, Algorithm
from optax_zoo.spelling import Spelling, read

_SHOWN = ("State", "Example", "Claim", "Source")  # sections of a docstring that are printed as they are


def description(name: str) -> list[Any]:
    """What `show` prints about an optimizer.

    Raises:
      ValueError: if there is none of that name.
    """
    found = read(name, "name")
    blocks = _of_unregistered(found) if found.algorithm is None else _of_registered(found.algorithm)
    return [Group(Text(title, style="bold"), Padding(body, (0, 0, 1, 2))) for title, body in blocks.items()]


def _of_registered(known: Algorithm) -> dict[str, Any]:
    """What is known about an algorithm, by heading."""
    sections = _sections(known.docstring)
    return {
        f"{known.name}: {known.full_name}": Text("\n".join(_origin(known))),
        "Update": Text(_prose(sections[""])),
        "Composition": Text(known.composition),
        "Hyperparameters": _hyperparameters(known, sections.get("Args", "")),
        **{
            title: Text(_prose(sections[title]))
            for title in ("State", "Example", "Claim", "Source")
            if title in sections
        },
        "Conformance": _conformance(known),
    }


def _origin(known: Algorithm) -> list[str]:
    """Publication, family and proof of an algorithm."""
    variant = f", a variant of {known.variant_of}" if known.variant_of else ""
    return [f"{known.paper} ({known.year})", known.url, f"family: {known.family}{variant}", f"proof: {known.proof}"]


def _of_unregistered(found: Spelling) -> dict[str, Any]:
    """What can be known about a function of optax or a user, by heading."""
    blocks = {
        found.text: Text(_opening(inspect.getdoc(found.factory) or "It has no docstring.")),
        "Signature": Text(_signature(found)),
    }
    try:
        made = found.make()
        needs, size = needs_of(made), state_bytes(made)
    except ValueError as error:
        return {**blocks, "Not made": Text(str(error))}
    known = "update could not be tried" if needs is None else ", ".join(needs) or "nothing beside gradients and state"
    return {
        **blocks,
        "Composition": Text(_composition(found, made)),
        "Needs": Text(known),
        "State": Text(f"{size:g} bytes per float32 parameter"),
    }


def _signature(found: Spelling) -> str:
    """The factory with its parameters; a default that prints as an address is left out."""
    bare = [
        p.replace(annotation=p.empty, default=... if " at 0x" in repr(p.default) else p.default)
        for p in found.parameters.values()
    ]
    return f"{getattr(found.factory, '__name__', found.text)}{inspect.Signature(bare)}".replace("Ellipsis", "...")


def _composition(found: Spelling, made: optax.GradientTransformation) -> str:
    """A pipeline as it prints; otherwise the call, since the parts of other transformations cannot be known."""
    if isinstance(made, Pipeline):
        return repr(made)
    call = ", ".join(f"{name}={value!r}" for name, value in found.example.items())
    return f"{found.text}({call}), which is not a Pipeline: it has no slots to look into"


def _opening(docstring: str) -> str:
    """The first paragraphs of a docstring, two at most."""
    paragraphs = re.split(r"\n\s*\n", _sections(docstring)[""].rstrip())
    prose = itertools.takewhile(lambda text: not text.startswith((" ", "..", ">>>")), paragraphs)
    return _prose("\n\n".join(itertools.islice(prose, 2)))


def _conformance(known: Algorithm) -> Any:
    """The invariances that it has, and the checks that it does not pass."""
    table = Table.grid(padding=(0, 2))
    for claim in known.claims:
        table.add_row(Text(claim), Text(CLAIMS[claim]))
    for check, reason in known.expected_failures.items():
        table.add_row(Text(f"not {check}"), Text(reason))
    return table


def _hyperparameters(known: Algorithm, meanings: str) -> Any:
    """Names, defaults and what the docstring says about them, as a table."""
    entries = re.split(r"^(\w+): ", meanings, flags=re.MULTILINE)
    meaning = dict(zip(entries[1::2], entries[2::2], strict=True))
    table = Table.grid(padding=(0, 2))
    for name, default in known.defaults.items():
        table.add_row(Text(name), Text(repr(default)), Text(_prose(meaning.get(name, ""))))
    return table


def _sections(docstring: str) -> dict[str, str]:
    """The body of each section of a Google-style docstring by its title; the opening has the title ""."""
    opening, *parts = re.split(r"^([A-Z]\w+):\n", docstring, flags=re.MULTILINE)
    bodies = {title: textwrap.dedent(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}
    return {"": opening, **bodies}


def _prose(text: str) -> str:
    """Text of a docstring without markup: paragraphs are joined, formulas and examples keep their lines."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text.rstrip()):
        if block.startswith("    "):
            paragraphs.append(unicode_maths(block))
        elif block.startswith(">>>"):
            paragraphs.append(block)
        elif block != ".. math::":
            joined = re.sub(r"\s*\n(?!\d+\. )\s*", " ", block)
            paragraphs.append(re.sub(r":math:`([^`]*)`", lambda found: unicode_maths(found[1]), joined))
    return "\n\n".join(paragraphs).rstrip()
