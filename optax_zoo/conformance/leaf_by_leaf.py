"""The promise to go leaf by leaf, by which a pipeline is traced once for all leaves of a shape."""

from typing import Any

import jax

from optax_zoo import by_leaf
from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import Skip, close
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject

check = check_in("structure")


@check()
def by_leaf_as_whole_tree(subject: Subject) -> None:
    """A part that says it goes leaf by leaf gives each leaf alone, and all scalars, what it gives in the whole tree."""
    if not _goes_by_leaf(subject.tx):
        raise Skip("it does not say that it goes leaf by leaf")
    params = trees.parameters()
    _, state = subject.update(subject.tx, params, subject.tx.init(params), trees.gradients(params))
    grads = trees.gradients(params, 1)
    in_tree = by_leaf.split(*subject.update(subject.tx, params, state, grads))
    alone = by_leaf.split(grads, state)
    if in_tree is None or alone is None:
        raise Skip("its state has arrays that belong to no leaf, so that it goes over the whole tree")
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(grads)]
    for path, piece, expected in zip(paths, alone.pieces(params), in_tree.pieces(None), strict=True):
        update, after = subject.update(subject.tx, piece.param, piece.state, piece.leaf)
        close(f"the update of {path} alone", update, expected.leaf)
        close(f"the state after a step of {path} alone", after, expected.state)


def _goes_by_leaf(tx: Any) -> bool:
    return bool(getattr(getattr(tx, "rule", None), "by_leaf", False))
