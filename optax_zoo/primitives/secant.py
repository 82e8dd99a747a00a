"""The secant stage (AdaSecant): gradients of reduced variance times a rate from secants, over horizons that adapt."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import identity, square
from optax_zoo.primitives.types import Scalar, Statistic


class SecantState(NamedTuple):
    """State of `scale_by_secant`: trees of arrays shaped like the parameters, and the count.

    Fields that the options leave without a use are not there.

    Attributes:
      count: steps taken (int32 scalar).
      horizon: tau, how many steps the averages reach back.
      gradient: the last gradient g.
      mean_gradient: average of g.
      mean_square_gradient: average of g^2.
      mean_change: average of y, the change of the gradient.
      mean_square_change: average of y^2.
      mean_step: average of the step d.
      mean_square_step: average of d^2.
      covariance: average of y d.
      weight: the sum of the coefficients that the averages have seen, where they are divided by it.
      corrected_gradient: the last gradient c of reduced variance; with variance reduction, like the next two.
      gamma_numerator: average of ((g - c) (c - m))^2, with the c before.
      gamma_denominator: average of ((m - g) (c - m))^2, with the c before.
      total: sum of c^2; with `use_adagrad`.
    """

    count: Any
    horizon: Any
    gradient: Any
    mean_gradient: Any
    mean_square_gradient: Any
    mean_change: Any
    mean_square_change: Any
    mean_step: Any
    mean_square_step: Any
    covariance: Any
    weight: Any = None
    corrected_gradient: Any = None
    gamma_numerator: Any = None
    gamma_denominator: Any = None
    total: Any = None


@primitive
def scale_by_secant(
    *,
    decay: Scalar | None = None,
    debias: bool = True,
    gamma_clip: Scalar | None = None,
    gamma_reg: Scalar = 1e-6,
    start_var_reduction: int | None = 0,
    delta_clip: Scalar | None = None,
    use_adagrad: bool = False,
    outlier_horizon: Scalar = 2.5,
    outlier_growth: Scalar | None = 1.0,
    max_horizon: Scalar = 1e7,
    seed_mean_step: bool = True,
    eps: Scalar = 1e-7,
    eps_root: Scalar = 1e-7,
) -> Rule:
    """AdaSecant's stage: normalized gradients, with less variance, over the curvature that their changes tell of.

    The maths is that of `adasecant`. The options that only this function has are those in which the authors' versions
    differ; defaults are those of the latest.

    Args:
      decay: of the averages of g and g^2, in [0, 1); None for 1 - 1 / tau, the decay of all other averages.
      debias: divide these averages, and in the test for outliers all that share their decay, by their weight.
      gamma_clip: the largest gamma; None or 0 for no limit.
      gamma_reg: added to the denominator of gamma, outside the root.
      start_var_reduction: steps before variance reduction sets in; None for never.
      delta_clip: the largest elementwise rate; None or 0 for no limit.
      use_adagrad: divide the step by the root of the sum of all c^2 where that is above 1.
      outlier_horizon: what an outlier shortens a longer tau to, at least 1.5.
      outlier_growth: what an outlier adds to a tau that is no longer; None: such a tau becomes `outlier_horizon`, too.
      max_horizon: the largest tau.
      seed_mean_step: let the average step start from the first gradient; else from 0.
      eps: what averages start from, and damping of the quotients for tau and gamma.
      eps_root: added inside the roots of the rate.

    Returns:
      A transformation with state `SecantState`.
    """
    if decay is not None:
        _checks.decay("decay", decay)
    for name, value in {"outlier_horizon": outlier_horizon, "max_horizon": max_horizon}.items():
        _checks.scalar(name, value, "at least 1.5", lambda x: x >= 1.5)
    for name, value in dict(gamma_reg=gamma_reg, eps=eps, eps_root=eps_root).items():
        _checks.non_negative(name, value)
    may_be_none: dict[str, Any] = dict(gamma_clip=gamma_clip, start_var_reduction=start_var_reduction)
    for name, limit in (may_be_none | dict(delta_clip=delta_clip, outlier_growth=outlier_growth)).items():
        if limit is not None:
            _checks.non_negative(name, limit)
    gamma_clip = None if _checks.is_absent(gamma_clip) else gamma_clip
    delta_clip = None if _checks.is_absent(delta_clip) else delta_clip

    def init(params: Any) -> SecantState:
        return _first_state(params, eps, debias and decay is None, start_var_reduction is not None, use_adagrad)

    @jax.jit  # traced once for all leaves of a shape: a third of the time for a thousand leaves
    def advance(g: jax.Array, old: SecantState) -> tuple[jax.Array, SecantState]:
        change = g - old.gradient
        new = _average_gradients(g, change, old, decay)
        weight = change_weight = 1 if new.weight is None else new.weight
        if debias and decay is not None:
            weight = -jnp.expm1((old.count + 1.0) * jnp.log(decay)).astype(old.horizon.dtype)
        c, m = g, new.mean_gradient / weight
        if start_var_reduction is not None:
            gamma = _gamma(old, gamma_clip, gamma_reg, eps)
            c = jnp.where(old.count >= start_var_reduction, (g + gamma * m) / (1 + gamma), g)
            new = new._replace(corrected_gradient=c, **_average_for_gamma(g, m, old))
        seeded = _seed_steps(g, old)
        # What follows reads the step: newer XLA would compute it anew for each reader, with 8 temporaries instead of 6.
        step = jax.lax.optimization_barrier(
            bounded(-_rate(new.mean_square_change, seeded, delta_clip, eps_root) * c, 4)
        )
        if use_adagrad:
            new = new._replace(total=old.total + square(c))
            step = step / jnp.sqrt(jnp.maximum(new.total, 1))
        strays = _strays(g, new.mean_gradient, new.mean_square_gradient, weight)
        strays |= _strays(change, new.mean_change, new.mean_square_change, change_weight)
        horizon = jnp.clip(_next_horizon(seeded, strays, outlier_horizon, outlier_growth, eps), 1.5, max_horizon)
        start = seeded if seed_mean_step else seeded._replace(mean_step=old.mean_step)
        return step, new._replace(horizon=horizon, gradient=g, **_average_steps(step, change, start))

    def update(updates: Any, state: SecantState, params: Any = None, **extra_args: Any) -> Any:
        return _by_leaf(advance, updates, state)

    return Rule(init, update, by_leaf=True)


def _first_state(params: Any, eps: Any, weighs: bool, reduces: bool, sums: bool) -> SecantState:
    zeros: dict[Statistic, Any] = {}
    for statistic in (identity, square):
        zeros[statistic] = jax.tree.map(lambda p, of=statistic: zeros_for(of, p), params)

    def full(statistic: Statistic, value: Any) -> Any:
        return jax.tree.map(lambda z: z + value, zeros[statistic])

    state = SecantState(
        count=jnp.zeros((), jnp.int32),
        horizon=full(square, 2.1 * (1 + eps)),
        gradient=full(identity, eps),
        mean_gradient=full(identity, eps),
        mean_square_gradient=full(square, eps),
        mean_change=full(identity, eps),
        mean_square_change=full(square, eps),
        mean_step=full(identity, 0),
        mean_square_step=full(square, 0),
        covariance=full(square, eps),
        weight=full(square, 2 * eps) if weighs else None,
        corrected_gradient=full(identity, eps) if reduces else None,
        gamma_numerator=full(square, eps) if reduces else None,
        gamma_denominator=full(square, eps) if reduces else None,
        total=full(square, 0) if sums else None,
    )
    return filled(state)


def _average(old: SecantState, s: jax.Array, x: Any) -> jax.Array:
    """E[x] of this step, from s, that of the step before."""
    return ((old.horizon - 1) * s + x) / old.horizon


def _average_gradients(g: jax.Array, change: jax.Array, old: SecantState, decay: Scalar | None) -> SecantState:
    """E of g, g^2, y, y^2 and 1."""

    def recent(s: jax.Array, x: jax.Array) -> jax.Array:
        return _average(old, s, x) if decay is None else decay * s + (1 - decay) * x

    new = dict(
        mean_gradient=recent(old.mean_gradient, g),
        mean_square_gradient=recent(old.mean_square_gradient, square(g)),
        mean_change=_average(old, old.mean_change, change),
        mean_square_change=_average(old, old.mean_square_change, square(change)),
        weight=None if old.weight is None else _average(old, old.weight, 1),
    )
    # What follows reads these new averages: XLA would compute them anew from the old, with 8 temporaries instead of 6.
    return old._replace(**jax.lax.optimization_barrier(new))


def _gamma(old: SecantState, clip: Scalar | None, reg: Scalar, eps: Scalar) -> jax.Array:
    """How much of the average gradient is mixed in."""
    gamma = root_of(old.gamma_numerator) / (root_of(old.gamma_denominator + eps) + reg)
    return gamma if clip is None else jnp.minimum(gamma, clip)


def _average_for_gamma(g: jax.Array, m: jax.Array, old: SecantState) -> dict[str, jax.Array]:
    """E of ((g - c) (c - m))^2 and ((m - g) (c - m))^2."""
    lag = old.corrected_gradient - m
    return dict(
        gamma_numerator=_average(old, old.gamma_numerator, square((g - old.corrected_gradient) * lag)),
        gamma_denominator=_average(old, old.gamma_denominator, square((m - g) * lag)),
    )


def _seed_steps(g: jax.Array, old: SecantState) -> SecantState:
    """At the first step, E of d and d^2 are taken to be g and g^2."""
    first = old.count == 0
    return old._replace(
        mean_step=jnp.where(first, g, old.mean_step),
        mean_square_step=jnp.where(first, square(g), old.mean_square_step),
    )


def _rate(mean_square_change: jax.Array, old: SecantState, clip: Scalar | None, eps_root: Scalar) -> jax.Array:
    """What multiplies c: sqrt(E[d^2] / E[y^2]) - E[y d] / E[y^2]."""
    curvature = mean_square_change + eps_root
    rate = (root_of((old.mean_square_step + eps_root) * curvature) - old.covariance) / curvature
    return rate if clip is None else jnp.clip(rate, -clip, clip)


def _strays(x: jax.Array, mean: jax.Array, mean_square: jax.Array, weight: Any) -> jax.Array:
    """Whether x is more than two standard deviations off the mean; never where rounding left no variance."""
    mean = mean / weight
    variance = mean_square / weight - square(mean)
    return (variance >= 0) & (square(x - mean) > 4 * variance)


def _next_horizon(old: SecantState, strays: jax.Array, least: Scalar, growth: Scalar | None, eps: Scalar) -> jax.Array:
    """tau: longer the less the steps agree, and after an outlier short."""
    tau = (1 - square(old.mean_step) / (old.mean_square_step + eps)) * old.horizon + 1 + eps
    shortened = least if growth is None else tau + growth + eps
    return jnp.where(strays, jnp.where(tau > least, least, shortened), tau)


def _average_steps(step: jax.Array, change: jax.Array, old: SecantState) -> dict[str, jax.Array]:
    """E of d, d^2 and y d."""
    return dict(
        mean_step=_average(old, old.mean_step, step),
        mean_square_step=_average(old, old.mean_square_step, square(step)),
        covariance=_average(old, old.covariance, jnp.real(jnp.conj(change) * step)),
    )


def _by_leaf(advance: Callable[..., tuple[jax.Array, SecantState]], updates: Any, state: SecantState) -> Any:
    """The steps, to be subtracted, and the new state, from a function of one leaf and its part of the state."""
    leaves, treedef = jax.tree.flatten(updates)
    trees = {name: tree for name, tree in state._asdict().items() if name != "count" and tree is not None}
    columns = zip(*(jax.tree.leaves(tree) for tree in trees.values()), strict=True)
    rows = [SecantState(state.count, **dict(zip(trees, column, strict=True))) for column in columns]
    steps, news = [], []
    for g, old in zip(leaves, rows, strict=True):
        step, new = advance(bounded(lift(g), 4), old)
        steps.append(like(-step, g))
        news.append(jax.tree.map(lambda x, s: x.astype(s.dtype), new, old))
    trees = {name: jax.tree.unflatten(treedef, [getattr(new, name) for new in news]) for name in trees}
    return jax.tree.unflatten(treedef, steps), state._replace(count=optax.safe_increment(state.count), **trees)
