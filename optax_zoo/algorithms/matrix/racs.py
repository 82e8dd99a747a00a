"""RACS."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import WHOLE_CHANNELS
from optax_zoo.parts import decoupled_decay, identity, in_series, limit_growth, optional, rows_and_columns, scaled
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="RACS: gradients scaled by row and by column",
    paper="Gong, Scetbon, Ma and Meeds: Towards Efficient Optimizer Design for LLM via Structured Fisher Approximation "
    "with a Low-Rank Extension",
    year=2025,
    url="https://arxiv.org/abs/2502.07752",
    example={"learning_rate": 1e-1},
    claims=("apart", "order", "sign"),
    expected_failures={"shard_map_sharded": WHOLE_CHANNELS, "no_collectives": WHOLE_CHANNELS},
    proof="an independent implementation",
)
def racs(
    learning_rate: ScalarOrSchedule = 1e-3,
    decay: Scalar = 0.9,
    *,
    scale: Scalar = 0.05,
    growth: Scalar = 1.01,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> Pipeline:
    r"""RACS: the gradient over the roots of the mean squares of its rows and of its columns, without momentum.

    .. math::

        s_{t,o} &= \beta s_{t-1,o} + (1 - \beta) \, \mathrm{mean}_i \, G_{t,io}^2, \qquad s_0 = 0 \\
        q_{t,i} &= \beta q_{t-1,i} + (1 - \beta) \, \mathrm{mean}_o \, G_{t,io}^2, \qquad q_0 = 1 \\
        S_{t,io} &= \frac{G_{t,io}}{\sqrt{s_{t,o} + \epsilon} \sqrt{q_{t,i} + \epsilon}}, \qquad
                    \|S_t\| \text{ at most } 1.01 \, (\|S_{t-1}\| + \epsilon) \\
        P_t &= (1 - \alpha_t \lambda) P_{t-1} - \alpha_t \, c \, S_t

    for inputs i and outputs o; a vector has outputs alone, and one q.

    Args:
      learning_rate: ... Default of pytorch_optimizer, like all that follow.
      decay: beta, of s and q, in [0, 1).
      scale: c, what steps are multiplied by.
      growth: how many times as long a step may become from one step to the next, above 0.
      eps: added inside the roots, and to the length of the step before.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.

    State:
      `state["denominator"].rows`: q, `.columns`: s, of the length of a row and of a column;
      `state["rescale"]["growth"].norm`: the length of the step before (scalar). 0.01 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.racs().slots["denominator"]
      rows_and_columns()

    Claim:
      Use it when memory is for parameters and gradients alone: it keeps a number a row and a number a column.

    Source:
      W. Gong et al. (2025), where s and q are found from the squares of each gradient by five steps of a fixed-point
      iteration before they are averaged; pytorch_optimizer, which this follows, takes their means, starts q at 1, and
      so has no need of another optimizer for vectors. The units of a gradient are not gone until q has forgotten its 1.
    """
    _checks.non_negative("scale", scale)
    return pipeline(
        denominator=rows_and_columns(decay, eps=eps, outputs=outputs, stacked=stacked),
        rescale=in_series(growth=limit_growth(growth, eps=eps, stacked=stacked), scale=scaled(scale, identity)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
