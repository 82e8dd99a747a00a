"""Estimators built on estimators: bias correction, roots, deviations, maxima over time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.accumulators import arithmetic_mean
from optax_zoo.primitives.inside import update_lifted
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Part, Rule, Weigh, all_by_leaf, needs_of, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype, shapes_by_leaf, zeros
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import DType, Scalar


class DebiasedState(NamedTuple):
    """State of `debiased`.

    Attributes:
      estimator: the state of the estimator.
      weight: the sum of the coefficients that the estimator has seen (scalar, float32, float64 for float64 trees).
    """

    estimator: Any
    weight: jax.Array


@primitive
def debiased(estimator: Part) -> Rule:
    """An estimate divided by its weight, so that it is not drawn towards the zero it started from: s / w.

    The weight follows the estimator's own recursion, which for a constant decay is 1 - decay^t without its rounding
    error. Inside `root` or `running_max` it corrects before them, outside after them (then eps meets the uncorrected
    root, the maximum is taken of uncorrected values).

    Args:
      estimator: `ema` or `trace`, or `root` or `running_max` of one.

    Returns:
      An estimator with state `DebiasedState`.

    Raises:
      TypeError: if the estimator has no weight (`total`, `arithmetic_mean`, averages with another start than zero).
    """
    weigh = getattr(getattr(estimator, "rule", None), "weigh", None)
    if weigh is None:
        raise TypeError(
            f"debiased() got {estimator!r}, which keeps no weight to divide by; allowed are ema, trace, and root or "
            "running_max of one, started from zero."
        )

    def init(params: Any) -> DebiasedState:
        return DebiasedState(estimator.init(params), jnp.zeros((), scalar_dtype(params)))

    def update(updates: Any, state: DebiasedState, params: Any = None, **extra_args: Any) -> Any:
        weight, divisor = weigh(state.weight, state.estimator)
        estimate, inner_state = update_lifted(estimator, updates, state.estimator, params, **extra_args)
        factor = 1 / divisor  # one division for the tree
        return jax.tree.map(lambda x, e: like(e * factor, x), updates, estimate), DebiasedState(inner_state, weight)

    return Rule(init, update, estimator.needs, by_leaf=all_by_leaf(estimator))


@primitive
def root(estimator: optax.GradientTransformation, *, eps: Scalar = 1e-8, eps_root: Scalar = 0.0) -> Rule:
    """Square root of an estimate: sqrt(s + eps_root) + eps.

    Args:
      estimator: a non-negative estimate, e.g. `ema(0.999, of=square)`.
      eps: added outside the root.
      eps_root: added inside the root.

    Returns:
      An estimator with the state of the one inside.
    """
    _checks.non_negative("eps", eps)
    _checks.non_negative("eps_root", eps_root)
    inner = optax.with_extra_args_support(estimator)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        estimate, state = update_lifted(inner, updates, state, params, **extra_args)
        return jax.tree.map(lambda x, e: like(root_of(lift(e) + eps_root) + eps, x), updates, estimate), state

    weigh = weigh_through(estimator, lambda state: state, jnp.sqrt)
    return Rule(inner.init, update, needs_of(estimator), weigh, all_by_leaf(estimator))


class DeviationState(NamedTuple):
    """State of `deviation`: the states of its two estimators."""

    mean: Any
    mean_square: Any


@primitive
def deviation(
    mean: optax.GradientTransformation,
    mean_square: optax.GradientTransformation,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
) -> Rule:
    """Standard deviation from two averages (centered RMSprop): sqrt(max(mean_square - mean^2, 0) + eps_root) + eps.

    Args:
      mean: an estimate of the mean, e.g. `ema(0.95)`.
      mean_square: an estimate of the mean square with the same weights, e.g. `ema(0.95, of=square)`.
      eps: added outside the root.
      eps_root: added inside the root.

    Returns:
      An estimator with state `DeviationState`.
    """
    _checks.non_negative("eps", eps)
    _checks.non_negative("eps_root", eps_root)
    first, second = optax.with_extra_args_support(mean), optax.with_extra_args_support(mean_square)

    def init(params: Any) -> DeviationState:
        return DeviationState(first.init(params), second.init(params))

    def update(updates: Any, state: DeviationState, params: Any = None, **extra_args: Any) -> Any:
        lifted = jax.tree.map(lambda x: bounded(lift(x)), updates)  # of the same gradient, or their difference is wrong
        m, mean_state = update_lifted(first, lifted, state.mean, params, **extra_args)
        v, mean_square_state = update_lifted(second, lifted, state.mean_square, params, **extra_args)

        def deviate(x: Any, m: jax.Array, v: jax.Array) -> jax.Array:
            variance = jnp.maximum(lift(v) - square(lift(m)), 0)  # rounding can make it negative
            return like(root_of(variance + eps_root) + eps, x)

        return jax.tree.map(deviate, updates, m, v), DeviationState(mean_state, mean_square_state)

    return Rule(init, update, needs_of(mean, mean_square), by_leaf=all_by_leaf(mean, mean_square))


class RunningMaxState(NamedTuple):
    """State of `running_max`.

    Attributes:
      maximum: the largest estimate so far, elementwise.
      estimator: the state of the estimator.
    """

    maximum: Any
    estimator: Any


@primitive
def running_max(estimator: optax.GradientTransformation) -> Rule:
    """Elementwise maximum over the steps of another estimate (AMSGrad): s <- max(s, estimate).

    Args:
      estimator: a non-negative estimate, e.g. `ema(0.999, of=square)`; a `debiased` around `running_max` divides by
        the estimator's weight after the maximum, one inside it before.

    Returns:
      An estimator with state `RunningMaxState`.
    """
    inner, splits = optax.with_extra_args_support(estimator), all_by_leaf(estimator)

    def init(params: Any) -> RunningMaxState:
        def first_estimate(params: Any) -> Any:
            return inner.update(jax.tree.map(lift, params), inner.init(params), params)[0]

        estimates = shapes_by_leaf(first_estimate, params) if splits else jax.eval_shape(first_estimate, params)
        maximum = jax.tree.map(lambda p, e: zeros(p, e.shape, e.dtype), params, estimates)
        return RunningMaxState(maximum, inner.init(params))

    def update(updates: Any, state: RunningMaxState, params: Any = None, **extra_args: Any) -> Any:
        estimate, inner_state = update_lifted(inner, updates, state.estimator, params, **extra_args)
        maximum = jax.tree.map(lambda s, e: jnp.maximum(s, lift(e)).astype(s.dtype), state.maximum, estimate)
        return jax.tree.map(like, maximum, updates), RunningMaxState(maximum, inner_state)

    weigh = weigh_through(estimator, lambda state: state.estimator)
    return Rule(init, update, needs_of(estimator), weigh, splits)


def arithmetic_rms(
    *, eps: Scalar = 1e-8, eps_root: Scalar = 0.0, sparse: bool = False, accumulator_dtype: DType = None
) -> Part:
    """Root of the arithmetic mean of squared gradients (Expectigrad): sqrt(sum g^2 / n + eps_root) + eps.

    Args:
      eps: added outside the root.
      eps_root: added inside the root.
      sparse: count per element, and only the steps where the squared gradient is not 0.
      accumulator_dtype: dtype of the sum and of a sparse count; by default the gradient's, at least float32.

    Returns:
      An estimator, `root(arithmetic_mean(of=square, ...), ...)`, with state `ArithmeticMeanState`.
    """
    return root(
        arithmetic_mean(of=square, sparse=sparse, accumulator_dtype=accumulator_dtype), eps=eps, eps_root=eps_root
    )


@primitive
def scale_by_arithmetic_rms(*, eps: Scalar = 1e-8, eps_root: Scalar = 0.0, sparse: bool = False) -> Rule:
    """Updates divided by the root of their arithmetic mean square, for use in `optax.chain`: g / arithmetic_rms(g).

    Args:
      eps: added outside the root.
      eps_root: added inside the root.
      sparse: count per element, and only the steps where the squared update is not 0.

    Returns:
      A transformation with state `ArithmeticMeanState`.
    """
    rms = arithmetic_rms(eps=eps, eps_root=eps_root, sparse=sparse)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        lifted = jax.tree.map(lambda x: bounded(lift(x)), updates)
        scale, state = rms.update(lifted, state, params)
        return jax.tree.map(lambda x, g, s: like(g / s, x), updates, lifted, scale), state

    return Rule(rms.init, update, by_leaf=True)


def weigh_through(
    estimator: optax.GradientTransformation,
    inner_state: Callable[[Any], Any],
    of_divisor: Callable[[jax.Array], jax.Array] = lambda divisor: divisor,
) -> Weigh | None:
    """The weight of an estimator, seen through a part around it."""
    weigh = estimator.rule.weigh if isinstance(estimator, Part) else None
    if weigh is None:
        return None

    def weigh_through(weight: jax.Array, state: Any) -> tuple[jax.Array, jax.Array]:
        weight, divisor = weigh(weight, inner_state(state))
        return weight, of_divisor(divisor)

    return weigh_through
