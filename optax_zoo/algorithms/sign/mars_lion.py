"""MARS-Lion."""

from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.algorithms.adam.mars_adamw import mars_adamw, variance_reduced
from optax_zoo.parts import decoupled_decay, ema, optional, scale_by_sign
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    variant_of=mars_adamw,
    full_name="MARS-Lion: the sign of an average gradient of reduced variance",
    example={"learning_rate": 1e-3},
    claims=("apart", "order"),
)
def mars_lion(
    learning_rate: ScalarOrSchedule = 3e-3,
    b1: Scalar = 0.95,
    *,
    gamma: Scalar = 0.025,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Route:
    r"""MARS-Lion: the sign of the average of gradients that are carried on along their last change; AdamW for vectors.

    .. math::

        c_t &= g_t + \gamma \frac{\beta_1}{1 - \beta_1} (g_t - g_{t-1}), \quad g_0 = 0, \qquad
               \tilde c_t = \frac{c_t}{\max(1, \|c_t\|)} \quad \text{(per leaf)} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \tilde c_t, \qquad
               p_t = p_{t-1} - \alpha_t (\mathrm{sign}(m_t) + \lambda p_{t-1})

    Args:
      learning_rate: ... How far each element of a matrix moves in a step. Default of the authors' code, like all that
        follow.

    State:
      `state["matrices"]["gradient"]["correction"]["change"].previous`: the gradient before, and `["numerator"].value`:
      m, both shaped like the matrices, None for other leaves; `state["rest"]`: that of the other optimizer.
      8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.mars_lion().replace(matrices={"gradient": None}).slots["matrices"]
      pipeline(numerator=ema(0.95), rescale=scale_by_sign(), learning_rate=0.003)

    Claim:
      Use it when you would use Lion on a large model, and want a step whose sign depends less on the batch.

    Source:
      H. Yuan et al. (2024), algorithm 3; AGI-Arena/MARS with `mars_type="mars-lion"`. Unlike `lion`, the sign is that
      of the average itself, of one decay: what a second decay does there, the correction does here. The first change
      is from 0, as in `mars_adamw`. The trajectory recorded of the authors' code has a rate of 1e-3 and a gamma of
      0.05.
    """
    whole = pipeline(
        gradient=variance_reduced(gamma, b1, accumulator_dtype=accumulator_dtype, axis_name=axis_name, stacked=stacked),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        rescale=scale_by_sign(),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
    rest = adamw(learning_rate, 0.9, 0.95, weight_decay=0.1) if rest is None else rest
    return route(matrices=whole, rest=rest, by=matrices(stacked=stacked) if by is None else by)
