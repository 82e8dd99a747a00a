"""Schedule-free RAdam."""

from optax import ScalarOrSchedule

from optax_zoo._checks import is_absent
from optax_zoo.algorithms.averaging.schedule_free_adamw import schedule_free_adamw
from optax_zoo.parts import rectified, rectified_schedule
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=schedule_free_adamw,
    full_name="Schedule-free RAdam",
    example={"learning_rate": 1e-2, "otherwise": 1.0},
    claims=("apart", "order", "rest"),
    also_called=("RAdamScheduleFree",),
)
def schedule_free_radam(
    learning_rate: ScalarOrSchedule = 2.5e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    otherwise: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    r: Scalar = 0.0,
    weight_lr_power: Scalar = 2.0,
    decoupling: Scalar | None = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Schedule-free RAdam: schedule-free AdamW with RAdam's rectification in place of a warmup.

    .. math::

        \rho_t &= \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \qquad \rho_\infty = \frac{2}{1 - \beta_2} - 1 \\
        \alpha_t &= \alpha \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}
               \quad \text{for } \rho_t \ge 4, \text{ else } 0 \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
        u_t = \frac{g_t}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} + \lambda y_{t-1} \\
        z_t &= z_{t-1} - \alpha_t u_t, \qquad
        c_t = \frac{w_t}{\sum_{s \le t} w_s}, \quad w_t = t^r (\max_{s \le t} \alpha_s)^p \\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t, \qquad y_t = (1 - \beta_1) z_t + \beta_1 x_t

    Args:
      learning_rate: the rate alpha, at least 0, or a schedule; it needs neither warmup nor decay. Default of the
        authors' code, like all that follow.
      b2: decay of the average squared gradient, above 0 and below 1.
      otherwise: as long as rho is below 4, four steps at b2 = 0.999, the rate is multiplied by this, at least 0, and
        the step is that of the plain gradient. 0 for no step, 1 for what the authors call an SGD phase.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.schedule_free_radam(1e-3).slots["learning_rate"]
      rectified_schedule(0.001, 0.999)

    Claim:
      Use it when schedule-free AdamW is to do without a warmup, too.

    Source:
      A. Defazio et al. (2024); RAdamScheduleFree of their package schedulefree, whose `silent_sgd_phase`, the default,
      is `otherwise=0`, and else `otherwise=1`. There pytorch_optimizer takes the rate 1, whatever alpha is.
    """
    plain = schedule_free_adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        r=r,
        weight_lr_power=weight_lr_power,
        decoupling=decoupling,
        accumulator_dtype=accumulator_dtype,
    )
    rate = rectified_schedule(learning_rate, b2, otherwise=otherwise)
    if is_absent(otherwise):
        return plain.replace(learning_rate=rate)
    from_gradient = rectified(plain.slots["denominator"], b2, threshold=4.0, shorten=False)
    return plain.replace(denominator=from_gradient, learning_rate=rate)
