"""What a subspace leaves out of a gradient, brought to the size of the step inside (Fira, APOLLO, Alice)."""

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.basis import Within
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.matrices import OutputAxes, is_of_shapes
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.subspace import Projected, Side, SubspaceRule, projected_leaves
from optax_zoo.primitives.types import Scalar

Per: TypeAlias = Literal["channel", "leaf"]


@primitive
def scaled_as_within(of: Literal["rest", "whole"] = "rest", *, per: Per = "channel", eps: Scalar = 1e-8) -> Rule:
    r"""A gradient outside a subspace, scaled as the one inside was by its step: :math:`x |d| / (|r| + \epsilon)`.

    r is the gradient in the subspace, and d what numerator and denominator made of it. A channel is a row or a column
    of the matrix that is left in the subspace: of :math:`U^T G` a column.

    Args:
      of: what x is: "rest", of the gradient what the subspace leaves out (Fira); "whole", the gradient (APOLLO).
      per: whether each channel has norms of its own, or a matrix one; so it has in a subspace of both sides.
      eps: added to the norm of r.

    Returns:
      A stateless transformation for the slot rescale of a pipeline whose basis is a subspace. It does not use what it
      is given, except for leaves that are not projected: of these "whole" is that, and "rest" 0.

    Raises:
      ValueError: from `update`, outside such a pipeline.

    Source:
      X. Chen et al. (2024): Fira; H. Zhu et al. (2024): APOLLO: SGD-like Memory, AdamW-level Performance.
    """
    _checks.one_of("of", of, ["rest", "whole"])
    _checks.one_of("per", per, ["channel", "leaf"])
    _checks.non_negative("eps", eps)

    def init(params: Any) -> Any:
        return ()

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        within, rule = _within("scaled_as_within", extra_args)

        def scaled(p: Projected, u: jax.Array, x: jax.Array, r: jax.Array, d: jax.Array) -> jax.Array:
            if not p.sides:
                return jnp.zeros_like(u) if of == "rest" else u
            along = p.sides if per == "channel" else (-2, -1)
            ratio = _length(d, along) / (_length(r, along) + eps)
            return laid_out_like(p.axes.leaf(p.axes.matrices(whole(x)) * ratio.astype(x.real.dtype)), x)

        left = _rest(within, rule, gradient) if of == "rest" else jax.tree.map(bounded, gradient)
        return _of_leaves(scaled, rule, gradient, updates, left, within.gradient, within.direction), state

    return Rule(init, update, by_leaf=True)


class RestState(NamedTuple):
    """State of `whitened_rest`.

    Attributes:
      energy: the average square norm of what is left out of each channel: (..., 1, columns) or (..., rows, 1) of the
        matrix that a leaf is; a scalar for leaves that are not projected.
    """

    energy: Any


@primitive
def whitened_rest(
    decay: Scalar = 0.9,
    *,
    side: Side = "smaller",
    floor: Scalar = 1e-8,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> Rule:
    r"""What a subspace leaves out of a gradient, each channel over the root of its average square (Alice).

    .. math::

        C = G - U U^T G, \qquad p \leftarrow \beta p + (1 - \beta) \|C_j\|^2, \qquad
        \sqrt{m - r} \; C_j / \sqrt{p_j}

    for each column j of C, where the subspace has r of m rows, and likewise for rows.

    Args:
      decay: beta, in [0, 1).
      side: as in the subspace, but not "both"; see `subspace`, also for `outputs` and `stacked`.
      floor: the least that p is, above 0.

    Returns:
      A transformation with state `RestState` for the slot rescale of a pipeline whose basis is a subspace. It does not
      use what it is given, and is 0 for leaves that are not projected.

    Raises:
      ValueError: from `update`, outside such a pipeline.

    Source:
      W. Gong et al. (2025): Towards Efficient Optimizer Design for LLM via Structured Fisher Approximation with a
      Low-Rank Extension.
    """
    _checks.decay("decay", decay)
    _checks.positive("floor", floor)
    _checks.one_of("side", side, ["smaller", "larger", "inputs", "outputs"])

    def init(params: Any) -> RestState:
        leaves, treedef = jax.tree.flatten(params)
        seen = projected_leaves(params, None, side, outputs, stacked)

        def of(x: Any, p: Projected) -> jax.Array:
            zeros = jnp.zeros_like(lift(x).real)
            return jnp.sum(p.axes.matrices(whole(zeros)), axis=p.sides, keepdims=True) if p.sides else jnp.sum(zeros)

        return RestState(jax.tree.unflatten(treedef, [of(x, p) for x, p in zip(leaves, seen, strict=True)]))

    def update(updates: Any, state: RestState, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        within, rule = _within("whitened_rest", extra_args)
        rest = _rest(within, rule, gradient)

        def averaged(p: Projected, x: jax.Array, energy: jax.Array) -> jax.Array:
            if not p.sides:
                return energy
            squares = jnp.sum(square(bounded(p.axes.matrices(whole(x)), 3)), axis=p.sides, keepdims=True)
            return jnp.maximum(decay * energy + (1 - decay) * squares, floor).astype(energy.dtype)

        def whitened(p: Projected, x: jax.Array, energy: jax.Array) -> jax.Array:
            if not p.sides:
                return jnp.zeros_like(x)
            factor = math.sqrt(p.length(p.sides[0]) - p.rank) / root_of(energy)
            return laid_out_like(p.axes.leaf(p.axes.matrices(whole(x)) * factor.astype(x.real.dtype)), x)

        energy = _of_leaves(averaged, rule, gradient, rest, state.energy)
        return _of_leaves(whitened, rule, gradient, rest, energy), RestState(energy)

    return Rule(init, update, by_leaf=is_of_shapes(outputs, stacked))


def _within(name: str, extra_args: Any) -> tuple[Within, SubspaceRule]:
    """What the step was in the subspace, and the rule of that."""
    within = extra_args.get("within")
    if within is None or not isinstance(within.basis, SubspaceRule):
        raise ValueError(
            f"{name} stands in a pipeline whose slot basis has a subspace: pipeline(basis=subspace(8), ...)."
        )
    return within, within.basis


def _rest(within: Within, rule: SubspaceRule, gradient: Any) -> Any:
    """What the subspace leaves out of a gradient."""
    inside = rule.outside(within.gradient, within.state, gradient)
    return jax.tree.map(lambda g, back: bounded(g) - back, gradient, inside)


def _of_leaves(function: Any, rule: SubspaceRule, like: Any, *trees: Any) -> Any:
    """A function of how a leaf is seen and of some leaves, for each leaf of trees."""
    treedef: Any = jax.tree.structure(like)
    columns = [jax.tree.leaves(tree) for tree in trees]
    return jax.tree.unflatten(treedef, [function(*each) for each in zip(rule.seen_so(like), *columns, strict=True)])


def _length(x: jax.Array, along: tuple[int, ...]) -> jax.Array:
    """The norms along some axes, which have length 1 then, at a scale at which squares are safe."""
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=along, keepdims=True))
    scale = jnp.where(largest > 0, largest, 1)
    return scale * root_of(jnp.sum(square(x / scale), axis=along, keepdims=True))
