"""Gradient descent with momentum that follows the rate at once."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import SUMS_OF_GRADIENTS
from optax_zoo.algorithms.gradient_descent.momentum import momentum
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, Mask
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=momentum,
    full_name="Gradient descent with corrected momentum",
    paper="Goyal et al.: Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
    year=2017,
    url="https://arxiv.org/abs/1706.02677",
    expected_failures={"huge_gradients": SUMS_OF_GRADIENTS},
)
def corrected_momentum_sgd(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Decay = 0.9,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""Momentum as a sum of gradients, not of steps, so that a change of the rate acts at once.

    .. math::

        v_t &= \mu v_{t-1} + g_t \\
        p_t &= p_{t-1} - \alpha_t v_t

    Args:
      learning_rate: ... Default of Chainer, like decay.

    State:
      `state["momentum"].value`: v, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.corrected_momentum_sgd(0.1)
      pipeline(momentum=trace(0.9), learning_rate=0.1)

    Claim:
      Use it when the rate warms up or falls in stages: the paper names momentum that sums up steps, without a factor
      that corrects it where the rate changes, as a pitfall which makes training unstable.

    Source:
      P. Goyal et al. (2017), equation 9, the form of PyTorch too: `momentum(rate_inside=False)` under the name that
      Chainer gives it. Chainer's MomentumSGD, and `momentum` by default, are equation 10; the two differ where the rate
      changes.
    """
    return momentum(
        learning_rate, decay, rate_inside=False, weight_decay=weight_decay, weight_decay_mask=weight_decay_mask
    )
