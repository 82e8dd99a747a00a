"""Prodigy's rate, which estimates itself."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.bias_correction import bias_correction
from optax_zoo.primitives.distances import check_growth, most_grown, size_of, sum_of
from optax_zoo.primitives.iterates import own
from optax_zoo.primitives.layout import whole
from optax_zoo.primitives.learning_rate import Estimate, RateRule, evaluate_rate, init_rate
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift, scalar_dtype
from optax_zoo.primitives.types import Scalar


class ProdigyState(NamedTuple):
    """State of `prodigy_rate`.

    Attributes:
      distance: d, the estimated distance (scalar).
      largest: the largest estimate so far (scalar).
      numerator: the weighted sum of products of gradient and distance travelled (scalar).
      gradient_sum: the weighted sum s of gradients, a tree like the parameters (or of every `slice_p`-th element).
      start: the first parameters, likewise.
      count: steps taken (int32 scalar).
      rate: the state of the factor, where it is a schedule.
    """

    distance: jax.Array
    largest: jax.Array
    numerator: jax.Array
    gradient_sum: Any
    start: Any
    count: Any
    rate: Any


@primitive
def prodigy_rate(
    learning_rate: optax.ScalarOrSchedule = 1.0,
    decay: Scalar = 0.999**0.5,
    *,
    d0: Scalar = 1e-6,
    d_coef: Scalar = 1.0,
    growth_rate: Scalar = float("inf"),
    bias_decays: tuple[Scalar, Scalar] | None = None,
    safeguard_warmup: bool = False,
    slice_p: int = 1,
    axis_name: Any = None,
) -> RateRule:
    r"""Prodigy's rate :math:`\gamma d_t`, for rows whose steps do not depend on the scale of the gradient.

    d estimates the distance from the start to the solution.

    .. math::

        r_t &= \beta r_{t-1} + \gamma_t \frac{d_t^2}{d_0} \langle g_t, p_0 - p_t \rangle, \qquad
        s_t = \beta s_{t-1} + \gamma_t \frac{d_t^2}{d_0} g_t \\
        d_{t+1} &= \max\left(d_t, c \frac{r_t}{\|s_t\|_1}\right)

    Where there is a denominator, numerator and denominator are of :math:`d_t g_t`, so that later steps, of a better d,
    weigh more; an eps of the denominator is multiplied by :math:`d_{t+1}`.

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; 1, or a schedule that starts at 1.
      decay: beta, in [0, 1); the root of Adam's b2.
      d0: the first d, above 0; far below the distance.
      d_coef: the factor c, above 0, for larger or smaller rates.
      growth_rate: the most that d may grow by in a step, above 1.
      bias_decays: (b1, b2), where the rate is to be multiplied by :math:`\sqrt{1 - b_2^t} / (1 - b_1^t)`, for
        averages that are not debiased; None for no factor.
      safeguard_warmup: leave gamma and that factor out of s, so that a warmup does not raise d.
      slice_p: estimate d from every slice_p-th element of a leaf, which takes that much less memory; a sharded leaf is
        brought together for it.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.

    Returns:
      A rate with state `ProdigyState`. It needs the parameters.

    Raises:
      ValueError: for a number outside its range.

    Source:
      K. Mishchenko, A. Defazio (2023): Prodigy: An Expeditiously Adaptive Parameter-Free Learner, and their package
      prodigyopt. Steps before the first gradient that is not 0 are left out.
    """
    _checks.non_negative("learning_rate", learning_rate, schedule=True)
    _checks.decay("decay", decay)
    _checks.positive("d0", d0)
    _checks.positive("d_coef", d_coef)
    check_growth(growth_rate)
    _checks.whole("slice_p", slice_p)

    def sliced(x: Any) -> jax.Array:
        return lift(x) if slice_p == 1 else whole(lift(x)).reshape(-1)[::slice_p]

    def init(params: Any) -> ProdigyState:
        first = jnp.asarray(d0, scalar_dtype(params))
        start = own(jax.tree.map(sliced, params))
        zeros = jax.tree.map(jnp.zeros_like, start)
        count = jnp.zeros((), jnp.int32)
        return ProdigyState(first, first + 0, first * 0, zeros, start, count, init_rate(learning_rate))

    def estimate(
        g: Any, state: ProdigyState, params: Any = None, *, states_before: Any = (), **extra_args: Any
    ) -> tuple[Estimate, ProdigyState]:
        gamma, rate_state = evaluate_rate(learning_rate, state.rate)
        count: Any = optax.safe_increment(state.count)
        d = state.distance
        rate = d * gamma
        if bias_decays is not None:
            rate = rate * bias_correction(*bias_decays, count)
        gain = d / d0 * rate
        x = jax.tree.map(lambda x: bounded(sliced(x), 3), g)
        travelled = jax.tree.map(lambda p0, p: bounded(p0 - sliced(p), 3), state.start, params)
        products = jax.tree.map(lambda x, way: jnp.real(x.conj() * way), x, travelled)
        numerator = decay * state.numerator + gain * sum_of(products, axis_name)
        share = d / d0 * d if safeguard_warmup else gain
        gradient_sum = jax.tree.map(lambda s, x: (decay * s + share * x).astype(s.dtype), state.gradient_sum, x)
        size = sum_of(jax.tree.map(size_of, gradient_sum), axis_name)
        moves = size != 0
        guess = d_coef * numerator / jnp.where(moves, size, 1)
        largest = jnp.maximum(state.largest, guess)
        grown = jnp.minimum(largest, most_grown(jnp.where(d == d0, jnp.maximum(d, guess), d), growth_rate))
        distance = jnp.where(moves, grown, d)
        after = ProdigyState(
            distance,
            jnp.where(moves, largest, state.largest),
            jnp.where(moves, numerator, state.numerator),
            gradient_sum,
            state.start,
            jnp.where(moves, count, state.count),
            rate_state,
        )
        rate = jnp.where(moves, rate, 0)
        if "denominator" not in states_before:  # what the gradient is multiplied by would not be divided by again
            return Estimate(rate, rate), after
        return Estimate(rate, rate, numerator=d, denominator=d, direct=distance, unit=distance), after

    return RateRule(init, estimate, needs=("params",))
