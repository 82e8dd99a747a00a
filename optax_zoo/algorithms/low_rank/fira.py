"""Fira."""

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms.low_rank.galore import galore
from optax_zoo.parts import (
    decoupled_decay,
    ema,
    identity,
    limit_growth,
    optional,
    parallel,
    root,
    scale_by_bias_correction,
    scaled,
    scaled_as_within,
    serial,
    square,
    subspace,
)
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.subspace import Side, Vectors
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    variant_of=galore,
    full_name="Fira: Adam in a subspace, and the rest of the gradient scaled alike",
    paper="Chen, Feng, Li, Lai, Yue, Yuan and Wang: Fira: Can We Achieve Full-rank Training of LLMs Under Low-rank "
    "Constraint?",
    year=2024,
    url="https://arxiv.org/abs/2410.01623",
    example={"learning_rate": 1e-2, "rank": 2, "every": 2, "scale": 1.0},
    claims=("apart", "order", "scale"),
    also_called=("fira_adamw",),
)
def fira(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    rank: int = 128,
    every: int = 200,
    scale: Scalar = 0.25,
    growth: Scalar = 1.01,
    side: Side = "smaller",
    vectors: Vectors = "singular",
    staggered: bool = False,
    eps: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    key: Key | None = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Fira: GaLore's step in a subspace, and outside it the gradient, as much scaled as inside.

    .. math::

        R_t &= U^T G_t, \qquad D_t = \frac{m_t}{\sqrt{v_t} + \epsilon} \quad
               \text{with averages } m_t \text{ of } R_t \text{ and } v_t \text{ of } R_t^2 \\
        S_t &= (G_t - s \, U R_t) \, \mathrm{diag}_j \frac{\|D_{t,j}\|}{\|R_{t,j}\| + 10^{-8}}, \qquad
               \|S_t\| \text{ at most } 1.01 \, (\|S_{t-1}\| + 10^{-8}) \\
        P_t &= (1 - \alpha_t \lambda) \left( P_{t-1}
               - \alpha_t \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} (s \, U D_t + S_t) \right)

    with the subspace U of `galore` and its columns j; of matrices of more rows than columns it is rows.

    Args:
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      scale: s, what the way back out of the subspace is multiplied by.
      growth: how many times as long the outer part of a step may become from one step to the next, above 0.

    State:
      `state["matrices"]`: `["numerator"].value`: m, and `["denominator"].value`: v, of shape (r, columns),
      `["basis"].vectors`: U of shape (rows, r), `["rescale"]["sum"]["outside"]["growth"].norm`: the norm of S (scalar);
      `state["rest"]`: that of the other optimizer. 1.5 bytes a parameter. That is of a matrix of 1,024 x 1,024; of one
      of 1,024 x 4,096 it is 1.1, of vectors 8.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.fira().slots["matrices"].slots["rescale"].rule.inside[0].rule.inside[1]
      serial(scaled=scaled_as_within(), growth=limit_growth())

    Claim:
      Use it when GaLore's memory is wanted, and its subspace loses too much: the step is of full rank.

    Source:
      X. Chen et al. (2024); xichen-fy/Fira. There, too, s scales what is taken away of the gradient, so that with s
      below 1 part of what is in the subspace stays in S. A first gradient of 0 leaves S with 1e-8 to grow from by 1 % a
      step, for some 1,900 steps. pytorch_optimizer counts steps from 1, see `galore`.
    """
    inner = serial(scaled=scaled_as_within("rest"), growth=limit_growth(growth, stacked=stacked))
    hidden = pipeline(
        basis=subspace(
            rank,
            every,
            side=side,
            vectors=vectors,
            scale=scale,
            staggered=staggered,
            key=key,
            outputs=outputs,
            stacked=stacked,
        ),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps),
        rescale=serial(
            sum=parallel(inside=scaled(1.0, identity), outside=inner),
            correction=scale_by_bias_correction(b1, b2),
        ),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
    rest = hidden.replace(basis=None, rescale=scale_by_bias_correction(b1, b2)) if rest is None else rest
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
