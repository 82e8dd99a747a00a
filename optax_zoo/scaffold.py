"""Begins an algorithm in a checkout of the repository, for `optax-zoo new`: a row that works, and its folder."""

import dataclasses
import keyword
from collections.abc import Iterable, Mapping
from pathlib import Path

from optax_zoo import _stub
from optax_zoo.pipeline import SLOTS
from optax_zoo.registry import families, list_algorithms


@dataclasses.dataclass(frozen=True)
class Filling:
    """How a slot is filled to begin with: a call, and the hyperparameters that it takes.

    Attributes:
      call: the expression that fills the slot.
      parts: the names that it needs of `optax_zoo.parts`.
      hyperparameters: names of `PARAMETERS`.
    """

    call: str
    parts: tuple[str, ...]
    hyperparameters: tuple[str, ...]


FILLINGS: Mapping[str, Filling] = {
    "gradient": Filling(
        "optional(coupled_decay, weight_decay, weight_decay_mask)",
        ("coupled_decay", "optional"),
        ("weight_decay", "weight_decay_mask"),
    ),
    "numerator": Filling(
        "debiased(ema(b1, accumulator_dtype=accumulator_dtype))",
        ("debiased", "ema"),
        ("b1", "accumulator_dtype"),
    ),
    "denominator": Filling(
        "root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps)",
        ("debiased", "ema", "root", "square"),
        ("b2", "eps", "accumulator_dtype"),
    ),
    "momentum": Filling("ema(decay)", ("ema",), ("decay",)),
    "learning_rate": Filling("learning_rate", (), ("learning_rate",)),
    "velocity": Filling("trace(decay)", ("trace",), ("decay",)),
    "decay": Filling(
        "optional(decoupled_decay, weight_decay, weight_decay_mask)",
        ("decoupled_decay", "optional"),
        ("weight_decay", "weight_decay_mask"),
    ),
}
# In the order of a signature; the first four may be given by position.
PARAMETERS: Mapping[str, tuple[str, str]] = {
    "learning_rate": ("ScalarOrSchedule", "1e-3"),
    "b1": ("Decay", "0.9"),
    "b2": ("Decay", "0.999"),
    "decay": ("Decay", "0.9"),
    "eps": ("Scalar", "1e-8"),
    "weight_decay": ("Decay | None", "None"),
    "weight_decay_mask": ("Mask", "None"),
    "accumulator_dtype": ("DType", "None"),
}
POSITIONAL = 4

ROW = '''"""{title}."""

from optax import ScalarOrSchedule

from optax_zoo.parts import {parts}
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import {types}
from optax_zoo.registry import algorithm


@algorithm(
    full_name="{title}: TODO",
    paper="TODO: authors and title",
    year=2000,
    url="https://TODO",
    example={{"learning_rate": 1e-2}},
    proof="formulas alone",
)
def {name}(
{signature}
) -> Pipeline:
    r"""{title}: TODO, in one sentence.

    .. math::

        p_t &= p_{{t-1}} - \\alpha_t \\, \\text{{TODO}}

    Args:
      learning_rate: ... TODO: whose default this is.
{arguments}
    State:
      TODO: which name of `state[...]` holds which symbol, and its shape.

    Example:
      >>> import optax_zoo as zoo
      >>> list(zoo.{name}().slots)
      {slots}

    Claim:
      Use it when TODO: what the paper claims, as advice.

    Source:
      TODO: where the rule is from, and where sources differ.
    """
    return pipeline(
{filled}
    )
'''
REPLAY = '''"""{title}: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {{
    # TODO: for each source in golden.json what stands before the slash in the names of its cases.
    "TODO": Replay(lambda h: zoo.{name}(h["lr"])),
}}
'''


def begin(repository: Path, name: str, family: str, slots: Iterable[str]) -> list[Path]:
    """Writes the module of an algorithm and its folder; the files written.

    Raises:
      ValueError: for a name that is taken or is not one of Python, an unknown family or slot, a folder that is not a
        checkout, or a file that exists.
    """
    _refuse_what_is_wrong(repository, name, family)
    folder = repository / "tests" / "algorithms" / name
    files = {
        repository / "optax_zoo" / "algorithms" / family / f"{name}.py": row(name, slots),
        folder / "replay.py": REPLAY.format(name=name, title=_title(name)),
    }
    for path in files:
        if path.exists():
            raise ValueError(f"{path} exists already.")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    _stub.write(repository / "optax_zoo")
    return list(files)


def row(name: str, slots: Iterable[str]) -> str:
    """The module of an algorithm with parts in the slots named."""
    slots = list(slots)
    unknown = [slot for slot in slots if slot not in FILLINGS]
    if unknown:
        raise ValueError(f"slots has {unknown[0]!r}, but may have {', '.join(FILLINGS)}; fill others by hand.")
    if not {*slots} - {"learning_rate"}:
        raise ValueError(f"slots is {slots!r}, but must have one beside the learning rate.")
    slots = [slot for slot in SLOTS if slot in {*slots, "learning_rate"}]
    wanted = {each for slot in slots for each in FILLINGS[slot].hyperparameters}
    parameters = {each: kind for each, kind in PARAMETERS.items() if each in wanted}
    types = {kind.partition(" ")[0] for kind, _ in parameters.values()} - {"ScalarOrSchedule"}
    return ROW.format(
        name=name,
        title=_title(name),
        parts=", ".join(sorted({part for slot in slots for part in FILLINGS[slot].parts})),
        types=", ".join(sorted(types, key=str.lower)),
        signature=_signature(parameters),
        arguments="      decay: TODO, in [0, 1), or a function of the number of steps taken.\n" * ("decay" in wanted),
        slots=[slot for slot in slots if "weight_decay" not in FILLINGS[slot].hyperparameters],  # None by default
        filled="\n".join(f"        {slot}={FILLINGS[slot].call}," for slot in slots),
    )


def _signature(parameters: Mapping[str, tuple[str, str]]) -> str:
    lines = [f"    {name}: {kind} = {default}," for name, (kind, default) in parameters.items()]
    first = sum(name in list(PARAMETERS)[:POSITIONAL] for name in parameters)
    return "\n".join([*lines[:first], *(["    *,"] if lines[first:] else []), *lines[first:]])


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _refuse_what_is_wrong(repository: Path, name: str, family: str) -> None:
    if not (repository / "tests" / "algorithms").is_dir():
        raise ValueError(f"{repository} is not a checkout of the repository, which an algorithm is added to.")
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise ValueError(f"name is {name!r}, but must be a lower-case name of Python.")
    if name in list_algorithms():
        raise ValueError(f"name is {name!r}, but that algorithm is registered already.")
    if not (repository / "optax_zoo" / "algorithms" / family).is_dir():
        raise ValueError(
            f"family is {family!r}, but must be a package in optax_zoo/algorithms: {', '.join(families())}."
        )
