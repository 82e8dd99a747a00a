"""Muon."""

from typing import Literal

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import decoupled_decay, ema, in_series, optional, orthogonalize, scale_by_shape
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.coefficients import KELLER_JORDAN, Coefficients
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.schedules import scaled_rate
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    full_name="Muon: momentum orthogonalized by Newton-Schulz",
    paper="Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein: Muon: An optimizer for hidden layers in neural "
    "networks",
    year=2024,
    url="https://kellerjordan.github.io/posts/muon/",
    example={"learning_rate": 5e-3},
    claims=("apart", "order", "scale", "sign"),
    expected_failures={
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
        "parabola": "its one vector is for AdamW, whose rate of 0.015 times that of the matrices is too small for it",
    },
    proof="authors' code",
)
def muon(
    learning_rate: ScalarOrSchedule = 2e-2,
    momentum: Decay = 0.95,
    *,
    nesterov: bool = True,
    ns_steps: int = 5,
    ns_coefficients: Coefficients = KELLER_JORDAN,
    eps: Scalar = 1e-7,
    shape_factor: Literal["spectral", "rms", "ratio"] | None = "spectral",
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Muon for hidden matrices: the average gradient, orthogonalized; another optimizer for the rest.

    .. math::

        M_t &= \mu M_{t-1} + (1 - \mu) G_t, \qquad U_t = \mu M_t + (1 - \mu) G_t \quad \text{(with Nesterov)} \\
        P_t &= (1 - \alpha_t \lambda) P_{t-1}
               - \alpha_t \sqrt{\max(1, n_{out} / n_{in})} \; \mathrm{NewtonSchulz}_5(U_t)

    Embeddings, heads and the first layer belong to the rest even where they are matrices: name them,
    `muon(by=matrices(but=("embedding", "head")))`, and look at `muon(...).sides_of(params)` before a long run.

    Args:
      learning_rate: the rate alpha of the matrices, at least 0, or a schedule: the spectral norm of a step. Default of
        the authors' code, like all that follow.
      momentum: decay mu of the average gradient, in [0, 1), or a function of the number of steps taken.
      nesterov: orthogonalize the look-ahead of the average.
      ns_steps: how many Newton-Schulz iterations.
      ns_coefficients: a, b and c of these; or those of each, of which the last serves all further ones; or a name, see
        `orthogonalize`.
      eps: added to the norm that a matrix is divided by before them.
      shape_factor: "spectral", as above; "rms": :math:`0.2 \sqrt{\max(n_{out}, n_{in})}`, steps as long as AdamW's
        (Moonshot's; torch's "match_rms_adamw"); "ratio": :math:`\sqrt{n_{out} / n_{in}}` (Scion's; timm's
        "rms_to_rms"); None for none.
      weight_decay: the coefficient lambda of the matrices, at least 0, or a schedule; None or 0 for none.
      rest: the optimizer of the rest; None stands for `adamw` with b1 0.9, b2 0.95, eps 1e-10, no decay, at 0.015 times
        the rate of the matrices, the authors' 3e-4 to their 2e-2.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for `matrices(stacked=stacked)`: all
        leaves of two or more axes.
      outputs: which axes of a leaf have its outputs: "last" as in Flax, "first" as in PyTorch; or others, see
        `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      ns_dtype: what the iterations are computed in (bfloat16 in the authors' code); None for float32 or wider.

    State:
      `state["matrices"]["numerator"].value`: M, shaped like the matrices, None for other leaves; `state["rest"]`: that
      of the other optimizer. 4 bytes a parameter.

    Raises:
      ValueError: for a number outside its range; from `init`, for a leaf that `by` sends nowhere.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.muon().replace(matrices={"rescale": None}, rest=zoo.sgd(0.1))
      route(matrices=pipeline(numerator=ema(0.95, nesterov=True), learning_rate=0.02), rest=pipeline(learning_rate=0.1))

    Claim:
      Use it when matrices make up most of a network, as of transformers, beside AdamW for the rest.

    Source:
      K. Jordan et al. (2024); KellerJordan/Muon. Its factor takes the last two axes of a leaf, of kernels of four axes
      height and width, for which it is 1 where these are equal; here the factor is that of the matrix.
    """
    if rest is None:
        rest = adamw(scaled_rate(learning_rate, 0.015), 0.9, 0.95, eps=1e-10, weight_decay=None)
    shape = None
    if shape_factor is not None:
        shape = scale_by_shape(shape_factor, outputs=outputs, stacked=stacked)
    step = orthogonalize(
        steps=ns_steps,
        coefficients=ns_coefficients,
        eps=eps,
        outputs=outputs,
        stacked=stacked,
        dtype=ns_dtype,
    )
    hidden = pipeline(
        numerator=ema(momentum, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
        rescale=in_series(orthogonalize=step, shape=shape),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
