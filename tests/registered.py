"""The registered algorithms, to parametrize tests over, and the folders of what is recorded of them.

What holds for every composition is proven on compositions drawn at random from the parts. So tests that compile run for
`FACES` alone, algorithms that have between them all mechanisms of a pipeline, by default; in the slow suite those about
what is around an optimizer too, and those about it alone for `COVER`, algorithms that have between them all parts.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import optax_zoo as zoo

FOLDERS = Path(__file__).parent / "algorithms"


def is_heavy(name: str) -> bool:
    """Whether its tests take so long that they run in CI: its folder says why in heavy.txt."""
    return (FOLDERS / name / "heavy.txt").exists()


def is_compiled(name: str) -> bool:
    """Whether its replays are compiled, which takes longer than most steps do as they are.

    Not those of matrices: what is computed op by op compiles each loop and each branch anew at every step.
    """
    return is_heavy(name) or zoo.describe(name).family == "matrix"


def is_led_by_rounding(name: str) -> bool:
    """Whether rounding alone can lead to other updates: its folder says why in rounding.txt."""
    return (FOLDERS / name / "rounding.txt").exists()


def kinds(name: str) -> set[str]:
    """Which of the mechanisms of a pipeline an algorithm makes use of."""
    tx = zoo.create(name, **zoo.describe(name).example)
    of_pipeline = {f"by leaf: {tx.rule.by_leaf}"} if isinstance(tx, zoo.Pipeline) else {type(tx).__name__}
    rate = type(tx.slots.get("learning_rate")).__name__
    return {*tx.slots, *(f"needs {each}" for each in tx.needs), f"rate: {rate}", *of_pipeline}


def parts(name: str) -> set[str]:
    """The parts that an algorithm is composed of, statistics among them."""
    text = repr(zoo.create(name, **zoo.describe(name).example))
    return {called or named for called, named in re.findall(r"(\w+)\(|of=(\w+)", text)}


def cover(features: Mapping[str, set[str]]) -> list[str]:
    """A few of the names that have all features between them: each time the one with the most that are missing."""
    missing, chosen = set().union(*features.values()), []
    while missing:
        chosen.append(max(features, key=lambda name: (len(features[name] & missing), -len(features[name]))))
        missing -= features[chosen[-1]]
    return chosen


def slow_but_for(quick: Iterable[str], names: Iterable[str]) -> list[object]:
    """Algorithms as parameters of a test, of which a few run by default."""
    return [pytest.param(name, marks=[] if name in quick else [pytest.mark.slow]) for name in names]


FACES = cover({name: kinds(name) for name in zoo.list_algorithms() if not is_heavy(name)})
COVER = {*FACES, *cover({name: parts(name) for name in zoo.list_algorithms()})}
ALGORITHMS = slow_but_for(FACES, zoo.list_algorithms())
COVERING = slow_but_for(FACES, sorted(COVER))
