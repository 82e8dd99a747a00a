"""Polyak's rate: as far as a model of the loss takes it down to its lower bound."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.distances import product_of, sum_of
from optax_zoo.primitives.learning_rate import Estimate, RateRule, evaluate_rate, init_rate
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import scalar_dtype, weak_float
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.types import Scalar


class PolyakState(NamedTuple):
    """State of `polyak_rate`. Fields that the options have no use for are not there.

    Attributes:
      rate: the state of the largest rate, where it is a schedule.
      loss: the average loss (scalar).
      product: the average product of gradient and parameters (scalar).
      count: steps taken (int32 scalar).
      loss_min: the lower bound of the loss, as it is estimated (scalar).
    """

    rate: Any
    loss: Any = None
    product: Any = None
    count: Any = None
    loss_min: Any = None


class _Model(NamedTuple):
    """What is known of the loss: its average, <g, p> averaged, and <n, p>."""

    loss: Any
    product: Any = 0.0
    ahead: Any = 0.0


@primitive
def polyak_rate(
    learning_rate: optax.ScalarOrSchedule | None = 1.0,
    decay: Scalar = 0.0,
    *,
    loss_min: Scalar = 0.0,
    adapt_loss_min: bool = False,
    seeded: Literal["first_step"] | None = None,
    weight_decay: Scalar | None = None,
    eps: Scalar = 0.0,
    negative: bool = False,
    of_gradient: bool = False,
    axis_name: Any = None,
) -> RateRule:
    r"""The rate at which a linear model of the loss f arrives at a lower bound of it, but not above a given rate.

    With the direction u that the rate multiplies, the numerator n (both are the gradient g in plain descent), and
    averages :math:`\langle \cdot \rangle_\beta` over the steps

    .. math::

        \tau_t = \min\left(\alpha_t, \frac{(h_t - f^*)_+}{\langle n_t, u_t \rangle + \epsilon}\right), \qquad
        h_t = \langle f \rangle_\beta + n_t^\top p_{t-1} - \langle g^\top p \rangle_\beta

    Without averages h is the loss of the step: Polyak's rate. n should be the average of gradients with the same decay,
    `debiased(ema(decay))`; then h is what the tangents of the steps say, on average, of the loss at the parameters.

    Args:
      learning_rate: alpha, the largest rate, at least 0, or a schedule; the decay and other parts follow it. None for
        no limit; they then follow tau.
      decay: beta of the averages, in [0, 1).
      loss_min: the lower bound f* of the loss.
      adapt_loss_min: estimate the bound, from `loss_min` upwards: half of h after each step, or less where that is not
        below the loss.
      seeded: None: averages are divided by their weights. "first_step": they start at the first step, like
        `ema(decay, seeded="first_step")`.
      weight_decay: the coefficient of a `proximal_decay` that stands beside it, at least 0: tau is then that of the sum
        of loss and penalty.
      eps: added to the denominator.
      negative: whether a loss below f* leads uphill; else it leads nowhere.
      of_gradient: take the gradient for n and u, whatever the slots make of it.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.

    Returns:
      A rate with state `PolyakState`; `update` needs `value=`, the loss, and with averages the parameters.

    Raises:
      ValueError: for a number outside its range.

    Source:
      B. T. Polyak: Introduction to Optimization (1987); N. Loizou et al. (2021): Stochastic Polyak Step-size for SGD;
      L. Berrada et al. (2020): Training Neural Networks for and by Interpolation; F. Schaipp et al. (2023): MoMo.
    """
    if learning_rate is not None:
        _checks.non_negative("learning_rate", learning_rate, schedule=True)
    _checks.decay("decay", decay)
    _checks.scalar("loss_min", loss_min, "finite", lambda x: True)
    _checks.non_negative("eps", eps)
    _checks.one_of("seeded", seeded, [None, "first_step"])
    if weight_decay is not None:
        _checks.non_negative("weight_decay", weight_decay)
    averages = not _checks.is_absent(decay)

    def init(params: Any) -> PolyakState:
        def zero() -> Any:
            return jnp.zeros((), scalar_dtype(params)) if averages else None

        bound = jnp.asarray(loss_min, scalar_dtype(params)) if adapt_loss_min else None
        count = jnp.zeros((), jnp.int32) if averages else None
        return filled(PolyakState(init_rate(learning_rate), zero(), zero(), count, bound))

    def estimate(
        u: Any,
        state: PolyakState,
        params: Any = None,
        *,
        value: Any = None,
        gradient: Any = None,
        numerator: Any = None,
        **extra_args: Any,
    ) -> tuple[Estimate, PolyakState]:
        check_loss("polyak_rate", value)
        alpha, rate_state = (jnp.inf, state.rate) if learning_rate is None else evaluate_rate(learning_rate, state.rate)
        state = state._replace(rate=rate_state)
        n = u if of_gradient else numerator
        model = _Model(value)
        if averages:
            state = _averaged(state, decay, seeded, value, product_of(gradient, params, axis_name))
            model = _Model(state.loss, state.product, product_of(n, params, axis_name))
        slope = sum_of(jax.tree.map(lambda n, u: jnp.real(n.conj() * u), n, u), axis_name)  # if infinite, tau is 0
        tau, state = step_down(alpha, model, slope, state)
        return Estimate(tau if learning_rate is None else alpha, tau), state

    def step_down(alpha: Any, model: _Model, slope: Any, state: PolyakState) -> tuple[Any, PolyakState]:
        weight = 1 if weight_decay is None else 1 + alpha * weight_decay
        height, bound = weight * (model.loss - model.product) + model.ahead, loss_min
        if adapt_loss_min:
            lower = jnp.maximum(height / (2 * weight), loss_min)
            bound = jnp.where(height < weight * state.loss_min, lower, state.loss_min)
        gap = height - weight * bound
        if not negative:
            gap = jnp.maximum(gap, 0)
        downhill = slope > 0
        tau = jnp.minimum(alpha, jnp.where(downhill, gap / (jnp.where(downhill, slope, 1) + eps), 0))
        if adapt_loss_min:
            reached = model.loss + model.ahead - model.product - tau * slope / 2
            state = state._replace(loss_min=jnp.maximum(reached, loss_min))
        return tau, state

    needs = ("params", "value") if averages else ("value",)
    return RateRule(init, estimate, needs=needs, of_direction=not of_gradient)


def _averaged(state: PolyakState, decay: Any, seeded: str | None, value: Any, product: Any) -> PolyakState:
    """A state that has also the loss and the product of a step in its averages."""
    count: Any = optax.safe_increment(state.count)
    if seeded is None:
        share = (1 - decay) / -jnp.expm1(weak_float(count) * jnp.log(decay))
    else:
        share = jnp.where(state.count == 0, 1, 1 - decay)
    loss = state.loss + share * (value - state.loss)
    return state._replace(loss=loss, product=state.product + share * (product - state.product), count=count)


def check_loss(part: str, value: Any) -> None:
    """Refuses a step without the loss, or with one that is no scalar."""
    if value is None:
        raise TypeError(f"{part} needs the loss: call update(grads, state, params, value=loss).")
    if jnp.ndim(value) != 0:
        raise ValueError(f"value has the shape {jnp.shape(value)}, but must be the loss, a scalar.")
