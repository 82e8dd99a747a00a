"""FTRL-Proximal."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import Rule, primitive, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


class ProximalState(NamedTuple):
    """State of `follow_the_leader`.

    Attributes:
      squares: the sum n of squared gradients, a tree like the parameters, real, float32 or wider.
      linear: the linear part z of the loss so far, times the rate, a tree like the parameters, float32 or wider.
    """

    squares: Any
    linear: Any


@primitive
def follow_the_leader(
    l1: Scalar = 0.0, l2: Scalar = 0.0, *, beta: Scalar = 0.0, power: Scalar = 0.5, initial: Scalar = 0.0
) -> Rule:
    r"""The parameters that would have been best so far, of linearized losses with an l1 and an l2 penalty (FTRL).

    With the finished step u, the gradient g and the rate :math:`\alpha`

    .. math::

        n_t &= n_{t-1} + g_t^2, \qquad z_t = z_{t-1} - u_t - (n_t^k - n_{t-1}^k) p_{t-1} \\
        p_t &= \begin{cases} 0 & |z_t| \le \alpha \lambda_1 \\
               \frac{\mathrm{sign}(z_t) \alpha \lambda_1 - z_t}{\beta + n_t^k + \alpha \lambda_2} &
               \text{otherwise} \end{cases}

    Args:
      l1: lambda_1, at least 0; parameters become exactly 0.
      l2: lambda_2, at least 0.
      beta: added to the power of n, at least 0.
      power: k, at least 0.
      initial: what n starts from, at least 0.

    Returns:
      A transformation of finished steps that needs the parameters, the rate and the gradient, as they are handed on in
      a pipeline, for the slot iterate, with state `ProximalState`.

    Raises:
      ValueError: for a number outside its range.
    """
    for name, value in {"l1": l1, "l2": l2, "beta": beta, "initial": initial}.items():
        _checks.non_negative(name, value)
    _checks.non_negative("power", power)
    is_root = _checks.is_number(power) and power == 0.5

    def raised(n: jax.Array) -> Any:
        return root_of(n) if is_root else jnp.where(n == 0, 0.0**power, jnp.where(n == 0, 1, n) ** power)

    def init(params: Any) -> ProximalState:
        squares = jax.tree.map(lambda p: zeros_for(square, p) + initial, params)
        return ProximalState(squares, jax.tree.map(lambda p: zeros_for(identity, p), params))

    def update(
        updates: Any,
        state: ProximalState,
        params: Any = None,
        *,
        learning_rate: Any = None,
        gradient: Any = None,
        **extra_args: Any,
    ) -> Any:
        check_given("follow_the_leader", learning_rate)
        squares = jax.tree.map(lambda n, g: n + square(bounded(lift(g))).astype(n.dtype), state.squares, gradient)

        def follow(u: jax.Array, z: jax.Array, old: jax.Array, new: jax.Array, p: Any) -> jax.Array:
            return (z - u - (raised(new) - raised(old)) * lift(p)).astype(z.dtype)

        linear = jax.tree.map(follow, updates, state.linear, state.squares, squares, params)

        def step(z: jax.Array, n: jax.Array, p: Any) -> jax.Array:
            size, threshold, scale = jnp.abs(z), learning_rate * l1, beta + raised(n) + learning_rate * l2
            kept = (size > threshold) & (scale > 0)
            leader = z * (threshold / jnp.where(kept, size, 1) - 1) / jnp.where(kept, scale, 1)
            return (jnp.where(kept, leader, 0) - lift(p)).astype(z.dtype)

        return jax.tree.map(step, linear, squares, params), ProximalState(squares, linear)

    return Rule(init, update, ("params",), by_leaf=True)


@algorithm(
    full_name="FTRL-Proximal: follow the proximally regularized leader",
    paper="McMahan et al.: Ad Click Prediction: a View from the Trenches",
    year=2013,
    url="https://doi.org/10.1145/2487575.2488200",
    example={"learning_rate": 1e-1},
    claims=("apart", "order", "scale"),
    proof="an independent implementation",
)
def ftrl(
    learning_rate: ScalarOrSchedule = 1e-3,
    *,
    l1: Scalar = 0.0,
    l2: Scalar = 0.0,
    beta: Scalar = 0.0,
    power: Scalar = 0.5,
    initial_accumulator: Scalar = 0.0,
) -> Pipeline:
    r"""FTRL-Proximal: AdaGrad whose l1 penalty makes parameters exactly 0.

    .. math::

        n_t &= n_{t-1} + g_t^2, \qquad z_t = z_{t-1} + \alpha_t g_t - (n_t^k - n_{t-1}^k) p_{t-1} \\
        p_t &= \begin{cases} 0 & |z_t| \le \alpha_t \lambda_1 \\
               \frac{\mathrm{sign}(z_t) \alpha_t \lambda_1 - z_t}{\beta + n_t^k + \alpha_t \lambda_2} &
               \text{otherwise} \end{cases}

    Without penalties, at n = 0 to begin with, it is AdaGrad. A parameter that has had no gradient is set to 0.

    Args:
      learning_rate: ... Default of Keras.
      l1: the coefficient lambda_1, at least 0. 0 by default as in Keras, like all that follow but initial_accumulator.
      l2: the coefficient lambda_2, at least 0.
      beta: added to the root, at least 0; 1 in the paper.
      power: k, at least 0.
      initial_accumulator: what n starts from, at least 0; above 0 the first step takes parameters part of the way to 0.
        0 as in the paper, 0.1 in TensorFlow and Keras.

    State:
      `state["iterate"].squares`: n, and `state["iterate"].linear`: z, both shaped like the parameters. 8 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.ftrl(0.1, l1=1.0)
      pipeline(learning_rate=0.1, iterate=follow_the_leader(1))

    Claim:
      Use it when a linear model of very many, mostly absent features is to end with few that are not 0.

    Source:
      H. B. McMahan et al. (2013). z is kept times the rate, so that without penalties it is AdaGrad with a schedule,
      too; the original, TensorFlow and pytorch_optimizer divide by the rate of the moment, which is the same at a
      constant one. TensorFlow's l2 penalty is half of ours, and its shrinkage is coupled decay. pytorch_optimizer
      divides by the root of n whatever `lr_power` is.
    """
    return pipeline(
        learning_rate=learning_rate,
        iterate=follow_the_leader(l1, l2, beta=beta, power=power, initial=initial_accumulator),
    )
