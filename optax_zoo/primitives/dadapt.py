"""D-Adaptation's rate, which estimates itself."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.bias_correction import bias_correction
from optax_zoo.primitives.dadapt_sums import afterwards
from optax_zoo.primitives.distances import check_growth, most_grown, size_of, sum_of
from optax_zoo.primitives.learning_rate import Estimate, RateRule, Told, evaluate_rate, init_rate
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift, scalar_dtype
from optax_zoo.primitives.types import Scalar


class DadaptState(NamedTuple):
    """State of `dadapt_rate`.

    Attributes:
      distance: d, the estimated lower bound of the distance (scalar).
      numerator: the average of products of gradient and direction (scalar).
      gradient_sum: the average s of gradients times their rate, a tree like the parameters.
      direction: s over the denominator of its step, likewise.
      count: steps taken (int32 scalar).
      rate: the state of the factor, where it is a schedule.
    """

    distance: jax.Array
    numerator: jax.Array
    gradient_sum: Any
    direction: Any
    count: Any
    rate: Any


@primitive
def dadapt_rate(
    learning_rate: optax.ScalarOrSchedule = 1.0,
    decay: Scalar | None = 0.999**0.5,
    *,
    of: Literal["gradients", "squares", "directions"] = "gradients",
    norm: Literal["l1", "l2"] = "l1",
    already_applied: bool = False,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    layer_scale: Scalar = 1.0,
    bias_decays: tuple[Scalar, Scalar] | None = None,
    axis_name: Any = None,
) -> RateRule:
    r"""D-Adaptation's rate :math:`\gamma d_t`: d is a lower bound of the distance from the start to the solution.

    With the denominator D of a step, by default,

    .. math::

        r_t &= \beta r_{t-1} + (1 - \beta) \gamma_t d_t \left\langle g_t, \frac{s_{t-1}}{D_{t-1}} \right\rangle, \qquad
        s_t = \beta s_{t-1} + (1 - \beta) \gamma_t d_t g_t \\
        d_{t+1} &= \max\left(d_t, \frac{r_t}{(1 - \beta) \|s_t\|_1}\right)

    The numerator is of :math:`\gamma_t d_t g_t`, and what comes of it is not multiplied by the rate again. s over D is
    kept, because D is known after the step only.

    The other estimates are made after the step, from s alone, and leave the gradient as it is. Of squares

    .. math::

        q_t = \beta q_{t-1} + (1 - \beta) (\gamma_t d_t)^2 \left\langle g_t, \frac{g_t}{D_t} \right\rangle, \qquad
        d_{t+1} = \max\left(d_t, \frac{\langle s_t, s_t / D_t \rangle / (1 - \beta) - q_t}{\|s_t\|_1}\right)

    and of directions, where s is the average of the directions u that the rate multiplies,

    .. math::

        r_t = \beta r_{t-1} + (1 - \beta) \gamma_t d_t \langle u_t, s_{t-1} \rangle, \qquad
        d_{t+1} = \max\left(d_t, \frac{r_t}{(1 - \beta) \|s_t\|_1}\right)

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; 1, or a schedule that starts at 1.
      decay: beta, in [0, 1); the root of Adam's b2. None for sums in place of averages, without 1 - beta.
      of: "gradients", "squares" or "directions".
      norm: "l1": of s. "l2", of directions that are gradients: the rate is over the norm of the first gradient, and
        :math:`2 r / \|s\|_2` stands for :math:`r / \|s\|_1`.
      already_applied: whether parts before have multiplied by the rate (`scaled(..., rated=True)`), so that the step is
        not; of squares and directions.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.
      layer_scale: a factor of the steps, above 0, that the rate does not have; of gradients.
      bias_decays: (b1, b2), where the rate is to be multiplied by :math:`\sqrt{1 - b_2^t} / (1 - b_1^t)`, for
        averages that are not debiased; None for no factor.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.

    Returns:
      A rate with state `DadaptState`, of squares and directions `DadaptSumState`.

    Raises:
      ValueError: for a number outside its range.

    Source:
      A. Defazio, K. Mishchenko (2023): Learning-Rate-Free Learning by D-Adaptation, and their package dadaptation.
    """
    _checks.non_negative("learning_rate", learning_rate, schedule=True)
    _checks.one_of("of", of, ["gradients", "squares", "directions"])
    _checks.one_of("norm", norm, ["l1", "l2"] if of == "directions" else ["l1"])
    if decay is not None:
        _checks.decay("decay", decay)
    elif of == "gradients":
        raise ValueError("decay is None, but must be a number beside of='gradients'.")
    _checks.positive("d0", d0)
    _checks.positive("layer_scale", layer_scale)
    check_growth(growth_rate)
    if of != "gradients":
        if bias_decays is not None:
            raise ValueError(f"of is {of!r}, but must be 'gradients' where bias_decays is given.")
        return afterwards(learning_rate, decay, of, norm, already_applied, d0, growth_rate, axis_name)

    beta: Any = decay

    def init(params: Any) -> DadaptState:
        def zeros() -> Any:
            return jax.tree.map(lambda p: jnp.zeros_like(lift(p)), params)

        first = jnp.asarray(d0, scalar_dtype(params))
        return DadaptState(first, first * 0, zeros(), zeros(), jnp.zeros((), jnp.int32), init_rate(learning_rate))

    def estimate(g: Any, state: DadaptState, params: Any = None, **extra_args: Any) -> tuple[Estimate, DadaptState]:
        gamma, rate_state = evaluate_rate(learning_rate, state.rate)
        count: Any = optax.safe_increment(state.count)
        rate = state.distance * gamma
        if bias_decays is not None:
            rate = rate * bias_correction(*bias_decays, count)
        x = jax.tree.map(lambda x: bounded(x, 3), g)
        products = jax.tree.map(lambda x, way: jnp.real(x.conj() * way), x, state.direction)
        numerator = beta * state.numerator + (1 - beta) * layer_scale * rate * sum_of(products, axis_name)
        gradient_sum = jax.tree.map(
            lambda s, x: (beta * s + (1 - beta) * rate * x).astype(s.dtype), state.gradient_sum, x
        )
        size = layer_scale * sum_of(jax.tree.map(size_of, gradient_sum), axis_name)
        moves = size != 0
        guess = numerator / ((1 - beta) * jnp.where(moves, size, 1))
        grown = jnp.maximum(state.distance, jnp.minimum(guess, most_grown(state.distance, growth_rate)))
        after = state._replace(
            distance=jnp.where(moves, grown, state.distance),
            numerator=jnp.where(moves, numerator, state.numerator),
            gradient_sum=gradient_sum,
            count=jnp.where(moves, count, state.count),
            rate=rate_state,
        )
        rate = jnp.where(moves, rate, 0)
        return Estimate(rate, 1, numerator=layer_scale * rate, direct=layer_scale * rate), after

    def conclude(state: DadaptState, told: Told) -> DadaptState:
        if told.denominator is None:
            return state._replace(direction=state.gradient_sum)
        return state._replace(direction=jax.tree.map(lambda s, d: s / d, state.gradient_sum, told.denominator))

    return RateRule(init, estimate, conclude)
