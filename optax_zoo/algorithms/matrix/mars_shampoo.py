"""MARS-Shampoo."""

from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.algorithms.adam.mars_adamw import mars_adamw, variance_reduced
from optax_zoo.parts import decoupled_decay, optional, orthogonalize, scale_by_shape, serial, trace
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    variant_of=mars_adamw,
    full_name="MARS-Shampoo: an orthogonalized average gradient of reduced variance",
    example={"learning_rate": 1e-2},
    claims=("apart", "order"),
    expected_failures={"shard_map_sharded": WHOLE_MATRICES, "no_collectives": WHOLE_MATRICES},
)
def mars_shampoo(
    learning_rate: ScalarOrSchedule = 3e-3,
    b1: Scalar = 0.95,
    *,
    gamma: Scalar = 0.025,
    ns_steps: int = 5,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Route:
    r"""MARS-Shampoo: the orthogonalized average of gradients that are carried on along their last change.

    .. math::

        C_t &= G_t + \gamma \frac{\beta_1}{1 - \beta_1} (G_t - G_{t-1}), \quad G_0 = 0, \qquad
               \tilde C_t = \frac{C_t}{\max(1, \|C_t\|_F)} \\
        M_t &= \beta_1 M_{t-1} + \tilde C_t \\
        P_t &= (1 - \alpha_t \lambda) P_{t-1}
               - \alpha_t \sqrt{\max(1, n_{out} / n_{in})} \; \mathrm{NewtonSchulz}_5(M_t)

    Vectors take AdamW's steps. As with Muon, embeddings and heads belong to them: name them,
    `mars_shampoo(by=matrices(but=("embedding", "head")))`.

    Args:
      learning_rate: ... The spectral norm of the step of a matrix. Default of the authors' code, like all that follow.
      ns_steps: how many Newton-Schulz iterations.
      eps: added to the norm that a matrix is divided by before them, and outside the root of the rest.
      outputs: which axes of a leaf have its outputs: "last" as in Flax, "first" as in PyTorch; or others, see
        `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      ns_dtype: what the iterations are computed in (bfloat16 in the authors' code); None for float32 or wider.

    State:
      `state["matrices"]["gradient"]["correction"]["change"].previous`: the gradient before, and `["numerator"].value`:
      M, both shaped like the matrices, None for other leaves; `state["rest"]`: that of the other optimizer.
      8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.mars_shampoo().slots["matrices"].slots["rescale"]
      serial(orthogonalize=orthogonalize(eps=1e-08), shape=scale_by_shape())

    Claim:
      Use it when you would use Muon, and gradients differ much from batch to batch.

    Source:
      H. Yuan et al. (2024), algorithm 4, whose singular value decomposition is replaced by Muon's iterations in
      AGI-Arena/MARS with `mars_type="mars-shampoo"`, which this follows. It differs from `muon` in the correction, in
      the look-ahead that it lacks, and in b1. The trajectory recorded of the authors' code computes the iterations in
      float64 instead of bfloat16. There leaves of three or more axes belong to the rest, `by=matrices(most_axes=2)`.
    """
    reduced = variance_reduced(gamma, b1, accumulator_dtype=accumulator_dtype, axis_name=axis_name, stacked=stacked)
    step = orthogonalize(steps=ns_steps, eps=eps, outputs=outputs, stacked=stacked, dtype=ns_dtype)
    whole = pipeline(
        gradient=reduced,
        numerator=trace(b1, accumulator_dtype=accumulator_dtype),
        rescale=serial(orthogonalize=step, shape=scale_by_shape(outputs=outputs, stacked=stacked)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
    rest = adamw(learning_rate, 0.9, 0.95, eps=eps, weight_decay=0.1) if rest is None else rest
    return route(matrices=whole, rest=rest, by=matrices(stacked=stacked) if by is None else by)
