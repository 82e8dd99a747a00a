"""A2Grad in its three forms, and their iterate."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import primitive
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.iterates import own
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule
from optax_zoo.primitives.precision import lift, weak_float
from optax_zoo.primitives.sizes import finite_norm
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import leaf_sum, square, statistic_zeros
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


class AcceleratedState(NamedTuple):
    """State of `accelerated`.

    Attributes:
      base: the iterate x, a tree like the parameters, float32 or wider.
      mean: the arithmetic mean of the gradients, a tree like the parameters, float32 or wider.
      deviation: the root of v, a scalar a leaf; of stacked layers one each.
      count: steps taken (int32 scalar).
      smoothed: the root of the average square, likewise; there is no such field but for "exp".
    """

    base: Any
    mean: Any
    deviation: Any
    count: Any
    smoothed: Any = None


@primitive
def accelerated(
    average: Literal["uni", "inc", "exp"] = "uni",
    *,
    beta: Scalar = 10.0,
    lipschitz: Scalar = 10.0,
    rho: Scalar = 0.5,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    r"""Accelerated steps, as long as how gradients differ from their mean allows (A2Grad); per leaf.

    With the finished step u, the gradient g, its mean over the steps, and :math:`\delta_t = g_t - \bar g_t`

    .. math::

        v_t &= v_{t-1} + \|\delta_t\|^2 \; \text{(uni)}, \quad
               \left( \tfrac{t - 1}{t} \right)^2 v_{t-1} + \|\delta_t\|^2 \; \text{(inc)}, \quad
               \max(v_{t-1}, s_t), \; s_t = \rho s_{t-1} + (1 - \rho) \|\delta_t\|^2 \; \text{(exp)} \\
        c_t &= \frac{1}{2 L / t + \beta \sqrt{v_t}} \quad (\sqrt{t v_t} \text{ with exp}), \qquad
               x_t = x_{t-1} + c_t u_t \\
        p_t &= (1 - a_t) p_{t-1} + a_t x_t + (1 - a_t) a_{t-1} c_t u_t, \qquad a_t = 2 / (t + 2)

    Args:
      average: how v is made of the squares, see above.
      beta: the weight of the root of v, at least 0.
      lipschitz: L, the Lipschitz constant of the gradient, above 0.
      rho: decay of s, in [0, 1).
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a v of its own; see `normalize_by_norm`.

    Returns:
      A transformation of finished steps that needs the parameters, for the slot iterate, with state `AcceleratedState`.
    """
    _checks.one_of("average", average, ["uni", "inc", "exp"])
    _checks.non_negative("beta", beta)
    _checks.positive("lipschitz", lipschitz)
    _checks.decay("rho", rho)
    of_leaf, measure = leaf_sum(square, axis_name, stacked), measure_leaves("l2", axis_name, stacked)

    def init(params: Any) -> AcceleratedState:
        deviation, smoothed = (statistic_zeros(of_leaf, params) for _ in range(2))
        mean = jax.tree.map(jnp.zeros_like, own(params))
        count = jnp.zeros((), jnp.int32)
        return filled(AcceleratedState(own(params), mean, deviation, count, smoothed if average == "exp" else None))

    def summed(v: Any, norm: Any, before: Any, now: Any = 1) -> Any:
        """The root of before v^2 + now norm^2, whose squares could overflow."""
        return jnp.hypot(jnp.sqrt(before) * v, jnp.sqrt(now) * norm).astype(v.dtype)

    def update(updates: Any, state: AcceleratedState, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        t = weak_float(count)
        mean = jax.tree.map(lambda m, g: (m + (bounded(lift(g)) - m) / t).astype(m.dtype), state.mean, gradient)
        differences = jax.tree.map(lambda g, m: bounded(lift(g)) - m, gradient, mean)
        treedef: Any = jax.tree.structure(updates)
        norms = treedef.unflatten(map(finite_norm, measure(differences)))
        after = state._replace(mean=mean, count=count)
        if average == "exp":
            smoothed = jax.tree.map(lambda s, n: summed(s, n, rho, 1 - rho), state.smoothed, norms)
            after = after._replace(smoothed=smoothed, deviation=jax.tree.map(jnp.maximum, state.deviation, smoothed))
        else:
            kept = 1 if average == "uni" else ((t - 1) / t) ** 2
            after = after._replace(deviation=jax.tree.map(lambda v, n: summed(v, n, kept), state.deviation, norms))
        growth = jnp.sqrt(t) if average == "exp" else 1
        steps = jax.tree.map(lambda u, v: u / (2 * lipschitz / t + beta * growth * v), updates, after.deviation)
        base = jax.tree.map(lambda x, step: (x + step).astype(x.dtype), state.base, steps)
        share = 2 / (t + 2)

        def step_of(step: jax.Array, x: jax.Array, p: Any) -> jax.Array:
            return (share * (x - lift(p)) + (1 - share) * 2 / (t + 1) * step).astype(step.dtype)

        return jax.tree.map(step_of, steps, base, params), after._replace(base=base)

    return Rule(init, update, ("params",), by_leaf=axis_name is None and stacked is None)


@algorithm(
    full_name="A2Grad-uni: adaptive accelerated gradient descent, with a uniform average",
    paper="Deng, Cheng and Lan: Optimal Adaptive and Accelerated Stochastic Gradient Descent",
    year=2018,
    url="https://arxiv.org/abs/1810.00553",
    example={"learning_rate": 1.0, "lipschitz": 30.0, "beta": 0.5},
    claims=("apart", "order", "rest", "sign"),
    also_called=("a2grad",),
    proof="an independent implementation",
)
def a2grad_uni(
    learning_rate: ScalarOrSchedule = 1.0,
    *,
    beta: Scalar = 10.0,
    lipschitz: Scalar = 10.0,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""A2Grad-uni: accelerated steps over the root of a sum of squared distances of gradients from their mean.

    .. math::

        \delta_t &= g_t - \frac{1}{t} \sum_{s \le t} g_s, \qquad v_t = v_{t-1} + \|\delta_t\|^2
                    \quad \text{(per leaf)} \\
        c_t &= \frac{\alpha_t}{2 L / t + \beta \sqrt{v_t}}, \qquad x_t = x_{t-1} - c_t g_t, \qquad
               a_t = \frac{2}{t + 2} \\
        p_t &= (1 - a_t) p_{t-1} + a_t x_t - (1 - a_t) a_{t-1} c_t g_t

    Args:
      learning_rate: a factor of the step, at least 0, or a schedule; 1 in the paper, which has none.
      beta: the weight of the root of v, at least 0. Default of torch-optimizer, like lipschitz.
      lipschitz: L, the Lipschitz constant of the gradient, above 0.

    State:
      `state["iterate"].base`: x, and `.mean`: the mean gradient, both shaped like the parameters; `.deviation`: the
      root of v, a scalar a leaf; `.count`: steps taken (int32 scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.a2grad_uni()
      pipeline(learning_rate=1, iterate=accelerated())

    Claim:
      Use it when you know about how large the second derivatives are, the loss is smooth, and gradients are noisy.

    Source:
      Q. Deng, Y. Cheng, G. Lan (2018); torch-optimizer 0.3.0, whose iterate this is. pytorch_optimizer 4.1.0 counts
      steps from 2 in 2 L / t and a, but from 1 in the mean, so that its first step is twice as long; it has to be
      replayed with an iterate of its own.
    """
    step = accelerated("uni", beta=beta, lipschitz=lipschitz, axis_name=axis_name, stacked=stacked)
    return pipeline(learning_rate=learning_rate, iterate=step)


