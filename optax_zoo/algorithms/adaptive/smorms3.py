"""SMORMS3."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import Rule, already_applied, primitive, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift, like, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import DType, Scalar
from optax_zoo.registry import algorithm


class Smorms3State(NamedTuple):
    """State of `scale_by_smorms3`, trees of arrays shaped like the parameters.

    Attributes:
      mean: average of the gradient.
      mean_square: average of the squared gradient.
      horizon: how many steps the next averages reach back, from 1 on.
    """

    mean: Any
    mean_square: Any
    horizon: Any


@primitive
def scale_by_smorms3(*, eps: Scalar = 1e-16, accumulator_dtype: DType = None) -> Rule:
    """SMORMS3's step, g min(rate, x) / (sqrt(v) + eps), x = m^2 / (v + eps), at the rate of an `already_applied`.

    Args:
      eps: added to v in x, and to the root of v.
      accumulator_dtype: dtype of the statistics; by default the gradient's, at least float32.

    Returns:
      A transformation with state `Smorms3State`, whose updates are multiplied by the rate already.
    """
    _checks.non_negative("eps", eps)
    check_accumulator_dtype(accumulator_dtype)

    def init(params: Any) -> Smorms3State:
        def full(statistic: Any, value: int) -> Any:
            return jax.tree.map(lambda p: zeros_for(statistic, p, accumulator_dtype) + value, params)

        return Smorms3State(full(identity, 0), full(square, 0), full(square, 1))

    def update(
        updates: Any, state: Smorms3State, params: Any = None, *, learning_rate: Any = None, **extra_args: Any
    ) -> Any:
        check_given("scale_by_smorms3", learning_rate, "already_applied(rate)")
        lifted = jax.tree.map(lambda g: bounded(lift(g)), updates)

        # Every quotient stands alone, over a common denominator: one that several share XLA keeps in a temporary.
        def average(s: jax.Array, x: jax.Array, n: jax.Array) -> jax.Array:
            return (lift(s) + (x - lift(s)) / (lift(n) + 1)).astype(s.dtype)

        def advance(n: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            noise = (lift(v) + eps - square(lift(m))) / (lift(v) + eps)  # 1 - x
            return (1 + lift(n) * noise).astype(n.dtype)

        def scale(x: Any, g: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            rate = jnp.minimum(learning_rate * (lift(v) + eps), square(lift(m))) / (lift(v) + eps)
            return like(g * rate / (root_of(lift(v)) + eps), x)

        mean = jax.tree.map(lambda g, m, n: average(m, g, n), lifted, state.mean, state.horizon)
        mean_square = jax.tree.map(lambda g, v, n: average(v, square(g), n), lifted, state.mean_square, state.horizon)
        horizon = jax.tree.map(advance, state.horizon, mean, mean_square)
        return jax.tree.map(scale, updates, lifted, mean, mean_square), Smorms3State(mean, mean_square, horizon)

    return Rule(init, update, by_leaf=True)


@algorithm(
    full_name="SMORMS3: squared mean over root mean squared cubed",
    paper="Funk: RMSprop loses to SMORMS3 - Beware the Epsilon!",
    year=2015,
    url="https://sifter.org/~simon/journal/20150420.html",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def smorms3(
    learning_rate: ScalarOrSchedule = 1e-3,
    *,
    eps: Scalar = 1e-16,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""SMORMS3: gradients over their root mean square, by a rate that their signal-to-noise ratio bounds.

    .. math::

        m_t &= (1 - r_t) m_{t-1} + r_t g_t, \qquad v_t = (1 - r_t) v_{t-1} + r_t g_t^2,
               \qquad r_t = \frac{1}{n_t + 1} \\
        x_t &= \frac{m_t^2}{v_t + \epsilon}, \qquad n_{t+1} = 1 + (1 - x_t) n_t, \qquad n_1 = 1 \\
        p_t &= p_{t-1} - \frac{\min(\alpha_t, x_t)}{\sqrt{v_t} + \epsilon} g_t

    Args:
      learning_rate: the rate alpha, at least 0, or a schedule; an upper bound, no factor: where x is smaller, x is the
        rate. Default of the author's code, like eps.
      eps: added to v in x, and to the root of v.

    State:
      `state["rescale"].mean`: m, `.mean_square`: v, `.horizon`: n, how many steps the next averages reach back; all
      shaped like the parameters. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.smorms3(1e-3)
      pipeline(rescale=scale_by_smorms3(), learning_rate=already_applied(0.001))

    Claim:
      Use it when a rate is to adapt to how far gradients agree, without tuning.

    Source:
      S. Funk (2015), whose text is code; Chainer 7.8.1, the same. An article that retells it takes n <- 2 - x n, which
      is never above 2, and exchanges the weights of the averages, so that these never reach far back.
    """
    return pipeline(
        rescale=scale_by_smorms3(eps=eps, accumulator_dtype=accumulator_dtype),
        learning_rate=already_applied(learning_rate),
    )
