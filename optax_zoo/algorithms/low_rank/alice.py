"""Alice."""

import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, LAID_OUT_BY_JIT, WHOLE_MATRICES
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import (
    decoupled_decay,
    ema,
    identity,
    limit_growth,
    optional,
    parallel,
    root,
    scaled,
    serial,
    square,
    tracked_subspace,
    whitened_rest,
)
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.schedules import scaled_rate
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.subspace import Side
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    full_name="Alice: Adam in a subspace of the tracked covariance, and the rest whitened",
    paper="Gong, Scetbon, Ma and Meeds: Towards Efficient Optimizer Design for LLM via Structured Fisher Approximation "
    "with a Low-Rank Extension",
    year=2025,
    url="https://arxiv.org/abs/2502.07752",
    example={"learning_rate": 1e-2, "rank": 2, "leading": 1, "every": 2},
    claims=("apart",),
    expected_failures={
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "state_shardings_follow": LAID_OUT_BY_JIT,
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
    },
    proof="an independent implementation",
)
def alice(
    learning_rate: ScalarOrSchedule = 2e-2,
    b1: Scalar = 0.9,
    b2: Decay = 0.9,
    *,
    basis_decay: Scalar = 0.999,
    rank: int = 256,
    leading: int = 40,
    every: int = 200,
    scale: Scalar = 0.3,
    rest_scale: Scalar = 0.4,
    rest_decay: Scalar | None = None,
    growth: Scalar = 1.01,
    side: Side = "smaller",
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    key: Key | None = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Alice: Adam in a subspace that tracks its covariance and looks outside now and then, and the rest whitened.

    .. math::

        U &\leftarrow \text{leading eigenvectors of } \beta_3 U Q U^T + (1 - \beta_3) G_t G_t^T
             \text{ and random directions, every so many steps} \\
        R_t &= U^T G_t, \qquad Q \leftarrow \beta_3 Q + (1 - \beta_3) R_t R_t^T, \qquad
               D_t = \frac{m_t}{\sqrt{v_t} + \epsilon} \quad
               \text{with averages } m_t \text{ of } R_t \text{ and } v_t \text{ of } R_t^2 \\
        p_{t,j} &= \beta_1 p_{t-1,j} + (1 - \beta_1) \|G_{t,j} - U R_{t,j}\|^2, \qquad
               C_t = \sqrt{n_{rows} - r} \, (G_t - U R_t) \, \mathrm{diag}_j \, p_{t,j}^{-1/2}, \qquad
               \|C_t\| \le 1.01 \, \|C_{t-1}\| \\
        P_t &= (1 - \alpha_t \lambda) P_{t-1} - \alpha_t \, s \, (U D_t + s_c C_t)

    for matrices of at most as many rows as columns j; of others rows and columns change places. Averages are not
    corrected for their start. What is no matrix takes AdamW's steps. A gradient below 1e-19 (in float32) has no
    covariance.

    Args:
      learning_rate: ... Default of pytorch_optimizer, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      basis_decay: beta_3, of Q, in [0, 1); 0 is Alice-0.
      rank: r, the dimension of the subspace, at least 1. A number above that of rows counts as that.
      leading: how many eigenvectors stay in the subspace, at least 1; see `tracked_subspace`.
      every: how many steps a subspace serves, at least 1.
      scale: s, what steps of matrices are multiplied by.
      rest_scale: s_c, what the part outside the subspace is multiplied by beside that.
      rest_decay: of p, in [0, 1); None for b1.
      growth: how many times as long C may become from one step to the next, above 0.
      side: which side of a matrix is projected: "smaller", "larger", "inputs" or "outputs"; see `subspace`.
      rest: the optimizer of the rest; None stands for `adamw` without decay at 0.05 times the rate of the matrices.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for `matrices(stacked=stacked)`: all
        leaves of two or more axes.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.

    State:
      `state["matrices"]`: `["numerator"].value`: m, and `["denominator"].value`: v, of shape (r, columns),
      `["basis"].vectors`: U of shape (rows, r), `.factors`: Q of shape (r, r),
      `["rescale"]["outside"]["whitened"].energy`: p; `state["rest"]`: that of the other optimizer. 3.25 bytes a
      parameter. That is of a matrix of 1,024 x 1,024; of one of 1,024 x 4,096 it is 2.3, of vectors 8.

    Raises:
      ValueError: for a number outside its range; from `init`, for a leaf that `by` sends nowhere.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.alice(rank=8, leading=4).slots["matrices"].slots["basis"]
      tracked_subspace(8, leading=4)

    Claim:
      Use it when language models are pretrained in little memory, and GaLore falls behind Adam.

    Source:
      W. Gong et al. (2025), algorithm 4; of the implementations that were run this is pytorch_optimizer's, which takes
      each leaf for a matrix of its first axis and all others together and projects that axis, also where it is the
      longer one, and starts from U = 0, so that the first subspace are the first coordinates; here they are what the
      covariance makes of these. Q stays in the coordinates of the subspace before when that changes.
    """
    _checks.non_negative("scale", scale)
    _checks.non_negative("rest_scale", rest_scale)
    decay = b1 if rest_decay is None else rest_decay
    outside = serial(
        whitened=whitened_rest(decay, side=side, outputs=outputs, stacked=stacked),
        growth=limit_growth(growth, eps=0.0, stacked=stacked),
    )
    hidden = pipeline(
        basis=tracked_subspace(
            rank, every, leading=leading, decay=basis_decay, side=side, key=key, outputs=outputs, stacked=stacked
        ),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps),
        rescale=scaled(scale, parallel(inside=scaled(1.0, identity), outside=scaled(rest_scale, outside))),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
    rest = adamw(scaled_rate(learning_rate, 0.05), weight_decay=None) if rest is None else rest
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
