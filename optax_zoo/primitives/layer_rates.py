"""Rates that fall from the last layer to the first."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.numbered import numbered
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.types import Scalar

Distances: TypeAlias = numbered | Callable[[Any, Any], Any]


@primitive
def scale_by_layer(decay: Scalar, by: Distances = numbered()) -> Rule:
    """Multiplies the update of each leaf by decay^d, where d is how far its layer is from the end of the network.

    Layer-wise learning-rate decay: what is behind the layers (head, last norm) has d = 0, the last of n layers 1, the
    first n, and what is before them (embeddings, stem) n + 1. In an `optax.chain` behind an optimizer all of its step
    is scaled, its decoupled weight decay too, as if each leaf had a rate of its own; in the slot `rescale` of a
    pipeline the direction alone is scaled, and the decay is that of the whole rate.

    Args:
      decay: the factor from a layer to the one before it, above 0 and at most 1.
      by: which layer a leaf is in: `numbered(...)`, by names; or a function of a leaf's path and the leaf that returns
        d, a number at least 0.

    Returns:
      A transformation without state.

    Raises:
      ValueError: from `init` and `update`, for a leaf that the rule has no layer for.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> one = jnp.ones(1)
      >>> params = {"embedding": one, "blocks_0": {"kernel": one}, "blocks_1": {"kernel": one}, "head": one}
      >>> tx = optax.chain(zoo.sgd(1.0), zoo.scale_by_layer(0.5))
      >>> updates, _ = tx.update(params, tx.init(params), params)
      >>> [float(update[0]) for update in jax.tree.leaves(updates)]
      [-0.25, -0.5, -0.125, -1.0]

    Source: Clark et al., ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators (2020); Bao et
    al., BEiT: BERT Pre-Training of Image Transformers (2021), whose numbers of layers these are.
    """
    check_layer_decay("decay", decay)
    if not (isinstance(by, numbered) or callable(by)):
        raise TypeError(f"by is {by!r}, but must be numbered(...) or a function of a leaf's path and the leaf.")

    def init(params: Any) -> Any:
        distances(by, params)
        return optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        scaled = [_times(decay, d, x) for x, d in zip(leaves, distances(by, updates), strict=True)]
        return jax.tree.unflatten(treedef, scaled), state

    def seen(tree: Any) -> list[str]:
        return [f"rate x {expression(decay, 'decay')}^{_range(d)}" for d in distances(by, tree)]

    return Rule(init, update, seen=seen)


def check_layer_decay(name: str, decay: Scalar) -> None:
    """Refuses what is no factor from a layer to the one before it."""
    _checks.scalar(name, decay, "above 0 and at most 1", lambda x: 0 < x <= 1)


def distances(by: Distances, tree: Any) -> list[Any]:
    """How far each leaf of a tree is from the end, by a rule.

    Raises:
      ValueError: for a leaf that the rule has no layer for.
    """
    if isinstance(by, numbered):
        return by.distances(tree)
    found = []
    for path, leaf in jax.tree.leaves_with_path(tree):
        distance = by(path, leaf)
        if not (_checks.is_number(distance) and 0 <= distance < np.inf):
            raise ValueError(
                f"by gives {distance!r} for the leaf {jax.tree_util.keystr(path)}, but must give a number at least 0."
            )
        found.append(distance)
    return found


def _times(decay: Scalar, distance: Any, x: jax.Array) -> Any:
    """A leaf times decay^distance; one of whole numbers, whose update is 0, as it is."""
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return x
    return x * jnp.asarray(decay**distance, jnp.finfo(x.dtype).dtype)


def _range(distance: Any) -> str:
    low, high = np.min(distance), np.max(distance)
    return f"{high:g}" if low == high else f"{high:g}..{low:g}"
