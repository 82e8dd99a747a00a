"""MARS-AdamW, and the correction of gradients that all forms of MARS share."""

from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import Part, clip_by_norm, difference, parallel, scaled, serial
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


def variance_reduced(
    gamma: Scalar,
    decay: Scalar,
    *,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Part:
    """MARS's gradient: carried on along its last change, g + gamma decay / (1 - decay) (g - g'), and of norm 1 at most.

    Args:
      gamma: how much of the change counts, at least 0.
      decay: that of the average which is taken of it, in [0, 1).
      accumulator_dtype: dtype of g'; by default the gradient's, at least float32.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is clipped by itself; see `normalize_by_norm`.

    Returns:
      A transformation for the slot gradient, made of `difference` and `clip_by_norm`.
    """
    _checks.non_negative("gamma", gamma)
    _checks.decay("decay", decay)
    change = difference(seeded=None, accumulator_dtype=accumulator_dtype)
    return serial(
        correction=parallel(gradient=serial(), change=scaled(gamma * decay / (1 - decay), change)),
        clip=clip_by_norm("l2", 1.0, eps=0.0, axis_name=axis_name, stacked=stacked),
    )


@algorithm(
    full_name="MARS-AdamW: AdamW on gradients of reduced variance",
    paper="Yuan, Liu, Wu, Zhou and Gu: MARS: Unleashing the Power of Variance Reduction for Training Large Models",
    year=2024,
    url="https://arxiv.org/abs/2411.10438",
    example={"learning_rate": 1e-2},
    claims=("apart", "order"),
    also_called=("mars",),
    proof="authors' code",
)
def mars_adamw(
    learning_rate: ScalarOrSchedule = 3e-3,
    b1: Scalar = 0.95,
    b2: Decay = 0.99,
    *,
    gamma: Scalar = 0.025,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Route:
    r"""MARS-AdamW: AdamW on gradients carried on along their last change; AdamW itself for vectors.

    .. math::

        c_t &= g_t + \gamma \frac{\beta_1}{1 - \beta_1} (g_t - g_{t-1}), \quad g_0 = 0, \qquad
               \tilde c_t = \frac{c_t}{\max(1, \|c_t\|)} \quad \text{(per leaf)} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \tilde c_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) \tilde c_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      gamma: how much of the change of the gradient counts, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      rest: the optimizer of the rest; None stands for `adamw` at the same rate, with b1 0.9, b2 0.95 and decay 0.1.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for `matrices(stacked=stacked)`: all
        leaves of two or more axes.

    State:
      `state["matrices"]["gradient"]["correction"]["change"].previous`: the gradient before,
      `["numerator"].estimator.value`: m, and `["denominator"].estimator.value`: v, all shaped like the matrices, None
      for other leaves; `.weight` of both slots: 1 - beta^t (scalar); `state["rest"]`: that of the other optimizer.
      12 bytes a parameter.

    Raises:
      ValueError: for a number outside its range; from `init`, for a leaf that `by` sends nowhere.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.mars_adamw(b1=0.5, gamma=0.1).slots["matrices"].slots["gradient"]
      serial(correction=parallel(gradient=serial(), change=scaled(0.1, difference(seeded=None))),
             clip=clip_by_norm('l2', 1, eps=0))

    Claim:
      Use it when you train large models, such as language models, with AdamW and want to reach its loss in fewer steps.

    Source:
      H. Yuan et al. (2024); AGI-Arena/MARS, whose rule this is, with `is_approx`: the gradient before is that of the
      batch before, where the exact form takes a second gradient, of this batch at the parameters before. In that code
      leaves of three or more axes belong to the rest, too: `by=matrices(most_axes=2)`. The change at the first step is
      from 0, which multiplies a short first gradient by 1.475; timm takes it as it is, `difference()` in place of
      `difference(seeded=None)`, and in the version recorded does not clip it either, which makes up three quarters
      of the distance that a recorded leaf travels in twelve steps. pytorch_optimizer takes the change that the authors
      take, with eps outside the uncorrected root.
    """
    whole = adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    reduced = variance_reduced(gamma, b1, accumulator_dtype=accumulator_dtype, axis_name=axis_name, stacked=stacked)
    rest = adamw(learning_rate, 0.9, 0.95, eps=eps, weight_decay=0.1) if rest is None else rest
    by = matrices(stacked=stacked) if by is None else by
    return route(matrices=whole.replace(gradient=reduced), rest=rest, by=by)
