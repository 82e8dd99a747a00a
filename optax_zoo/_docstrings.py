"""Docstrings of algorithms, completed with what is said elsewhere.

The section `Args:` of an algorithm says what is particular to it. What it leaves out comes from the algorithm that it
is a variant of, or is common to all, and so do the states and exceptions of a variant. An entry that begins with `...`
goes on where what is common ends, and if nothing is, where the other's ends.
"""

import inspect
import re
from collections.abc import Iterable, Mapping

from optax_zoo._descriptions import COMMON

_SECTIONS = ("Args", "Returns", "State", "Raises", "Example", "Claim", "Source")  # in the order of a docstring
_HEADING = re.compile(rf"^({'|'.join(_SECTIONS)}):\n", re.MULTILINE)
_ENTRY = re.compile(r"^  (\**\w+): ", re.MULTILINE)


def completed(docstring: str | None, hyperparameters: Iterable[str], base: str = "") -> str | None:
    """A docstring with a description of every hyperparameter of which one is known, in the order of the signature.

    Args:
      docstring: of an algorithm, as written.
      hyperparameters: names, in the order of the signature.
      base: the docstring that sections which are left out are taken from. Without one, and without `Args:`, nothing is
        completed.
    """
    if docstring is None:
        return None
    (summary, sections), (_, inherited) = _split(inspect.cleandoc(docstring)), _split(base)
    if not inherited and "Args" not in sections:
        return docstring
    known = _DESCRIPTIONS | _entries(inherited)
    sections["Args"] = "\n".join(_described(hyperparameters, _entries(sections), known))
    sections = {name: inherited[name] for name in ("State", "Raises") if name in inherited} | sections
    bodies = (f"{name}:\n{sections[name].rstrip()}" for name in _SECTIONS if name in sections)
    return "\n\n".join([summary.rstrip(), *bodies])


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and the sections by name."""
    summary, *rest = _HEADING.split(docstring)
    return summary, dict(zip(rest[::2], rest[1::2], strict=True))


def _entries(sections: Mapping[str, str]) -> dict[str, str]:
    """The descriptions of a section `Args`, by name."""
    _, *rest = _ENTRY.split(sections.get("Args", ""))
    return {name: text.rstrip() for name, text in zip(rest[::2], rest[1::2], strict=True)}


def _described(hyperparameters: Iterable[str], own: Mapping[str, str], known: Mapping[str, str]) -> Iterable[str]:
    for name in dict.fromkeys([*hyperparameters, *own]):
        text = own.get(name, known.get(name))
        if text is not None and text.startswith("... ") and name in known:
            text = f"{_DESCRIPTIONS.get(name, known[name])}\n    {text.removeprefix('... ')}"
        if text is not None:
            yield f"  {name}: {text}"


_DESCRIPTIONS = _entries(_split(COMMON)[1])
