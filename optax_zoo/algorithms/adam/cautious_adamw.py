"""Cautious AdamW."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import cautious
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="Cautious AdamW: AdamW without the elements that go against the gradient",
    paper="Liang et al.: Cautious Optimizers: Improving Training with One Line of Code",
    year=2024,
    url="https://arxiv.org/abs/2411.16085",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
    also_called=("cadamw",),
)
def cautious_adamw(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-6,
    eps_root: Scalar = 0.0,
    min_share: Scalar = 1e-3,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Cautious AdamW: AdamW whose step leaves out the elements that go against the gradient of the moment.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} \\
        k_t &= 1 \text{ where } u_t g_t > 0, \text{ else } 0 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{k_t u_t}{\max(\text{mean}(k_t), s)} + \lambda p_{t-1} \right)
               \quad \text{(the mean of each leaf)}

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      min_share: s, the least share of a leaf that the kept elements are divided by, above 0 and at most 1.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.cautious_adamw(1e-3).slots["rescale"]
      cautious()
      >>> zoo.adabound(1e-3).replace(rescale=zoo.cautious()).slots["rescale"]  # of any row
      cautious()

    Claim:
      Use it when AdamW trains well already, and is to need up to half fewer steps for the same loss.

    Source:
      K. Liang et al. (2024); the authors' C-Optim. There eps meets the corrected root in the path that is taken by
      default, and the uncorrected one in the loop (`foreach=False`), which is
      `cautious_adamw().replace(denominator=debiased(root(ema(0.999, of=square), eps=1e-6)))`. Their earlier form, a
      comment in that code, multiplies by n / (kept + 1) for n elements, instead of dividing by the share.
    """
    plain = adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    return plain.replace(rescale=cautious(min_share, axis_name=axis_name, stacked=stacked))
