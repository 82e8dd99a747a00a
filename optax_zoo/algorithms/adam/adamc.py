"""AdamC."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.adam.adam import adam, adamw
from optax_zoo.parts import decoupled_decay, optional
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="AdamC: AdamW with corrected weight decay",
    paper="Defazio: Why Gradients Rapidly Increase Near the End of Training",
    year=2025,
    url="https://arxiv.org/abs/2506.02285",
    example={"learning_rate": 1e-2, "base_learning_rate": 1e-2, "weight_decay": 1e-4},
)
def adamc(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    base_learning_rate: Scalar | None = None,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdamC: AdamW whose decay follows the square of the rate, relative to the largest.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}
               - \frac{\alpha_t^2}{\alpha_{max}} \lambda p_{t-1}

    Args:
      learning_rate: ... Default of pytorch_optimizer, like b1, b2 and eps.
      base_learning_rate: the largest rate, above 0, which weight_decay belongs to; by default the learning rate, where
        that is a number.
      weight_decay: the coefficient lambda at the largest rate, at least 0, or a schedule; None or 0 for none.
      weight_decay_mask: ... The paper corrects the decay of layers that a normalization follows.

    Raises:
      ValueError: for a number outside its range, or without a base_learning_rate where it is needed.

    Example:
      >>> import optax
      >>> import optax_zoo as zoo
      >>> zoo.adamc(optax.cosine_decay_schedule(1e-3, 1000), base_learning_rate=1e-3).slots["decay"]
      decoupled_decay(0.01, base_learning_rate=0.001)

    Claim:
      Use it when the rate falls to 0 and the norms of gradients rise as it does: the paper finds that decay, which
      falls more slowly than it should, makes them, and that the loss is lower without.

    Source:
      A. Defazio (2025). While the rate is constant it is AdamW. pytorch_optimizer corrects the decay of those groups
      alone that are marked as normalized, takes the root of v + 1e-15, and adds eps to the uncorrected one. timm has
      the corrected decay as an option of many optimizers.
    """
    plain = adam(learning_rate, b1, b2, eps=eps, eps_root=eps_root, accumulator_dtype=accumulator_dtype)
    base = _base(base_learning_rate, learning_rate)
    return plain.replace(decay=optional(decoupled_decay, weight_decay, weight_decay_mask, base_learning_rate=base))


def _base(base_learning_rate: Scalar | None, learning_rate: Any) -> Scalar | None:
    """The rate that the coefficient belongs to; where the rate is 0 none is needed."""
    if base_learning_rate is not None or _checks.is_absent(learning_rate):
        return base_learning_rate
    if not _checks.is_number(learning_rate):
        raise ValueError(
            f"base_learning_rate is None, but must be given, above 0, where learning_rate is {learning_rate!r}: the "
            "largest rate cannot be read off a schedule, an array or a traced value."
        )
    return learning_rate
