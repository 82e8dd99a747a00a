"""Estimators built on estimators: bias correction, roots, deviations, maxima over time, lags."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.arithmetic_mean import arithmetic_mean
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import DebiasWeight, Part, Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import in_dtype, in_dtype_of, lift, scalar_dtype, shapes_by_leaf, zeros
from optax_zoo.primitives.roots import ROOTS, root_of
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
    debias_weight = getattr(getattr(estimator, "rule", None), "debias_weight", None)
    if debias_weight is None:
        raise TypeError(
            f"debiased() got {estimator!r}, which keeps no weight to divide by; allowed are ema, trace, and root or "
            "running_max of one, started from zero."
        )

    update_estimate = update_of(estimator)

    def init(params: Any) -> DebiasedState:
        return DebiasedState(estimator.init(params), jnp.zeros((), scalar_dtype(params)))

    def update(updates: Any, state: DebiasedState, params: Any = None, **extra_args: Any) -> Any:
        weight, divisor = debias_weight(state.weight, state.estimator)
        estimate, inner = update_estimate(updates, state.estimator, params, **extra_args)
        factor = 1 / divisor  # one division for the tree
        return jax.tree.map(lambda e: in_dtype(e * factor, e.dtype), estimate), DebiasedState(inner, weight)

    return Rule(init, update, estimator.needs, by_leaf=all_by_leaf(estimator))


@primitive
def root(
    estimator: optax.GradientTransformation,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    order: int = 2,
    floor: Scalar = 0.0,
    power: Scalar = 1.0,
    softplus: Scalar | None = None,
    still: bool = False,
) -> Rule:
    """Square root of an estimate: max(sqrt(s + eps_root) + eps, floor)^power.

    Args:
      estimator: a non-negative estimate, e.g. `ema(0.999, of=square)`.
      eps: added outside the root.
      eps_root: added inside the root.
      order: which root: 2, 3 for the cube root (MADGRAD), or 1 for the estimate as it is (Sophia).
      floor: the least that the root counts, at least 0: in place of eps, it leaves larger roots as they are (ADOPT).
      power: what the root is raised to, above 0: below 1 it adapts in part (Padam).
      softplus: b, above 0, for log(1 + exp(b r)) / b in place of r, what the other arguments make: r where that is
        large, and at least log(2) / b, in place of eps (Tong, Liang and Bi: calibrated Adam).
      still: whether infinity stands for 0, so that what has had no gradient does not move, in place of 0 / 0.

    Returns:
      An estimator with the state of the one inside.
    """
    _checks.non_negative("eps", eps)
    _checks.non_negative("eps_root", eps_root)
    _checks.one_of("order", order, list(ROOTS))
    _checks.non_negative("floor", floor)
    _checks.positive("power", power)
    if softplus is not None:
        _checks.positive("softplus", softplus)
    update_estimate, plain_root = update_of(estimator), ROOTS[order]
    plain = _checks.is_number(power) and power == 1

    def raised(scale: jax.Array, of_root: Any) -> jax.Array:
        if not _checks.is_absent(floor):
            scale = jnp.maximum(scale, floor * of_root)
        if still:
            scale = jnp.where(scale == 0, jnp.inf, scale)
        if plain:
            return scale
        vanishes = scale == 0  # where the derivative of the power may be infinite
        return jnp.where(vanishes, 0, (jnp.where(vanishes, 1, scale) / of_root) ** power * of_root)

    def softened(scale: jax.Array, slope: Any) -> jax.Array:
        return jax.nn.softplus(scale * slope) / slope

    def update(updates: Any, state: Any, params: Any = None, *, unit: Any = 1, **extra_args: Any) -> Any:
        estimate, state = update_estimate(updates, state, params, unit=unit, **extra_args)
        of_root = unit if order == 2 else unit ** (2 / order)
        outside, inside = (eps, eps_root) if isinstance(unit, int) else (eps * of_root, eps_root * unit * unit)

        def of_estimate(s: jax.Array) -> jax.Array:
            scale = raised(plain_root(s + inside) + outside, of_root)
            return in_dtype(scale if softplus is None else softened(scale, softplus / of_root), s.dtype)

        return jax.tree.map(of_estimate, estimate), state

    of_divisor = plain_root if plain else lambda divisor: plain_root(divisor) ** power
    debias_weight = debias_weight_through(estimator, lambda state: state, of_divisor)
    return Rule(estimator.init, update, needs_of(estimator), debias_weight, all_by_leaf(estimator))


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

    def init(params: Any) -> DeviationState:
        return DeviationState(mean.init(params), mean_square.init(params))

    def update(updates: Any, state: DeviationState, params: Any = None, *, unit: Any = 1, **extra_args: Any) -> Any:
        same = jax.tree.map(bounded, updates)  # of the same gradient, or their difference is wrong
        m, mean_state = update_of(mean)(same, state.mean, params, unit=unit, **extra_args)
        v, mean_square_state = update_of(mean_square)(same, state.mean_square, params, unit=unit, **extra_args)

        def deviate(m: jax.Array, v: jax.Array) -> jax.Array:
            variance = jnp.maximum(v - square(m), 0)  # rounding can make it negative
            return in_dtype(root_of(variance + eps_root * unit * unit) + eps * unit, v.dtype)

        return jax.tree.map(deviate, m, v), DeviationState(mean_state, mean_square_state)

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
    update_estimate, splits = update_of(estimator), all_by_leaf(estimator)

    def init(params: Any) -> RunningMaxState:
        def first_estimate(params: Any) -> Any:
            return update_estimate(jax.tree.map(lift, params), estimator.init(params), params)[0]

        estimates = shapes_by_leaf(first_estimate, params) if splits else jax.eval_shape(first_estimate, params)
        maximum = jax.tree.map(lambda p, e: zeros(p, e.shape, e.dtype), params, estimates)
        return RunningMaxState(maximum, estimator.init(params))

    def update(updates: Any, state: RunningMaxState, params: Any = None, **extra_args: Any) -> Any:
        estimate, inner = update_estimate(updates, state.estimator, params, **extra_args)
        maximum = jax.tree.map(lambda s, e: jnp.maximum(s, e).astype(s.dtype), state.maximum, estimate)
        return jax.tree.map(in_dtype_of, maximum, estimate), RunningMaxState(maximum, inner)

    debias_weight = debias_weight_through(estimator, lambda state: state.estimator)
    return Rule(init, update, needs_of(estimator), debias_weight, splits)


class LaggedState(NamedTuple):
    """State of `lagged`.

    Attributes:
      estimator: the state of the estimator.
      count: steps taken (int32 scalar).
    """

    estimator: Any
    count: Any


@primitive
def lagged(estimator: Part) -> Rule:
    """An accumulated estimate as it was before this step, so that no gradient is in its own scale (ADOPT).

    At the first step, when there is none, it is infinite: what is divided by it does not move.

    Args:
      estimator: an accumulator: `ema`, `trace` or `total`. A `debiased` around `lagged` divides by the weight before
        the step, too.

    Returns:
      An estimator with state `LaggedState`.

    Raises:
      TypeError: from `init` for another estimator.
    """
    update_estimate = update_of(estimator)

    def init(params: Any) -> LaggedState:
        inner = estimator.init(params)
        if not hasattr(inner, "value"):
            raise TypeError(f"estimator is {estimator!r}, but must be an ema, a trace or a total.")
        return LaggedState(inner, jnp.zeros((), jnp.int32))

    def update(updates: Any, state: LaggedState, params: Any = None, **extra_args: Any) -> Any:
        estimate, inner = update_estimate(updates, state.estimator, params, **extra_args)
        first = state.count == 0
        before = jax.tree.map(
            lambda s, e: jnp.where(first, jnp.inf, in_dtype(s, e.dtype)), state.estimator.value, estimate
        )
        return before, LaggedState(inner, optax.safe_increment(state.count))

    of_new = debias_weight_through(estimator, lambda state: state.estimator)

    def of_old(weight: jax.Array, state: LaggedState) -> tuple[jax.Array, jax.Array]:
        assert of_new is not None
        return of_new(weight, state)[0], weight

    return Rule(init, update, needs_of(estimator), of_new and of_old, all_by_leaf(estimator))


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
        finite = jax.tree.map(bounded, updates)
        scale, state = update_of(rms)(finite, state, params)
        return jax.tree.map(lambda g, s: g / s, finite, scale), state

    return Rule(rms.init, update, by_leaf=True)


def debias_weight_through(
    estimator: optax.GradientTransformation,
    inner_state: Callable[[Any], Any],
    of_divisor: Callable[[jax.Array], jax.Array] = lambda divisor: divisor,
) -> DebiasWeight | None:
    """The weight of an estimator, seen through a part around it."""
    debias_weight = estimator.rule.debias_weight if isinstance(estimator, Part) else None
    if debias_weight is None:
        return None

    def through(weight: jax.Array, state: Any) -> tuple[jax.Array, jax.Array]:
        weight, divisor = debias_weight(weight, inner_state(state))
        return weight, of_divisor(divisor)

    return through
