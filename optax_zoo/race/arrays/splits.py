"""Which examples train, which choose the rate and which are for the reported figures."""

import warnings
from typing import NamedTuple

import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.running.errors import RaceError, require

FEWEST = 3  # examples of a class: one for each part


class Split(NamedTuple):
    """How examples are split.

    Attributes:
      validation: the share that chooses the rate.
      test: the share of the reported figures.
      shuffle: whether they are drawn at random; otherwise training is first and test last.
      seed: of the draw.
    """

    validation: float
    test: float
    shuffle: bool
    seed: int


def positions(split: Split, y: np.ndarray, classes: bool) -> list[np.ndarray]:
    """Those of the examples of training, validation and test.

    Args:
      split: how they are chosen.
      y: a target per example.
      classes: whether these are classes; a random split then has each in the same proportion in all parts.

    Raises:
      RaceError: for a share that is none, too few examples, or too few of a class.
    """
    sizes = _sizes(len(y), split)
    if isinstance(split.seed, bool) or not isinstance(split.seed, int) or not 0 <= split.seed < 2**32:
        raise RaceError(f"seed is {split.seed!r}, but must be a whole number from 0 to {2**32 - 1}.")
    if not split.shuffle:
        _warn_if_sorted(y)
        return np.split(np.arange(len(y)), np.cumsum(sizes)[:2])
    if classes:
        _check_classes(y, sizes)
    return _drawn(sizes, y if classes else None, split.seed)


def _drawn(sizes: tuple[int, int, int], classes: np.ndarray | None, seed: int) -> list[np.ndarray]:
    require("sklearn")
    from sklearn.model_selection import train_test_split

    rest, parts = np.arange(sum(sizes)), []
    for size in reversed(sizes[1:]):
        stratify = None if classes is None else classes[rest]
        rest, part = train_test_split(rest, test_size=size, stratify=stratify, random_state=seed)
        parts.append(part)
    return [rest, *reversed(parts)]


def _check_classes(classes: np.ndarray, sizes: tuple[int, int, int]) -> None:
    """Refuses what cannot have every class in every part."""
    found, counts = np.unique(classes, return_counts=True)
    rarest, count = found[counts.argmin()], int(counts.min())
    if count < FEWEST:
        raise RaceError(
            f"class {rarest} of y has {count} example{'s' * (count > 1)}, but must have at "
            f"least {FEWEST}, one for each part; leave the class out, or pass shuffle=False."
        )
    if min(sizes) < len(found):
        raise RaceError(
            f"the parts have {_listed(sizes)} examples, too few for one of each of the {len(found)} classes."
        )


def _warn_if_sorted(y: np.ndarray) -> None:
    steps = np.diff(y.astype(np.float64), axis=0)
    if (steps >= 0).all() or (steps <= 0).all():
        warnings.warn(
            "y is sorted and shuffle is False: validation and test get other values of y than training does.",
            stacklevel=5,  # the caller of Task.from_arrays
        )


def _sizes(examples: int, split: Split) -> tuple[int, int, int]:
    """Numbers of examples for training, validation and test."""
    for argument in ("validation", "test"):
        share = getattr(split, argument)
        if not is_number(share) or not 0 < share < 1:
            raise RaceError(f"{argument} is {share!r}, but must be a share of the examples, above 0 and below 1.")
    validation, test = round(examples * split.validation), round(examples * split.test)
    sizes = examples - validation - test, validation, test
    if min(sizes) < 1:
        raise RaceError(
            f"validation={split.validation} and test={split.test} split {examples} examples into {_listed(sizes)}."
        )
    return sizes


def _listed(sizes: tuple[int, int, int]) -> str:
    return f"{sizes[0]}, {sizes[1]} and {sizes[2]}"
