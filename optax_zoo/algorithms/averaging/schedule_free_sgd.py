"""Schedule-free SGD."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo._checks import is_absent
from optax_zoo.parts import coupled_decay, linear_warmup, optional, schedule_free
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Schedule-free SGD",
    paper="Defazio, Yang, Mehta, Mishchenko, Khaled and Cutkosky: The Road Less Scheduled",
    year=2024,
    url="https://arxiv.org/abs/2405.15682",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    proof="authors' code",
    also_called=("SGDScheduleFree",),
)
def schedule_free_sgd(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Scalar = 0.9,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    warmup_steps: Scalar = 0,
    r: Scalar = 0.0,
    weight_lr_power: Scalar = 2.0,
    decoupling: Scalar | None = None,
) -> Pipeline:
    r"""Schedule-free SGD: an average of iterates in place of momentum and of a schedule.

    The parameters of the training loop are y; those to evaluate with are x, which `evaluation_params` gives.

    .. math::

        z_t &= z_{t-1} - \alpha_t (g_t + \lambda y_{t-1}), \qquad
        c_t = \frac{w_t}{\sum_{s \le t} w_s}, \quad w_t = t^r (\max_{s \le t} \alpha_s)^p \\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t, \qquad y_t = (1 - \beta_1) z_t + \beta_1 x_t

    Args:
      learning_rate: the rate alpha, at least 0, or a schedule (a warmup; it needs no decay). Default of the authors'
        code, like all that follow; they recommend 10 to 50 times the rate of SGD with momentum.
      b1: the share of x in y, in (0, 1); the authors' `momentum`.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      warmup_steps: in how many equal steps the rate is reached; 0 for at once.
      r: the power of t in the weights, at least 0.
      weight_lr_power: the power p of the largest rate in the weights, at least 0.
      decoupling: a factor C: c is multiplied by (1 - b1) C, at most 1 (refined schedule-free); None for c as it is.

    State:
      `state["iterate"].base`: z, shaped like the parameters, float32 or wider; `state["iterate"].weight_sum`: the sum
      of w (scalar). 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.schedule_free_sgd(0.5)
      pipeline(learning_rate=0.5, iterate=schedule_free())

    Claim:
      Use it when the number of steps is not known beforehand, in place of SGD with momentum and a schedule.

    Source:
      A. Defazio et al. (2024); their package schedulefree, whose parameters in train mode are y. pytorch_optimizer
      takes the same steps; its `eps` is without effect.
    """
    rate: Any = learning_rate if is_absent(warmup_steps) else linear_warmup(learning_rate, warmup_steps)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=rate,
        iterate=schedule_free(b1, r=r, weight_lr_power=weight_lr_power, decoupling=decoupling),
    )
