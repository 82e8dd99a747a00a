"""Alice: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sources
from harness import Replay

import optax_zoo as zoo
from optax_zoo.primitives.subspace import SubspaceRule


def as_columns(tx: zoo.Pipeline) -> optax.GradientTransformationExtraArgs:
    """An optimizer for which vectors are matrices of one column."""

    def columns(tree: Any) -> Any:
        return jax.tree.map(lambda x: x[:, None], tree)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        updates, state = tx.update(columns(updates), state, columns(params), **extra_args)
        return jax.tree.map(lambda x: x[:, 0], updates), state

    return optax.GradientTransformationExtraArgs(lambda params: tx.init(columns(params)), update)


def recorded_vectors(case: dict[str, Any]) -> dict[str, Any]:
    """Those that the source's first switch chose: where a covariance has no full rank they are led by rounding."""
    return case.get("initial_state", {})


def with_first_vectors(side: zoo.Pipeline, vectors: dict[str, Any]) -> zoo.Pipeline:
    """The same optimizer, whose first subspace is spanned by the vectors given of the leaves named."""
    basis = side.slots["basis"].rule

    def renew(g: Any, state: Any) -> Any:
        after = basis.renew(g, state)
        given = {
            leaf: None if x is None else jnp.where(state.count == 0, np.array(vectors[leaf]), x)
            for leaf, x in after.vectors.items()
        }
        return after._replace(vectors=given)

    @zoo.primitive
    def given_subspace() -> SubspaceRule:
        return SubspaceRule(basis.seen_so, basis.init, renew, basis.vectors_of)

    return side.replace(basis=given_subspace())


def pytorch_optimizer(h: dict[str, Any], vectors: dict[str, Any] | None = None) -> zoo.Route:
    b1, b2, b3 = h["betas"]
    tx = zoo.alice(
        h["lr"],
        b1,
        b2,
        rest_scale=h["alpha_c"],
        scale=h["alpha"],
        growth=h["gamma"],
        eps=h["eps"],
        side="outputs",
        outputs="first",
    )
    basis = zoo.tracked_subspace(
        h["rank"],
        h["update_interval"],
        leading=h["leading_basis"],
        decay=b3,
        phase=-1,
        side="outputs",
        outputs="first",
    )
    side = sources.with_decay(tx.slots["matrices"].replace(basis=basis), h, h["weight_decouple"], h["fixed_decay"])
    side = sources.ascending(side, h)
    if vectors is not None:
        side = with_first_vectors(side, vectors)
    return tx.replace(matrices=side, rest=as_columns(side))


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer, given=recorded_vectors)}
