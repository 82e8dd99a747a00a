"""A subspace of covariances that are tracked in it, which looks outside now and then (Alice)."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.initial import wrap_key
from optax_zoo.primitives.lapack import eigh, orthonormal_columns
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.matrices import OutputAxes, check_outputs, seen_as_matrices
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.renewal import due, renewed
from optax_zoo.primitives.stacked import Stacked, check_stacked
from optax_zoo.primitives.subspace import Projected, Side, SubspaceRule, projected_leaves
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Key, Scalar


class TrackedState(NamedTuple):
    """State of `tracked_subspace`.

    Attributes:
      vectors: a tree of orthonormal columns U (axis, rank), a scalar 0 for leaves that are not projected. Of stacked
        layers one each, with the layers in front.
      factors: a tree of averaged covariances Q (rank, rank) in the subspace, likewise.
      count: steps taken (int32 scalar).
    """

    vectors: Any
    factors: Any
    count: Any


@primitive
def tracked_subspace(
    rank: int | None = 256,
    every: int | jax.Array = 200,
    *,
    leading: int = 40,
    decay: Scalar = 0.999,
    side: Side = "smaller",
    phase: int = 0,
    key: Key | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> SubspaceRule:
    r"""A subspace of eigenvectors of the covariance that is tracked in it, beside directions drawn from the rest.

    .. math::

        C &= \beta U Q U^T + (1 - \beta) G G^T, \qquad U \leftarrow \mathrm{eigenvectors}_r(C) \quad
             \text{every so many steps, by a step of subspace iteration} \\
        Q &\leftarrow \beta Q + (1 - \beta) (U^T G) (U^T G)^T

    Of the eigenvectors so many as are `leading` stay, and the others of U are replaced by random orthonormal directions
    of what is outside its span; where that has too few, by all of it, and the eigenvectors next to the leading ones.

    Args:
      rank: how many vectors span it, at least 1; None for as many as the side is long, as is a rank above that.
      every: how many steps a subspace serves, at least 1.
      leading: how many eigenvectors stay, at least 1; a number above the rank counts as that.
      decay: beta, in [0, 1); 0 for the covariance of the last gradient alone (Alice-0).
      side: which side is projected: "smaller", "larger", "inputs" or "outputs".
      phase: the number of the step in a period, from 0, at which it is renewed, beside the very first.
      key: of what is drawn; a `jax.random.key`, raw key data or an int seed; None stands for seed 0.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which has a subspace of its own; see `normalize_by_norm`.

    Returns:
      A basis with state `TrackedState`. It is a constant to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      W. Gong et al. (2025): Towards Efficient Optimizer Design for LLM via Structured Fisher Approximation with a
      Low-Rank Extension. There the directions are columns, chosen at random, of an orthonormal basis of the rest.
    """
    if rank is not None:
        _checks.whole("rank", rank)
    _checks.whole("leading", leading)
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.decay("decay", decay)
    _checks.one_of("side", side, ["smaller", "larger", "inputs", "outputs"])
    check_outputs(outputs)
    check_stacked(stacked)

    def seen_so(tree: Any) -> list[Projected]:
        return projected_leaves(tree, rank, side, outputs, stacked, singular=False)

    def init(params: Any) -> TrackedState:
        leaves, treedef = jax.tree.flatten(params)
        both = [_start(p, lift(x).dtype) for x, p in zip(leaves, seen_so(params), strict=True)]
        vectors, factors = (jax.tree.unflatten(treedef, [each[i] for each in both]) for i in range(2))
        return TrackedState(vectors, factors, jnp.zeros((), jnp.int32))

    def renew(gradient: Any, state: TrackedState) -> TrackedState:
        leaves = jax.tree.leaves(gradient)
        treedef: Any = jax.tree.structure(gradient)
        seeds = jax.random.fold_in(jax.random.key(0) if key is None else wrap_key(key), state.count)
        vectors, factors = jax.tree.leaves(state.vectors), jax.tree.leaves(state.factors)
        when = due(state.count, every, phase)

        def of_leaf(number: int, x: Any, p: Projected, vectors: Any, factors: Any) -> tuple[jax.Array, jax.Array]:
            if not p.sides:
                return vectors, factors
            g = p.axes.matrices(whole(jax.lax.stop_gradient(bounded(x, 3))))
            g = g if p.sides == (-2,) else g.mT.conj()
            u, q = whole(vectors), whole(factors)
            seed = jax.random.fold_in(seeds, number)
            u = renewed(when, functools.partial(_switched, g, u, q, seed, decay, min(leading, p.rank)), u)
            inside = u.mT.conj() @ g
            q = decay * q + (1 - decay) * (inside @ inside.mT.conj())
            return laid_out_like(u, vectors), laid_out_like(q.astype(factors.dtype), factors)

        made = in_turn(of_leaf, range(len(leaves)), leaves, seen_so(gradient), vectors, factors)
        vectors, factors = (treedef.unflatten([each[i] for each in made]) for i in range(2))
        return TrackedState(vectors, factors, optax.safe_increment(state.count))

    return SubspaceRule(
        seen_so,
        init,
        renew,
        lambda state, leaves, seen: [jax.tree.leaves(state.vectors)],
        seen=seen_as_matrices(outputs, stacked),
    )


def _start(p: Projected, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """The first coordinates, and covariances of 0."""
    if not p.sides:
        return jnp.zeros((), dtype), jnp.zeros((), dtype)
    coordinates = jnp.eye(p.length(p.sides[0]), p.rank, dtype=dtype)
    vectors = jnp.broadcast_to(coordinates, (*p.layers(), *coordinates.shape)).copy()
    return vectors, jnp.zeros((*p.layers(), p.rank, p.rank), dtype)


def _switched(g: jax.Array, u: jax.Array, q: jax.Array, seed: jax.Array, decay: Any, leading: int) -> jax.Array:
    """The next vectors of matrices g (..., m, n)."""
    m, rank = u.shape[-2:]

    def covariance(x: jax.Array) -> jax.Array:
        return decay * (u @ (q @ (u.mT.conj() @ x))) + (1 - decay) * (g @ (g.mT.conj() @ x))

    u = orthonormal_columns(covariance(u))
    turned = u @ jnp.flip(eigh(u.mT.conj() @ covariance(u))[1], -1)
    wanted, outside = rank - leading, m - rank
    if not wanted or not outside:
        return turned
    drawn = jax.random.normal(seed, (*u.shape[:-1], min(wanted, outside)), u.dtype)
    new = orthonormal_columns(jnp.concatenate([turned, drawn], -1))[..., rank:]
    return jnp.concatenate([turned[..., : rank - new.shape[-1]], new], -1)
