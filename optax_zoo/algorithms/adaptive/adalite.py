"""Adalite."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.algorithms.adaptive.adafactor import OF_ROWS
from optax_zoo.parts import Rule, decoupled_decay, optional, primitive, square, trust_ratio
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.bias_correction import weight_after
from optax_zoo.primitives.factors import Factors
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.matrices import (
    MatrixAxes,
    OutputAxes,
    check_outputs,
    is_of_shapes,
    matrix_axes,
    seen_as_matrices,
)
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked, check_stacked
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


class RankOneState(NamedTuple):
    """State of `scale_by_rank_one_moments`.

    Attributes:
      mean: what stands for the average updates of matrices, `Factors`; of other leaves the rows are the average.
      scale: what the product of these rows and columns is multiplied by.
      square: sums of average squares over the columns, and shares of the sums over the rows, `Factors`; of other leaves
        the rows are the average.
      count: steps taken (int32 scalar).
    """

    mean: Any
    scale: Any
    square: Any
    count: Any


class _Moments(NamedTuple):
    """What is kept of a leaf."""

    rows: jax.Array
    columns: jax.Array
    scale: jax.Array
    square_rows: jax.Array
    square_columns: jax.Array


@primitive
def scale_by_rank_one_moments(
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 1e-6,
    tau: Scalar = 1.0,
    min_sum: Scalar = 1e-10,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> Rule:
    """Adam's steps with the squares of AdaBelief, where of a matrix little more than a row and a column is kept.

    Squares are kept as sums over rows and over columns. The average of a matrix is kept as s c r^T: c is its mean over
    columns and r over rows, which a softmax of their squares weighs. Before, elements with small squares of row and
    column are brought back to the update; and the direction is the look-ahead, b1 m + (1 - b1) x.

    Args:
      b1: decay of the average, in [0, 1).
      b2: decay of the squares, in [0, 1).
      eps: added inside the root.
      tau: temperature of the softmax that weighs what is kept, above 0.
      min_sum: the least that a divisor made of sums counts, above 0.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `RankOneState`. Elements of the updates beyond 2^30 (2^254 in float64) count as that
      large.

    Raises:
      ValueError: for a number outside its range; if a rule gives a leaf axes that it does not have.
    """
    _checks.decay("b1", b1)
    _checks.decay("b2", b2)
    _checks.non_negative("eps", eps)
    _checks.positive("tau", tau)
    _checks.positive("min_sum", min_sum)
    check_outputs(outputs)
    check_stacked(stacked)

    def init(params: Any) -> RankOneState:
        kept = [_none(p, axes) for p, axes in zip(jax.tree.leaves(params), _seen(params), strict=True)]
        return _state(kept, jax.tree.structure(params), jnp.zeros((), jnp.int32))

    def _seen(tree: Any) -> list[MatrixAxes]:
        return matrix_axes(tree, outputs, stacked)

    def direction(x: jax.Array, old: _Moments, count: Any) -> tuple[jax.Array, _Moments]:
        m = _lerp(old.rows, x, 1 - b1)
        v = _lerp(old.square_rows, square(x - m), 1 - b2)
        u = _lerp(m, x, 1 - b1) / root_of(v / weight_after(b2, count) + eps)
        return u, old._replace(rows=m, square_rows=v)

    def direction_of_matrices(x: jax.Array, old: _Moments, count: Any) -> tuple[jax.Array, _Moments]:
        v = old.square_rows * old.square_columns / jnp.maximum(_sum(old.square_rows), min_sum)
        m = _lerp(old.rows * old.scale * old.columns, x, 1 - b1)
        v = _lerp(v, square(x - m), 1 - b2)
        of_rows, of_columns = jnp.mean(v, -1, keepdims=True), jnp.mean(v, -2, keepdims=True)
        m = _lerp(m, x, 1 - _softmax(of_rows, -2) * _softmax(of_columns, -1))
        u = _lerp(m, x, 1 - b1) / root_of(v / weight_after(b2, count) + eps)
        rows = jnp.sum(m * _softmax(of_columns / tau, -1), -1, keepdims=True)
        columns = jnp.sum(m * _softmax(of_rows / tau, -2), -2, keepdims=True)
        sums = jnp.sum(v, -1, keepdims=True)
        shares = jnp.sum(v, -2, keepdims=True) / jnp.maximum(_sum(sums), min_sum)
        return u, _Moments(rows, columns, _scale(m, rows, columns, min_sum), sums, shares)

    def update(updates: Any, state: RankOneState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        leaves: list[Any] = jax.tree.leaves(updates)
        treedef: Any = jax.tree.structure(updates)
        trees = (*state.mean, state.scale, *state.square)
        made, kept = [], []
        for x, axes, *old in zip(leaves, _seen(updates), *map(jax.tree.leaves, trees), strict=True):
            x, kept_of_x = bounded(x, 4), _Moments(*old)
            if axes.is_matrix and x.size:
                u, new = direction_of_matrices(_matrices(axes, x), kept_of_x, count)
                u = laid_out_like(axes.leaf(u), x)
            else:
                u, new = direction(x, kept_of_x, count) if x.size else (x, kept_of_x)
            made.append(u)
            kept.append(new)
        return treedef.unflatten(made), _state(kept, treedef, count)

    by_leaf = is_of_shapes(outputs, stacked)
    return Rule(init, update, by_leaf=by_leaf, seen=seen_as_matrices(outputs, stacked))


def _matrices(axes: MatrixAxes, x: jax.Array) -> jax.Array:
    """A leaf as matrices; only axes that become one must be in one piece."""
    return axes.matrices(x if len(axes.inputs) == len(axes.outputs) == 1 else whole(x))


def _none(p: Any, axes: MatrixAxes) -> _Moments:
    """What is kept of a leaf before the first step."""
    x: Any = jnp.zeros_like(lift(p))
    if axes.is_matrix:
        x = _matrices(axes, x)
        rows, columns, scale = (jnp.sum(x, over, keepdims=True) for over in (-1, -2, (-2, -1)))
    else:
        rows, columns, scale = x, jnp.zeros((1,) * x.ndim, x.dtype), jnp.zeros((1,) * x.ndim, x.dtype)
    return _Moments(rows, columns, scale, jnp.zeros_like(rows.real), jnp.zeros_like(columns.real))


def _state(kept: list[_Moments], treedef: Any, count: Any) -> RankOneState:
    fields = zip(*kept, strict=True) if kept else [()] * len(_Moments._fields)
    rows, columns, scale, square_rows, square_columns = map(treedef.unflatten, fields)
    return RankOneState(Factors(rows, columns), scale, Factors(square_rows, square_columns), count)


def _lerp(x: jax.Array, y: jax.Array, weight: Any) -> jax.Array:
    return x + weight * (y - x)


def _sum(x: jax.Array) -> jax.Array:
    return jnp.sum(x, (-2, -1), keepdims=True)


def _softmax(x: jax.Array, axis: int) -> jax.Array:
    """The softmax, also where the compiler rounds huge numbers in two ways: they may exceed their largest."""
    shares = jnp.exp(jnp.minimum(x - jnp.max(x, axis, keepdims=True), 0))
    return shares / jnp.maximum(jnp.sum(shares, axis, keepdims=True), 1)


def _scale(m: jax.Array, rows: jax.Array, columns: jax.Array, least: Scalar) -> jax.Array:
    """(c^T m r) / max(|c|^2 |r|^2, least), in an order in which nothing overflows."""
    lengths = [root_of(_sum(square(each))) for each in (rows, columns)]
    c, r = (each / jnp.where(length == 0, 1, length) for each, length in zip((rows, columns), lengths, strict=True))
    product = lengths[0] * lengths[1]
    small = product < least**0.5
    return _sum(c.conj() * m * r.conj()) * jnp.where(small, product / least, 1 / jnp.where(small, 1, product))


@algorithm(
    full_name="Adalite: Adam with a row and a column for each moment of a matrix",
    paper="VatsaDev: Adalite",
    year=2024,
    url="https://github.com/VatsaDev/adalite",
    example={"learning_rate": 1e-2, "weight_decay": None},
    claims=("apart", "order", "sign"),
    expected_failures={**OF_ROWS, "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def adalite(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps_root: Scalar = 1e-6,
    tau: Scalar = 1.0,
    min_sum: Scalar = 1e-10,
    min_norm: Scalar = 1e-10,
    min_ratio: Scalar = 1e-4,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> Pipeline:
    r"""Adalite: gradients as long as the parameters, and two moments of which matrices keep a row and a column.

    .. math::

        x_t &= g_t \max\left( \frac{\|p_{t-1}\|}{\max(\|g_t\|, n)},\; q \right) \quad \text{(of each leaf)} \\
        m' &= \beta_1 s_{t-1} c_{t-1} r_{t-1}^\top + (1 - \beta_1) x_t, \qquad
        v_t = \beta_2 \frac{R_{t-1} C_{t-1}}{\max(\sum R_{t-1}, \delta)} + (1 - \beta_2) (x_t - m')^2 \\
        m_t &= w m' + (1 - w) x_t, \qquad
        w = \mathrm{softmax}(\text{mean}_j v_t) \, \mathrm{softmax}(\text{mean}_i v_t)^\top \\
        p_t &= (1 - \alpha_t \lambda) p_{t-1}
               - \alpha_t \frac{\beta_1 m_t + (1 - \beta_1) x_t}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r}} \\
        R_t &= \textstyle\sum_j v_t, \qquad C_t = \sum_i v_t / \max(\sum v_t, \delta), \qquad
        c_t = m_t \, \mathrm{softmax}(\text{mean}_i v_t / \tau), \qquad
        r_t = m_t^\top \mathrm{softmax}(\text{mean}_j v_t / \tau), \qquad
        s_t = \frac{c_t^\top m_t r_t}{\max(\|c_t\|^2 \|r_t\|^2, \delta)}

    Leaves of fewer than two axes keep m' and v themselves, and their direction is the look-ahead of m'; a single number
    is not made as long as its parameter.

    Args:
      learning_rate: ... Default of pytorch_optimizer, like the others.
      b1: decay of the average, in [0, 1).
      b2: decay of the average square, in [0, 1).
      tau: temperature of the softmax that weighs what is kept, above 0.
      min_sum: delta, the least that a divisor made of sums counts, above 0.
      min_norm: n, the least that the norm of a gradient counts, at least 0.
      min_ratio: q, the least ratio of norms, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`: "last" as in Flax, "first" as in PyTorch.

    State:
      `state["numerator"].mean.rows` and `.columns`: c and r, `.scale`: s, and `.square.rows` and `.columns`: R and C,
      of shapes (layers, n, 1), (layers, 1, m) and (layers, 1, 1) for layers of n by m; `.count`: steps taken (int32
      scalar). 0.02 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adalite().slots["numerator"]
      scale_by_rank_one_moments()

    Claim:
      Use it when there is next to no memory beside the parameters, and Lilith or Adam would be taken otherwise.

    Source:
      It has no publication but VatsaDev/adalite (2024), which reports runs of a small transformer. It replays
      pytorch_optimizer's `Adalite`. As C is a share already, the division by the sum of R makes what is kept of the
      squares add up to 1 in the next step, however large they were: with b2 = 0.999 nearly all of v is that, spread
      over the matrix, so that matrices take the steps of averaged gradients times a scale, more than those of Adam.
    """
    ratio = trust_ratio(min_norm=min_norm, min_ratio=min_ratio, min_size=2, stacked=stacked)
    moments = scale_by_rank_one_moments(
        b1, b2, eps=eps_root, tau=tau, min_sum=min_sum, outputs=outputs, stacked=stacked
    )
    return pipeline(
        gradient=ratio,
        numerator=moments,
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
