"""SPlus, and its rate for each shape."""

from typing import Any

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, WHOLE_MATRICES
from optax_zoo.parts import (
    averaged_params,
    coupled_decay,
    ema,
    exact_eigenbasis,
    in_series,
    optional,
    primitive,
    scale_by_sign,
    serial,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.part import Rule
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import matrices


@primitive
def scale_by_mean_side(
    otherwise: Scalar = 1e-3, *, max_size: int = 10_000, by: matrices | None = None, stacked: Stacked = None
) -> Rule:
    """Divides steps of matrices by the mean of their numbers of rows and of columns: u <- 2 u / (m + n).

    Args:
      otherwise: what the steps of other leaves are multiplied by, at least 0.
      max_size: leaves that have a longer axis are no matrices.
      by: which leaves are, on its side "matrices"; None stands for those of two axes.
      stacked: which axes of a leaf stack layers, see `normalize_by_norm`.

    Returns:
      A transformation without state.
    """
    _checks.non_negative("otherwise", otherwise)
    _checks.whole("max_size", max_size)
    check_stacked(stacked)
    rule = matrices(most_axes=2, stacked=stacked) if by is None else by

    def factor(leaf: jax.Array, side: str, layers: tuple[int, ...]) -> Any:
        lengths = [n for axis, n in enumerate(jnp.shape(leaf)) if axis not in layers]
        return 2 / max(1, sum(lengths)) if side == "matrices" and max(lengths) <= max_size else otherwise

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        of_leaves = zip(leaves, rule.sides(updates), stacked_axes(stacked, updates), strict=True)
        return jax.tree.unflatten(treedef, [u * factor(u, side, layers) for u, side, layers in of_leaves]), state

    return Rule(init_for(stacked), update)


@algorithm(
    full_name="SPlus: signs in Shampoo's eigenbasis, with a rate for each shape",
    paper="Frans, Levine and Abbeel: A Stable Whitening Optimizer for Efficient Neural Network Training",
    year=2025,
    url="https://arxiv.org/abs/2506.07254",
    example={"learning_rate": 0.1, "every": 2, "max_size": 4, "otherwise": 0.01},
    claims=("apart", "order", "scale"),
    expected_failures={
        "map_params": "it keeps as many factors as its parameters have axes, which Optax does not show it there",
        "state_shardings_follow": "jit lays the factors out as it sees fit where no out_shardings say it",
        "shard_map_sharded": WHOLE_MATRICES,
        "vector_and_matrix": "its steps are of signs, so that at a constant rate it ends some 0.08 away",
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
    },
    proof="an independent implementation",
)
def splus(
    learning_rate: ScalarOrSchedule = 0.1,
    b1: Decay = 0.9,
    b2: Scalar = 0.999,
    *,
    every: int = 100,
    average_decay: Scalar = 0.999,
    otherwise: Scalar = 1e-3,
    max_size: int = 10_000,
    by: matrices | None = None,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    staggered: bool = False,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""SPlus: signs of the average gradient in the eigenbasis of its covariances, and averaged parameters.

    .. math::

        M_t &= \beta_1 M_{t-1} + (1 - \beta_1) G_t \\
        P_t &= P_{t-1} - \alpha_t \frac{2}{m + n} \left( Q_L \, \mathrm{sign}(Q_L^T M_t Q_R) \, Q_R^T
               + \lambda P_{t-1} \right) \\
        L_t &= \beta_2 L_{t-1} + (1 - \beta_2) G_t G_t^T, \qquad R_t = \beta_2 R_{t-1} + (1 - \beta_2) G_t^T G_t \\
        a_t &= \beta_3 a_{t-1} + (1 - \beta_3) P_t, \qquad \text{evaluated at } a_t / (1 - \beta_3^t)

    for m x n matrices, with eigenvectors Q of L and R that are some steps old. Other leaves take signs of M, with
    `otherwise` in place of 2 / (m + n).

    Args:
      learning_rate: ... About the spectral norm of the step of a square matrix. Default of the authors' code, like all
        that follow.
      b2: decay of L and R, in [0, 1).
      every: how many steps the eigenvectors serve, at least 1; those of the first step's gradients come besides.
      average_decay: decay of the average of the parameters, in [0, 1).
      otherwise: what the steps of leaves that are no matrices are multiplied by, at least 0.
      max_size: axes longer than this have no factor, and leaves that have one are no matrices.
      by: which leaves are matrices, `matrices(but=("embedding", "head"), most_axes=2)`; None stands for those of two
        axes. It is about the factor alone: leaves of two axes have a basis, all the same.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      staggered: renew the eigenvectors of different leaves at different steps, so that steps take alike.

    State:
      `state["basis"].factors`: L and R, and `.vectors`: their eigenvectors, for each axis n a matrix (n, n) of a leaf
      of two axes; `state["numerator"]["average"].value`: M in the basis; `state["iterate"].average`: a. 24 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.splus().replace(basis=None).slots["numerator"]
      serial(average=ema(0.9), sign=scale_by_sign())

    Claim:
      Use it when you would use Shampoo or SOAP with bases that serve long, or widths change, with one rate for all.

    Source:
      K. Frans, S. Levine, P. Abbeel (2025); kvfrans/splus, whose code for Optax decays with the step, as here, and
      averages the parameters before each step; its code for PyTorch, and pytorch_optimizer, decay the parameters that
      the step has led to, and average them before they decay. They decompose in float32.
    """
    _checks.decay("average_decay", average_decay)
    return pipeline(
        basis=exact_eigenbasis(every, b2, max_size=max_size, most_axes=2, staggered=staggered, stacked=stacked),
        numerator=serial(average=ema(b1, accumulator_dtype=accumulator_dtype), sign=scale_by_sign()),
        rescale=in_series(
            decay=optional(coupled_decay, weight_decay, weight_decay_mask),
            shape=scale_by_mean_side(otherwise, max_size=max_size, by=by, stacked=stacked),
        ),
        learning_rate=learning_rate,
        iterate=averaged_params(average_decay, debias=True),
    )
