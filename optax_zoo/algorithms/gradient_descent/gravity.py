"""Gravity."""

from typing import Any

import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import damp_by_max, ema, growing_decay, optional, random_normal
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import DType, Key, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Gravity: a kinematic optimizer",
    paper="Bahrami and Pouriyan Zadeh: Gravity Optimizer: A Kinematic Approach on Optimization in Deep Learning",
    year=2021,
    url="https://arxiv.org/abs/2101.09192",
    example={"learning_rate": 0.1},
    claims=("apart",),
    expected_failures={
        "parabola": "a gradient g far above 1 moves a parameter by 1 / g^3: no rate solves the toy problems in time",
        "rosenbrock": "a gradient g far above 1 moves a parameter by 1 / g^3: no rate solves the toy problems in time",
    },
    proof="authors' code",
)
def gravity(
    learning_rate: ScalarOrSchedule = 0.1,
    alpha: Scalar = 0.01,
    beta: Scalar = 0.9,
    *,
    key: Key | None = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Gravity: gradients damped by the largest of their leaf, averaged with a decay that grows.

    .. math::

        \zeta_t &= \frac{g_t}{1 + (g_t / m_t)^2}, \qquad m_t = \frac{1}{\max |g_t|} \quad \text{(per leaf)} \\
        v_t &= \hat\beta_t v_{t-1} + (1 - \hat\beta_t) \zeta_t, \qquad \hat\beta_t = \frac{\beta t + 1}{t + 2},
               \quad t = 0, 1, \ldots, \quad v \sim \mathcal{N}(0, (\alpha / l)^2) \text{ at the start} \\
        p &\leftarrow p - l\, v_t

    Args:
      learning_rate: the rate l, at least 0, or a schedule. Default of the authors' code, like alpha and beta.
      alpha: standard deviation of the first step: the velocity starts at random with alpha over the first rate.
      beta: what the decay grows to from 1/2, in [0, 1).
      key: ... What is drawn is the initial velocity.

    State:
      `state["momentum"].value`: v, shaped like the parameters, and `.count`: steps taken (int32 scalar). 4 bytes a
      parameter.

    Raises:
      ValueError: for a number outside its range, or where alpha is divided by a first rate of 0.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.gravity(0.1).replace(momentum=None)
      pipeline(gradient=damp_by_max(), learning_rate=0.1)

    Claim:
      Use it when the last accuracy of Adam is to be had faster on deep networks with large gradients.

    Source:
      D. Bahrami, S. Pouriyan Zadeh (2021); dariush-bahrami/gravity.optimizer, whose Keras class this follows: t starts
      at 0. The authors' PyTorch class starts at t = 1: `growing_decay(beta, start=1)`. Their `epsilon` is never used.
      The damping turns a lone element g into about 1 / g^3: where gradients are far above 1 Gravity hardly moves.
    """
    stddev = _first_stddev(alpha, learning_rate)
    return pipeline(
        gradient=damp_by_max(axis_name=axis_name, stacked=stacked),
        momentum=ema(
            growing_decay(beta),
            initial=optional(random_normal, stddev, key) or 0.0,
            accumulator_dtype=accumulator_dtype,
        ),
        learning_rate=learning_rate,
    )


def _first_stddev(alpha: Any, learning_rate: Any) -> Any:
    """alpha over the first rate."""
    _checks.non_negative("alpha", alpha)
    if _checks.is_absent(alpha):
        return 0.0
    rate = learning_rate(jnp.zeros((), jnp.int32)) if callable(learning_rate) else learning_rate
    _checks.non_negative("learning_rate", rate)
    if _checks.is_known_zero(rate):
        raise ValueError(
            "learning_rate starts at 0, but gravity divides alpha by the first rate: start above 0, or pass alpha=0."
        )
    return alpha / rate
