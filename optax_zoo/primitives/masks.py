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

    def fitting(tree: Any) -> Any:
        bools = mask(tree) if callable(mask) else mask
        try:
            jax.tree.map(lambda _, leaf: None, bools, tree)
        except ValueError:
            where = difference(bools, tree, ("mask", "parameters"))
            raise ValueError(f"the mask of the {what} does not fit the parameters: {where}.") from None
        return bools

    return optax.masked(whole, fitting)
