"""Masks: parts that leave some leaves alone."""

from typing import Any

import jax
import optax

from optax_zoo.primitives.trees import difference
from optax_zoo.primitives.types import Mask


def check_mask(mask: Mask, name: str = "mask") -> None:
    """Refuses what is no mask."""
    if isinstance(mask, (bool, jax.Array)):
        raise TypeError(
            f"{name} is {mask!r}, but must be a tree of bools or a function from parameters to one; under "
            "optax.inject_hyperparams, which takes functions for schedules, name its argument in static_args."
        )


def masked(whole: optax.GradientTransformation, mask: Mask, what: str) -> optax.GradientTransformation:
    """`optax.masked`, with an error that says where the mask does not fit; without a mask the transformation itself.

    Args:
      whole: the transformation.
      mask: a tree of bools (a prefix of the parameters), a function from parameters to one, or None.
      what: whose mask it is, for the error.
    """
    if mask is None:
        return whole

    return optax.masked(whole, lambda tree: _fitting(mask, tree, what))


def bools(mask: Mask, tree: Any, what: str) -> list[bool]:
    """Whether each leaf of a tree is taken by a mask, which is a function or a tree of bools (a prefix)."""
    found = jax.tree.map(lambda taken, below: [taken] * len(jax.tree.leaves(below)), _fitting(mask, tree, what), tree)
    return [bool(taken) for taken in jax.tree.leaves(found)]


def _fitting(mask: Mask, tree: Any, what: str) -> Any:
    """The bools of a mask for a tree, which they are a prefix of."""
    found = mask(tree) if callable(mask) else mask
    try:
        jax.tree.map(lambda _, leaf: None, found, tree)
    except ValueError:
        where = difference(found, tree, ("mask", "parameters"))
        raise ValueError(f"the mask of the {what} does not fit the parameters: {where}.") from None
    return found
