"""AMSGrad."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import debiased, ema, root, running_max, square
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="AMSGrad",
    paper="Reddi, Kale and Kumar: On the Convergence of Adam and Beyond",
    year=2018,
    url="https://openreview.net/forum?id=ryQu7f-RZ",
)
def amsgrad(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AMSGrad: Adam over the largest second moment so far, so that its steps cannot grow again.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \hat v_t &= \max(\hat v_{t-1}, v_t) \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{\hat v_t / (1 - \beta_2^t) + \epsilon_r}
               + \epsilon}

    Args:
      learning_rate: ... Default of PyTorch, like b1, b2 and eps.

    State:
      `state["numerator"].estimator.value`: m; `state["denominator"].estimator.maximum`: the maximum, and
      `.estimator.estimator.value`: v, all shaped like the parameters; `.weight` of each slot: 1 - beta^t (scalar). 12
      bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.amsgrad(1e-3).slots["denominator"]
      root(debiased(running_max(ema(0.999, of=square))))

    Claim:
      Use it when Adam does not converge because large, rare gradients are forgotten too soon.

    Source:
      S. J. Reddi et al. (2018), whose algorithm has no bias correction and the rate alpha / sqrt(t):
      `amsgrad(lambda count: alpha / jnp.sqrt(count + 1)).replace(numerator=ema(b1),
      denominator=root(running_max(ema(b2, of=square))))`. The maximum is of the uncorrected v as in PyTorch, Keras and
      Chainer, of which the last two add eps to the uncorrected root. optax corrects v before the maximum.
    """
    plain = adam(
        learning_rate,
        b1,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    largest = running_max(ema(b2, of=square, accumulator_dtype=accumulator_dtype))
    return plain.replace(denominator=root(debiased(largest), eps=eps, eps_root=eps_root))
