"""signSGD and its form with momentum, Signum."""

from optax import ScalarOrSchedule

from optax_zoo.parts import decoupled_decay, ema, optional, scale_by_sign
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask
from optax_zoo.registry import algorithm


@algorithm(
    full_name="signSGD: steps along the sign of the average gradient (Signum)",
    paper="Bernstein et al.: signSGD: Compressed Optimisation for Non-Convex Problems",
    year=2018,
    url="https://arxiv.org/abs/1802.04434",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
    also_called=("signum",),
)
def signsgd(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay | None = 0.9,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""signSGD: the sign of the average gradient (then it is called Signum), or of the gradient itself.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        p_t &= p_{t-1} - \alpha_t (\mathrm{sign}(m_t) + \lambda p_{t-1})

    Args:
      learning_rate: ... How far each element moves in a step. Default of pytorch_optimizer, like b1.
      b1: decay of the average m, in [0, 1), or a function of the number of steps taken; None or 0 for plain signSGD,
        which keeps no state.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].value`: m, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.signsgd(1e-3)
      pipeline(numerator=ema(0.9), rescale=scale_by_sign(), learning_rate=0.001)
      >>> zoo.signsgd(1e-3, b1=None)
      pipeline(rescale=scale_by_sign(), learning_rate=0.001)

    Claim:
      Use it when workers exchange gradients over a slow network: the paper has them send one bit for each element, and
      take the majority.

    Source:
      J. Bernstein et al. (2018), whose algorithms 1 (SIGNSGD) and 2 (SIGNUM) these are. The sign is the same whether m
      is an average or a sum, so neither is corrected for its start at 0. Lion takes the sign of a blend that weighs the
      new gradient more than its average does; where both decays are equal it is this row, and so is Tiger. optax has
      both forms, as `sign_sgd` and `signum`, without a decay of the parameters.
    """
    return pipeline(
        numerator=optional(ema, b1, accumulator_dtype=accumulator_dtype),
        rescale=scale_by_sign(),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
