"""SOAP: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def recorded_eigenvectors(case: dict[str, Any]) -> dict[str, Any]:
    """Those that the source's first eigendecomposition chose, where they are arbitrary."""
    return case.get("initial_state", {})


def with_first_vectors(tx: zoo.Pipeline, eigenvectors: dict[str, Any]) -> zoo.Pipeline:
    """The same optimizer, whose first basis has the given eigenvectors of the leaves named."""
    basis = tx.slots["basis"].rule

    def turn(g: Any, state: Any, *carried: Any) -> Any:
        turned = basis.turn(g, state, *carried)
        given = {leaf: jnp.asarray(np.array(vectors)) for leaf, vectors in eigenvectors.items()}
        vectors = {
            leaf: jnp.where(state.count == 0, given.get(leaf, found), found)
            for leaf, found in turned.state.vectors[0].items()
        }
        return turned._replace(state=turned.state._replace(vectors=(vectors, *turned.state.vectors[1:])))

    @zoo.primitive
    def given_basis() -> zoo.BasisRule:
        return zoo.BasisRule(basis.init, basis.into, basis.back, turn, basis.ready)

    return tx.replace(basis=given_basis())


def authors(h: dict[str, Any], eigenvectors: dict[str, Any] | None = None) -> zoo.Pipeline:
    tx = zoo.soap(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        weight_decay=max(h["weight_decay"], 0.0),
        every=h["precondition_frequency"],
        basis_decay=h["shampoo_beta"] if h["shampoo_beta"] >= 0 else None,
        max_size=h["max_precond_dim"],
        of_vectors=h["precondition_1d"],
        merge=h["merge_dims"],
        channels_last=h["data_format"] == "channels_last",
        debias=h["correct_bias"],
        normalize=h["normalize_grads"],
    )
    return tx if eigenvectors is None else with_first_vectors(tx, eigenvectors)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Adds eps to the root mean square that a step is divided by, where the authors add 1e-30."""
    tx = zoo.soap(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        every=h["precondition_frequency"],
        basis_decay=h["shampoo_beta"],
        max_size=h["max_precondition_dim"],
        of_vectors=h["precondition_1d"],
        merge=h["merge_dims"],
        channels_last=h.get("data_format") == "channels_last",
        debias=h["correct_bias"],
        normalize=h["normalize_gradient"],
    )
    if h["normalize_gradient"]:
        correction = {"correction": zoo.scale_by_bias_correction(*h["betas"])} if h["correct_bias"] else {}
        tx = tx.replace(rescale=zoo.serial(norm=zoo.normalize_by_norm("avg_l2", eps=h["eps"]), **correction))
    return ascending(tx, h)


REPLAYS = {
    "authors": Replay(authors, given=recorded_eigenvectors),
    "pytorch_optimizer": Replay(
        pytorch_optimizer, tolerance=1e-5, why="it makes the orthonormal factor of its bases in float32"
    ),
}
