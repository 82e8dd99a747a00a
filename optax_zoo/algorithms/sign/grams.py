"""Grams."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import signed_by_gradient
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="Grams: gradient descent with adaptive momentum scaling",
    paper="Cao et al.: Grams: Gradient Descent with Adaptive Momentum Scaling",
    year=2024,
    url="https://arxiv.org/abs/2412.17107",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
)
def grams(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-6,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Grams: each element moves as far as with AdamW, but against the gradient of the moment.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} \\
        p_t &= p_{t-1} - \alpha_t \left( |u_t|\, \mathrm{sign}(g_t) + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like b1, b2 and eps.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.grams(1e-3).slots["rescale"]
      signed_by_gradient()
      >>> zoo.lion(1e-4).replace(rescale=zoo.signed_by_gradient()).slots["rescale"]  # of any row
      signed_by_gradient()

    Claim:
      Use it when you would take a cautious optimizer: the paper reports a lower loss in training and fine-tuning of
      language models than with AdamW, Lion and their cautious forms.

    Source:
      Y. Cao et al. (2024). Where `cautious` leaves out the elements that go against the gradient, this turns them
      round. In the authors' code, Gunale0926/Grams, eps meets the uncorrected root, which is
      `grams().replace(denominator=debiased(root(ema(0.999, of=square), eps=1e-6)))`; in pytorch_optimizer it meets the
      corrected one, as in the paper and here. pytorch_optimizer adds coupled decay to a gradient that it has read
      already, so that `weight_decouple=False` there is no decay at all.
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
    return plain.replace(rescale=signed_by_gradient())
