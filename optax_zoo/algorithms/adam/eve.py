"""Eve."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import debiased, ema, loss_feedback, relative_change, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Eve: Adam with feedback from the objective",
    paper="Hayashi, Koushik and Neubig: Eve: A Gradient Based Optimization Method with Locally and Globally Adaptive "
    "Learning Rates",
    year=2016,
    url="https://arxiv.org/abs/1611.01505",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def eve(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Scalar = 0.999,
    *,
    c: float = 10.0,
    loss_min: float = 0.0,
    eps: Scalar = 1e-8,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Eve: Adam divided by how much the loss changes from step to step, on average.

    .. math::

        d_t &= \beta_3 d_{t-1} + (1 - \beta_3)\, \mathrm{clip}\left(
               \frac{|f_t - f_{t-1}|}{|\min(f_t, f_{t-1}) - f^*|}, \frac{1}{c}, c \right), \qquad d_1 = 1 \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \frac{\alpha_t}{d_t} \frac{m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon)
               / \sqrt{1 - \beta_2^t}}

    `update` reads the loss f from `value=`. A loss that is not finite leaves d and the loss before as they are.

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b3: decay of the feedback d, in [0, 1).
      c: the largest relative change of the loss, and 1 / c the least; a number at least 1.
      loss_min: the minimum f* of the loss, a number.
      eps: added outside the root, which is not corrected for its start.

    State:
      `state["denominator"].feedback`: d, `.loss` and `.tracked`: the loss before, `.count`: steps with a finite loss
      (scalars), `.estimator.estimator.value`: v; `state["numerator"].estimator.value`: m, shaped like the parameters;
      `.weight` of the numerator and `.estimator.weight` of the denominator: 1 - beta^t (scalars). 8 bytes a parameter.

    Raises:
      ValueError: for a number outside its range.
      TypeError: from `update`, where `value=` is missing.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.eve(1e-3).slots["denominator"]
      loss_feedback(debiased(root(ema(0.999, of=square))))

    Claim:
      Use it when the loss is known at every step, and tells how far the rate may be raised.

    Source:
      H. Hayashi, J. Koushik, G. Neubig (2016 to 2018). The default is the authors' final code (rooa/eve), whose decay
      of the rate is the schedule learning_rate / (1 + decay count). Their first form (jayanthkoushik/sgd-feedback)
      tracks the loss by bounded factors and adds eps after the feedback: as denominator
      `debiased(loss_feedback(root(ema(b2, of=square), eps=0.0), b3, change=tracked_change(), eps=eps))`.
    """
    _checks.scalar("c", c, "at least 1", lambda x: x >= 1)
    _checks.scalar("loss_min", loss_min, "finite", lambda x: True)
    scale = debiased(root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps))
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=loss_feedback(scale, b3, change=relative_change(1 / c, c, loss_min)),
        learning_rate=learning_rate,
    )
