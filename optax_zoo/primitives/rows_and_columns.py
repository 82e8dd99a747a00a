"""A scale for each row and one for each column of a matrix (RACS)."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.factors import Factors
from optax_zoo.primitives.matrices import OutputAxes, check_outputs, is_of_shapes, matrix_axes
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked, check_stacked
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import Scalar


@primitive
def rows_and_columns(
    decay: Scalar = 0.9, *, eps: Scalar = 1e-8, outputs: OutputAxes = "last", stacked: Stacked = None
) -> Rule:
    r"""A scale for each element, that of its input times that of its output: averages of mean squares (RACS).

    .. math::

        s_o \leftarrow \beta s_o + (1 - \beta) \, \mathrm{mean}_i \, g_{io}^2, \qquad
        q_i \leftarrow \beta q_i + (1 - \beta) \, \mathrm{mean}_o \, g_{io}^2, \qquad
        \sqrt{s_o + \epsilon} \sqrt{q_i + \epsilon}

    s starts at 0 and q at 1. A vector has outputs alone, and one q for all of them.

    Args:
      decay: beta, in [0, 1).
      eps: added inside both roots.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, see `normalize_by_norm`.

    Returns:
      An estimator whose state is `Factors`: q as rows and s as columns, in arrays that broadcast against the leaf.

    Source:
      W. Gong et al. (2025): Towards Efficient Optimizer Design for LLM via Structured Fisher Approximation with a
      Low-Rank Extension.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)
    check_outputs(outputs)
    check_stacked(stacked)

    def both(tree: Any, of: Any) -> Factors:
        """What a function makes of each leaf and the axes that it goes over: outputs for rows, inputs for columns."""
        leaves, treedef = jax.tree.flatten(tree)
        own = list(zip(leaves, matrix_axes(tree, outputs, stacked), strict=True))
        rows = [of(x, axes.outputs) for x, axes in own]
        columns = [of(x, axes.inputs) for x, axes in own]
        return Factors(jax.tree.unflatten(treedef, rows), jax.tree.unflatten(treedef, columns))

    def init(params: Any) -> Factors:
        start = both(jax.tree.map(lambda p: jnp.zeros_like(lift(p).real), params), _mean)
        return start._replace(rows=jax.tree.map(lambda q: q + 1, start.rows))

    def update(updates: Any, state: Factors, params: Any = None, **extra_args: Any) -> Any:
        found = both(updates, lambda x, over: _mean(square(bounded(x)), over))

        def averaged(before: jax.Array, now: jax.Array) -> jax.Array:
            return (decay * before + (1 - decay) * now).astype(before.dtype)

        after = jax.tree.map(averaged, state, found)
        scales = jax.tree.map(lambda q, s: root_of(q + eps) * root_of(s + eps), *after)
        return scales, after

    return Rule(init, update, by_leaf=is_of_shapes(outputs, stacked))


def _mean(x: jax.Array, over: tuple[int, ...]) -> jax.Array:
    """The mean along axes, which no sum on the way there exceeds."""
    count = max(math.prod(x.shape[axis] for axis in over), 1)
    return jnp.sum(x * (1 / count), over, keepdims=True)