@algorithm(
    variant_of=a2grad_uni, full_name="A2Grad-inc: adaptive accelerated gradient descent, with an incremental average"
)
def a2grad_inc(
    learning_rate: ScalarOrSchedule = 1.0,
    *,
    beta: Scalar = 10.0,
    lipschitz: Scalar = 10.0,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""A2Grad-inc: A2Grad whose sum of squared distances forgets what is long ago.

    .. math::

        \delta_t &= g_t - \frac{1}{t} \sum_{s \le t} g_s, \qquad
                    v_t = \left( \frac{t - 1}{t} \right)^2 v_{t-1} + \|\delta_t\|^2 \quad \text{(per leaf)} \\
        c_t &= \frac{\alpha_t}{2 L / t + \beta \sqrt{v_t}}, \qquad x_t = x_{t-1} - c_t g_t, \qquad
               a_t = \frac{2}{t + 2} \\
        p_t &= (1 - a_t) p_{t-1} + a_t x_t - (1 - a_t) a_{t-1} c_t g_t

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.a2grad_inc().slots["iterate"]
      accelerated('inc')

    Claim:
      Use it when you would use A2Grad-uni, and the noise of gradients changes in training.

    Source:
      Q. Deng, Y. Cheng, G. Lan (2018); torch-optimizer 0.3.0, whose trajectory is replayed. pytorch_optimizer 4.1.0
      takes the root of t + 1 times v.
    """
    step = accelerated("inc", beta=beta, lipschitz=lipschitz, axis_name=axis_name, stacked=stacked)
    return pipeline(learning_rate=learning_rate, iterate=step)


@algorithm(
    variant_of=a2grad_uni,
    full_name="A2Grad-exp: adaptive accelerated gradient descent, with a moving average",
)
def a2grad_exp(
    learning_rate: ScalarOrSchedule = 1.0,
    *,
    beta: Scalar = 10.0,
    lipschitz: Scalar = 10.0,
    rho: Scalar = 0.5,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""A2Grad-exp: A2Grad with the largest moving average of squared distances of gradients from their mean.

    .. math::

        \delta_t &= g_t - \frac{1}{t} \sum_{s \le t} g_s, \qquad
                    s_t = \rho s_{t-1} + (1 - \rho) \|\delta_t\|^2, \qquad v_t = \max(v_{t-1}, s_t)
                    \quad \text{(per leaf)} \\
        c_t &= \frac{\alpha_t}{2 L / t + \beta \sqrt{t v_t}}, \qquad x_t = x_{t-1} - c_t g_t, \qquad
               a_t = \frac{2}{t + 2} \\
        p_t &= (1 - a_t) p_{t-1} + a_t x_t - (1 - a_t) a_{t-1} c_t g_t

    Args:
      rho: decay of the average s, in [0, 1). Default of torch-optimizer.

    State:
      As that of `a2grad_uni`, and `state["iterate"].smoothed`: the root of s, a scalar a leaf. 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.a2grad_exp().slots["iterate"]
      accelerated('exp')

    Claim:
      Use it when you would use A2Grad-uni, and a few gradients are far off the others.

    Source:
      Q. Deng, Y. Cheng, G. Lan (2018); torch-optimizer 0.3.0, whose trajectory is replayed.
    """
    step = accelerated("exp", beta=beta, lipschitz=lipschitz, rho=rho, axis_name=axis_name, stacked=stacked)
    return pipeline(learning_rate=learning_rate, iterate=step)
