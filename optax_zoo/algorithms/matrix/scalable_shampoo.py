"""Scalable Shampoo."""

from typing import Any, Literal

import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, SUMS_OF_GRADIENTS, WHOLE_MATRICES
from optax_zoo.parts import (
    blocked,
    coupled_decay,
    coupled_newton,
    ema,
    graft,
    in_series,
    kronecker_roots,
    optional,
    trace,
)
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.graft import magnitude_of
from optax_zoo.primitives.inverse_roots import InverseRoot
from optax_zoo.primitives.kronecker import Sides
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, route
from optax_zoo.short_matrices import short_matrices


@algorithm(
    full_name="Scalable Shampoo: Shampoo in blocks, as long as gradient descent's steps, with roots that serve long",
    paper="Anil, Gupta, Koren, Regan and Singer: Scalable Second Order Optimization for Deep Learning",
    year=2020,
    url="https://arxiv.org/abs/2002.09018",
    example={"learning_rate": 1e-3, "every": 2, "start": 2, "block_size": 16, "max_size": 64},
    claims=("apart", "order"),
    expected_failures={
        "map_params": "it keeps as many factors as its parameters have axes, which Optax does not show it there",
        "state_shardings_follow": "jit lays the factors out as it sees fit where no out_shardings say it",
        "shard_map_sharded": WHOLE_MATRICES,
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "huge_gradients": SUMS_OF_GRADIENTS,
    },
    proof="an independent implementation",
    also_called=("distributed_shampoo",),
)
def scalable_shampoo(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Scalar | None = 0.999,
    *,
    nesterov: bool = True,
    averaged: bool = False,
    eps: Scalar = 1e-6,
    root: Scalar | None = None,
    start: int = 25,
    every: int = 1000,
    statistics_every: int = 1,
    block_size: int = 512,
    merge: bool = True,
    max_size: int = 8192,
    min_axes: int = 1,
    sides: Sides = "all",
    magnitude: optax.GradientTransformation | Literal["gradient"] | None = "gradient",
    inverse_root: InverseRoot | None = None,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    by: By | None = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Route:
    r"""Scalable Shampoo: Shampoo's direction in blocks of each matrix, at the length of another method's step.

    .. math::

        L_t &= \beta_2 L_{t-1} + (1 - \beta_2) G_t G_t^T, \qquad R_t = \beta_2 R_{t-1} + (1 - \beta_2) G_t^T G_t,
               \qquad L_0 = R_0 = \epsilon I \\
        U_t &= \tilde L^{-1/4} G_t \tilde R^{-1/4} \qquad \text{with L and R some steps old, in each block} \\
        M_t &= \beta_1 M_{t-1} + \frac{\|D_t\|}{\|U_t\|} U_t + \lambda P_{t-1}, \qquad
        N_t = \beta_1 N_{t-1} + D_t + \lambda P_{t-1} \\
        P_t &= P_{t-1} - \alpha_t M_t \qquad \text{(with N until step start)}

    D is what `magnitude` makes of G, the gradient itself by default. Leaves that have no factors take its steps all
    along. Until the number of steps is a multiple of `every`, U is G.

    Args:
      learning_rate: ... Default of pytorch_optimizer, like all that follow.
      b1: decay of M and N, in [0, 1), or a function of the number of steps taken.
      b2: decay of the covariances, in [0, 1); None for sums.
      averaged: whether M and N are averages, rather than sums.
      eps: epsilon, at least 0.
      root: the order of the roots; None for twice the number of factors of a leaf.
      start: the step from which on Shampoo's directions are taken, at least 1.
      every: how many steps the roots serve, at least 1.
      statistics_every: how many steps the covariances stay, at least 1.
      block_size: the longest that a block can be, at least 1.
      merge: whether neighbouring axes are seen as one while their product is at most block_size.
      max_size: leaves that have a longer axis have no factors.
      min_axes: leaves that have fewer axes have no factors.
      sides: along which axes there are factors: "all", all "but_last", or the "last".
      magnitude: whose norm each leaf's step has, see `graft`; None leaves Shampoo's steps as they are, and
        takes the gradient before `start` and for the rest.
      inverse_root: finds the roots: `eigh_root`, or a function of a matrix and the order; None for `coupled_newton()`.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for those that have factors.
      accumulator_dtype: dtype of M and N; by default the gradient's, at least float32.

    State:
      `state["matrices"]["numerator"].direction.factors` and `.roots`: L and R, and their roots, for each axis n of
      blocks of a shape an array (blocks, n, n); `.then` and `.before`: M and N; `state["rest"]["numerator"]`: N.
      24 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.scalable_shampoo(block_size=1024).rule.by
      short_matrices(merged_to=1024, max_size=8192)

    Claim:
      Use it when batches are large and steps dear, and a rate is known for gradient descent or another `magnitude`.

    Source:
      R. Anil et al. (2020); google-research's distributed_shampoo. pytorch_optimizer, whose trajectories are recorded,
      ends the iterations for roots at an error of 1e-3 in place of 1e-6, and merges axes in another way: (600, 3) with
      blocks of 512 into 1 x 600 x 3, with roots of order 6. It takes the power method's first vector at random.
    """
    by = (
        short_matrices(stacked=stacked, merged_to=block_size if merge else None, max_size=max_size, min_axes=min_axes)
        if by is None
        else by
    )
    _checks.whole("start", start)
    make = ema if averaged else trace
    then = in_series(
        decay=optional(coupled_decay, weight_decay, weight_decay_mask),
        momentum=make(b1, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
    )
    roots = kronecker_roots(
        every,
        b2,
        eps=eps,
        root=root,
        inverse_root=coupled_newton() if inverse_root is None else inverse_root,
        sides=sides,
        max_size=block_size,
        statistics_every=statistics_every,
        identity_first=True,
        stacked=1,
    )
    own, norm = magnitude_of(magnitude), None if magnitude is None else "l2"
    direction = blocked(roots, block_size, merge=merge, stacked=stacked)
    grafted = graft(direction, own, norm=norm, start=start - 1, then=then, axis_name=axis_name, stacked=stacked)
    return route(
        matrices=pipeline(numerator=grafted, learning_rate=learning_rate),
        rest=pipeline(numerator=in_series(magnitude=own, then=then), learning_rate=learning_rate),
        by=by,
    )
