"""Tiger."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.sign.signsgd import signsgd
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=signsgd,
    full_name="Tiger: a tight-fisted optimizer",
    paper="Su: Tiger: A Tight-fisted Optimizer",
    year=2023,
    url="https://github.com/bojone/tiger",
    claims=("apart", "order", "scale"),
)
def tiger(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.965,
    *,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Tiger: Signum with decoupled weight decay, at the decay that its author tuned.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        p_t &= p_{t-1} - \alpha_t (\mathrm{sign}(m_t) + \lambda p_{t-1})

    Args:
      learning_rate: ... How far each element moves in a step. Default of the author's code, like b1 and weight_decay.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.tiger(1e-3).slots["numerator"]
      ema(0.965)

    Claim:
      Use it when memory is short and gradients are accumulated over several steps: the author adds them to the average
      itself, which needs no other buffer.

    Source:
      J. Su (2023), bojone/tiger: Lion with equal decays. This is the rule as pytorch_optimizer has it. The author's
      Keras class besides multiplies the rate of a matrix by the root mean square of its parameters, of an embedding row
      by row, halves that of biases and scales of norms, which do not decay, and lets parameters shrink by 1 % towards
      their start where a gradient is NaN. The first of these is `replace(rescale=serial(sign=scale_by_sign(),
      decay=coupled_decay(0.01), size=scale_by_param_norm(min_norm=0.0)), decay=None)`.
    """
    return signsgd(
        learning_rate,
        b1,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
