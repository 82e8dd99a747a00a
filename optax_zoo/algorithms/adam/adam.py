"""Adam and AdamW."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, debiased, decoupled_decay, ema, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Adam: adaptive moment estimation",
    paper="Kingma and Ba: Adam: A Method for Stochastic Optimization",
    year=2015,
    url="https://arxiv.org/abs/1412.6980",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def adam(
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
    r"""Adam: the average gradient over the root of the average squared gradient.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of the paper, like b1, b2 and eps.
      weight_decay: ... See `adamw` for the other.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adam(1e-3)
      pipeline(numerator=debiased(ema(0.9)), denominator=root(debiased(ema(0.999, of=square))), learning_rate=0.001)

    Claim:
      Use it when the problem is large, noisy or has sparse gradients, and little is to be tuned.

    Source:
      D. P. Kingma, J. Ba (2015). eps meets the corrected root, as in the paper's algorithm and in PyTorch; in Keras,
      TensorFlow 1 and Chainer it meets the uncorrected one (the paper's "efficient" form), which is
      `adam().replace(denominator=debiased(root(ema(0.999, of=square))))`.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
    )


@algorithm(
    variant_of=adam,
    full_name="AdamW: Adam with decoupled weight decay",
    paper="Loshchilov and Hutter: Decoupled Weight Decay Regularization",
    year=2019,
    url="https://arxiv.org/abs/1711.05101",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4},
    claims=("apart", "order", "scale"),
)
def adamw(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdamW: Adam, and apart from it parameters that shrink by rate times decay.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r}
               + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of Adam's paper, like b1, b2 and eps.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. Default of PyTorch
        (optax has 1e-4).

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamw(1e-3).slots["decay"]
      decoupled_decay(0.01)

    Claim:
      Use it when Adam is wanted with weight decay: rate and decay can then be tuned apart, and it generalizes better.

    Source:
      I. Loshchilov, F. Hutter (2019). The decay follows the rate, as in PyTorch and optax; the paper and Chainer
      multiply it by a schedule of its own, so that lambda there is alpha times lambda here.
    """
    plain = adam(learning_rate, b1, b2, eps=eps, eps_root=eps_root, accumulator_dtype=accumulator_dtype)
    return plain.replace(decay=optional(decoupled_decay, weight_decay, weight_decay_mask))
