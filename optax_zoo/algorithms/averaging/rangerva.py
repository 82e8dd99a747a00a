"""RangerVA."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    decoupled_decay,
    ema,
    lookahead_steps,
    optional,
    root,
    running_max,
    scale_by_bias_correction,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="RangerVA: calibrated AMSGrad and Lookahead",
    paper="Tong, Liang and Bi: Calibrating the adaptive learning rate to improve convergence of ADAM",
    year=2019,
    url="https://arxiv.org/abs/1908.00700",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def rangerva(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.95,
    b2: Scalar = 0.999,
    *,
    softness: Scalar = 50.0,
    every: int = 6,
    alpha: Scalar = 0.5,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""RangerVA: Adam over the softplus of the largest root so far, whose weights go back a part of the way.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        v_t = \beta_2^2 v_{t-1} + (1 - \beta_2^2) g_t^2, \qquad \hat v_t = \max(\hat v_{t-1}, v_t) \\
        \theta_t &= \theta_{t-1} - \alpha_t \left( \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
               \frac{s m_t}{\log(1 + \exp(s \sqrt{\hat v_t}))} + \lambda \theta_{t-1} \right) \\
        & \text{every k steps} \quad \phi \leftarrow \phi + \alpha (\theta_t - \phi), \quad \theta_t \leftarrow \phi

    The parameters of the training loop are :math:`\theta`; those to evaluate with are :math:`\phi`, which
    `evaluation_params` gives.

    Args:
      learning_rate: ... Default of the author's code, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, which is applied twice a step, in [0, 1).
      softness: s, above 0; the denominator is at least log(2) / s.
      every: the number k of fast steps, at least 1.
      alpha: the share of the way that the slow weights go, in [0, 1].
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].value`: m, `state["denominator"].maximum` and `.estimator.value`: the largest v and v, and
      `state["iterate"].slow`: the slow weights, all shaped like the parameters. 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.rangerva(1e-3).slots["denominator"]
      root(running_max(ema(0.998001, of=square)), eps=0, softplus=50)

    Claim:
      Use it when AMSGrad's smallest denominators are to be limited smoothly, as in the paper on calibrated Adam.

    Source:
      L. Wright (2019), in pytorch-ranger, which torch-optimizer has, after Q. Tong et al. It updates the average of
      squares twice a step, by which its decay is b2 squared, and corrects it for b2. It does not rectify, although it
      takes RAdam's threshold. Without `transformer="softplus"` it multiplies the step by the rate twice.
    """
    _checks.decay("b2", b2)
    squares = ema(b2 * b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(running_max(squares), eps=0.0, softplus=softness),
        rescale=scale_by_bias_correction(b1, b2),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
        iterate=lookahead_steps(every, alpha),
    )
