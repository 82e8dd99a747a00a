"""AdaSecant, and its stage: the secant step."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.average_norm import normalize_by_average_norm
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, zeros_for
from optax_zoo.primitives.statistics import identity, square
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


class SecantState(NamedTuple):
    """State of `scale_by_secant`: trees of arrays shaped like the parameters, and the count.

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
      weight: the sum of the coefficients that the averages have seen; None where they are not divided by it.
      corrected_gradient: the last gradient c of reduced variance; None without variance reduction, like the next two.
      gamma_numerator: average of ((g - c) (c - m))^2, with the c before.
      gamma_denominator: average of ((m - g) (c - m))^2, with the c before.
      total: sum of c^2; None without `use_adagrad`.
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
    _checks.scalar("outlier_horizon", outlier_horizon, "at least 1.5", lambda x: x >= 1.5)
    _checks.scalar("max_horizon", max_horizon, "at least 1.5", lambda x: x >= 1.5)
    for name, value in [
        ("gamma_clip", gamma_clip),
        ("gamma_reg", gamma_reg),
        ("start_var_reduction", start_var_reduction),
        ("delta_clip", delta_clip),
        ("outlier_growth", outlier_growth),
        ("eps", eps),
        ("eps_root", eps_root),
    ]:
        if value is not None:
            _checks.non_negative(name, value)
    gamma_clip = None if _checks.is_absent(gamma_clip) else gamma_clip
    delta_clip = None if _checks.is_absent(delta_clip) else delta_clip

    def init(params: Any) -> SecantState:
        def full(statistic: Any, value: Any) -> Any:
            return jax.tree.map(lambda p: zeros_for(statistic, p) + value, params)

        reduces = start_var_reduction is not None
        return SecantState(
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
            weight=full(square, 2 * eps) if debias and decay is None else None,
            corrected_gradient=full(identity, eps) if reduces else None,
            gamma_numerator=full(square, eps) if reduces else None,
            gamma_denominator=full(square, eps) if reduces else None,
            total=full(square, 0) if use_adagrad else None,
        )

    def advance(g: jax.Array, old: SecantState) -> tuple[jax.Array, dict[str, Any]]:
        """The step of one leaf, and its new state."""

        def average(s: jax.Array, x: Any) -> jax.Array:
            return ((old.horizon - 1) * s + x) / old.horizon

        def recent(s: jax.Array, x: jax.Array) -> jax.Array:
            return average(s, x) if decay is None else decay * s + (1 - decay) * x

        change = g - old.gradient
        new = dict(
            mean_gradient=recent(old.mean_gradient, g),
            mean_square_gradient=recent(old.mean_square_gradient, square(g)),
            mean_change=average(old.mean_change, change),
            mean_square_change=average(old.mean_square_change, square(change)),
            weight=None if old.weight is None else average(old.weight, 1),
        )
        # The barriers let what follows read the new averages and one step; XLA would compute them anew from old ones.
        # Temporaries: 6 of a leaf's size instead of 8. The rest is that new values need each other's old ones.
        new = jax.lax.optimization_barrier(new)
        weight, change_weight = (1, 1) if old.weight is None else (new["weight"], new["weight"])
        if debias and decay is not None:
            weight = -jnp.expm1((old.count + 1) * jnp.log(decay)).astype(old.horizon.dtype)
        m = new["mean_gradient"] / weight

        c = g
        if old.corrected_gradient is not None:
            gamma = jnp.sqrt(old.gamma_numerator) / (jnp.sqrt(old.gamma_denominator + eps) + gamma_reg)
            if gamma_clip is not None:
                gamma = jnp.minimum(gamma, gamma_clip)
            c = jnp.where(old.count >= start_var_reduction, (g + gamma * m) / (1 + gamma), g)
            lag = old.corrected_gradient - m
            new["corrected_gradient"] = c
            new["gamma_numerator"] = average(old.gamma_numerator, square((g - old.corrected_gradient) * lag))
            new["gamma_denominator"] = average(old.gamma_denominator, square((m - g) * lag))

        mean_step = jnp.where(old.count == 0, g, old.mean_step)
        mean_square_step = jnp.where(old.count == 0, square(g), old.mean_square_step)
        curvature = new["mean_square_change"] + eps_root
        rate = (jnp.sqrt((mean_square_step + eps_root) * curvature) - old.covariance) / curvature
        if delta_clip is not None:
            rate = jnp.clip(rate, -delta_clip, delta_clip)
        step = jax.lax.optimization_barrier(-rate * c)
        if old.total is not None:
            new["total"] = old.total + square(c)
            step = step / jnp.sqrt(jnp.maximum(new["total"], 1))

        tau = (1 - square(mean_step) / (mean_square_step + eps)) * old.horizon + 1 + eps
        shortened = outlier_horizon if outlier_growth is None else tau + outlier_growth + eps
        shortened = jnp.where(tau > outlier_horizon, outlier_horizon, shortened)
        outlier = _strays(g, m, new["mean_square_gradient"] / weight) | _strays(
            change, new["mean_change"] / change_weight, new["mean_square_change"] / change_weight
        )
        new["horizon"] = jnp.clip(jnp.where(outlier, shortened, tau), 1.5, max_horizon)
        new["gradient"] = g
        new["mean_step"] = average(mean_step if seed_mean_step else old.mean_step, step)
        new["mean_square_step"] = average(mean_square_step, square(step))
        new["covariance"] = average(old.covariance, jnp.real(jnp.conj(change) * step))
        return step, new

    def update(updates: Any, state: SecantState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        trees = {name: tree for name, tree in state._asdict().items() if name != "count" and tree is not None}
        columns = zip(*(jax.tree.leaves(tree) for tree in trees.values()), strict=True)
        old = [SecantState(state.count, **dict(zip(trees, column, strict=True))) for column in columns]
        pairs = [advance(lift(g), row) for g, row in zip(leaves, old, strict=True)]

        def new_tree(name: str) -> Any:
            return jax.tree.unflatten(
                treedef, [new[name].astype(getattr(row, name).dtype) for (_, new), row in zip(pairs, old, strict=True)]
            )

        uphill = jax.tree.unflatten(treedef, [like(-step, g) for (step, _), g in zip(pairs, leaves, strict=True)])
        return uphill, SecantState(optax.safe_increment(state.count), **{name: new_tree(name) for name in trees})

    return Rule(init, update)


def _strays(x: jax.Array, mean: jax.Array, mean_square: jax.Array) -> jax.Array:
    """Whether x is more than two standard deviations off the mean; never where rounding left no variance."""
    variance = mean_square - square(mean)
    return (variance >= 0) & (square(x - mean) > 4 * variance)


@algorithm(
    full_name="AdaSecant: robust adaptive secant method",
    paper="Gulcehre, Moczulski and Bengio: ADASECANT: Robust Adaptive Secant Method for Stochastic Gradient",
    year=2014,
    url="https://arxiv.org/abs/1412.7419",
    example={"learning_rate": 1.0},
)
def adasecant(
    learning_rate: ScalarOrSchedule = 1.0,
    slow_decay: Scalar = 0.995,
    *,
    gamma_clip: Scalar | None = None,
    gamma_reg: Scalar = 1e-6,
    start_var_reduction: int | None = 0,
    delta_clip: Scalar | None = None,
    use_adagrad: bool = False,
    eps: Scalar = 1e-7,
    eps_root: Scalar = 1e-7,
    axis_name: Any = None,
) -> Pipeline:
    r"""AdaSecant: gradients of reduced variance times a rate from secants, averaged over horizons that adapt.

    With E the elementwise average :math:`E_t[x] = (1 - 1 / \tau_t) E_{t-1}[x] + x_t / \tau_t`:

    .. math::

        g_t &= \frac{\nabla_t}{\sqrt{n_t / (1 - \rho^t)} + \epsilon}, \qquad n_1 = \|\nabla_1\|^2, \qquad
               n_{t+1} = \rho n_t + (1 - \rho) \|g_t\|^2 \quad \text{(per leaf)} \\
        c_t &= \frac{g_t + \gamma_t m_t}{1 + \gamma_t}, \qquad m_t = \frac{E_t[g]}{w_t}, \qquad
               \gamma_t = \frac{\sqrt{E_{t-1}[(g - c^-)^2 (c^- - m)^2]}}
                               {\sqrt{E_{t-1}[(m - g)^2 (c^- - m)^2] + \epsilon} + \gamma_r}, \qquad c^-_t = c_{t-1} \\
        d_t &= -\left(\frac{\sqrt{E_{t-1}[d^2] + \epsilon_r}}{\sqrt{E_t[y^2] + \epsilon_r}}
               - \frac{E_{t-1}[y d]}{E_t[y^2] + \epsilon_r}\right) c_t, \qquad y_t = g_t - g_{t-1} \\
        \tau_{t+1} &= \left(1 - \frac{E_{t-1}[d]^2}{E_{t-1}[d^2] + \epsilon}\right) \tau_t + 1 + \epsilon,
               \quad \text{kept in } [1.5, 10^7] \\
        p_t &= p_{t-1} + \alpha_t d_t

    w is the weight of E[g]. Averages start from eps, those of the step from g and g^2, tau from 2.1. Where g or y is
    more than two standard deviations from its mean, a tau above 2.5 becomes 2.5 and another grows by 1 more.

    Args:
      learning_rate: the factor alpha, at least 0, or a schedule; the averages of d do not see it. The authors have
        none, that is 1. (What their workshop code calls so is eps_root.)
      slow_decay: decay rho of the average norm, in [0, 1). Default of the authors' latest code, like all that follow.
      gamma_clip: the largest gamma, at least 0; None or 0 for no limit.
      gamma_reg: gamma_r, added to the denominator of gamma, outside the root.
      start_var_reduction: the number of steps for which c is g; None for all.
      delta_clip: the largest size of what multiplies c, at least 0; None or 0 for no limit.
      use_adagrad: divide d by the root of the sum of all c^2 so far, where that is above 1.
      eps: what averages start from, and damping of the quotients for g, gamma and tau.
      eps_root: added inside the roots of the rate.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    State:
      `state["gradient"].mean_square`: n, a scalar a leaf, `.weight`: 1 - rho^t (scalar); `state["rescale"].count`:
      steps taken (int32 scalar), `.horizon`: tau, `.weight`: w, `.gradient`: g, `.corrected_gradient`: c, and
      `.mean_gradient`, `.mean_square_gradient`, `.gamma_numerator`, `.gamma_denominator`, `.mean_change` (y),
      `.mean_square_change`, `.mean_step` (d), `.mean_square_step`, `.covariance` (y d): the averages; with
      use_adagrad `.total`: the sum of c^2. All shaped like the parameters.

    Raises:
      ValueError: for a number outside its range.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.create("adasecant", gamma_clip=1.8)
      pipeline(gradient=normalize_by_average_norm(), rescale=scale_by_secant(gamma_clip=1.8), learning_rate=1)

    Source:
      C. Gulcehre, M. Moczulski, Y. Bengio (2014); class Adasecant2 of caglar/dntm, which this follows. Class Adasecant
      there is `scale_by_secant(decay=0.95)`. The code of the workshop paper (caglar/adasecant_wshp_paper) divides by
      the norm itself, `normalize_by_norm("l2")`, corrects no average, and is `scale_by_secant(decay=0.95, debias=False,
      gamma_clip=1.8, gamma_reg=0.0, outlier_horizon=2.2, outlier_growth=None, max_horizon=1e8, seed_mean_step=False)`.
      The later code averages the norm of g where it means that of the raw gradient, so that it does not cancel the
      gradient's scale, and starts E[d] from g though d points against it. One departure: n starts with a leaf's first
      gradient that is not 0; the authors' n stays 0 after a first gradient of 0, and the next is divided by eps.
    """
    return pipeline(
        gradient=normalize_by_average_norm(slow_decay, eps=eps, axis_name=axis_name),
        rescale=scale_by_secant(
            gamma_clip=gamma_clip,
            gamma_reg=gamma_reg,
            start_var_reduction=start_var_reduction,
            delta_clip=delta_clip,
            use_adagrad=use_adagrad,
            eps=eps,
            eps_root=eps_root,
        ),
        learning_rate=learning_rate,
    )
