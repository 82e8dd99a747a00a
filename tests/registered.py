"""The registered algorithms, to parametrize tests over, and the folders of what is recorded of them."""

from pathlib import Path

import pytest

import optax_zoo as zoo

FOLDERS = Path(__file__).parent / "algorithms"


def is_heavy(name: str) -> bool:
    """Whether its tests take so long that they run in CI: its folder says why in heavy.txt."""
    return (FOLDERS / name / "heavy.txt").exists()


def is_led_by_rounding(name: str) -> bool:
    """Whether rounding alone can lead to other updates: its folder says why in rounding.txt."""
    return (FOLDERS / name / "rounding.txt").exists()


ALGORITHMS = [
    pytest.param(name, marks=pytest.mark.slow) if is_heavy(name) else pytest.param(name)
    for name in zoo.list_algorithms()
]
