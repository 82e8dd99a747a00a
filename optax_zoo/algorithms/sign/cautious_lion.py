"""Cautious Lion."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.sign.lion import lion
from optax_zoo.parts import cautious, scale_by_sign, serial
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=lion,
    full_name="Cautious Lion: Lion without the elements that go against the gradient",
    paper="Liang et al.: Cautious Optimizers: Improving Training with One Line of Code",
    year=2024,
    url="https://arxiv.org/abs/2411.16085",
    expected_failures={},
    proof="authors' code",
    also_called=("c_lion",),
)
def cautious_lion(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.95,
    b2: Decay = 0.98,
    *,
    min_share: Scalar | None = None,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Cautious Lion: Lion whose step leaves out the elements that go against the gradient of the moment.

    .. math::

        c_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t \\
        k_t &= 1 \text{ where } c_t g_t > 0, \text{ else } 0 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{n}{\sum k_t + 1} k_t\, \mathrm{sign}(c_t) + \lambda p_{t-1} \right)
               \quad \text{(the sum and the number } n \text{ of elements of each leaf)}

    Args:
      learning_rate: ... How far each element would move in a step if all were kept. Default of the authors' code, like
        b1 and b2.
      min_share: None: one element more is counted than is kept, as in the authors' code. A number: kept elements are
        divided by their share, but at most by this one, above 0 and at most 1 (their Cautious AdamW: 1e-3).
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.cautious_lion(1e-4).slots["rescale"]
      serial(sign=scale_by_sign(), cautious=cautious(None))

    Claim:
      Use it when you train with Lion already: the paper reports faster training of language models at the
      hyperparameters of the optimizer that is made cautious.

    Source:
      K. Liang et al. (2024); the authors' C-Optim, c_lion.py, which counts one element more than it keeps, where their
      c_adamw.py divides by the share. Kept elements move farther than Lion's, so that the mean step of a leaf is as
      long.
    """
    plain = lion(
        learning_rate,
        b1,
        b2,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    kept = cautious(min_share, axis_name=axis_name, stacked=stacked)
    return plain.replace(rescale=serial(sign=scale_by_sign(), cautious=kept))
