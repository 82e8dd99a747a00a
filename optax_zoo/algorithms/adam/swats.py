"""SWATS, and its switch."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, debiased, ema, optional, primitive, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.bias_correction import weight_after
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule
from optax_zoo.primitives.precision import lift, scalar_dtype, zeros_for
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class SwitchedState(NamedTuple):
    """State of `switched_to_sgd`.

    Attributes:
      rate: the average rate of gradient descent that the steps so far amount to (scalar).
      share: the rate that was switched to, as a multiple of that of the step; 0 before the switch (scalar).
      momentum: that of gradient descent, a tree like the parameters, float32 or wider; 0 before the switch.
      count: steps taken (int32 scalar).
    """

    rate: Any
    share: Any
    momentum: Any
    count: Any


@primitive
def switched_to_sgd(
    b1: Scalar = 0.9, b2: Scalar = 0.999, *, atol: Scalar = 1e-9, rtol: Scalar = 0.0, axis_name: Any = None
) -> Rule:
    r"""Finished steps as they are, until a rate is found at which gradient descent takes their place (SWATS).

    With the step u and the gradient g, both of all leaves together,

    .. math::

        \gamma_t = \frac{\langle u_t, u_t \rangle}{- \langle u_t, g_t \rangle}, \qquad
        \lambda_t = \beta_2 \lambda_{t-1} + (1 - \beta_2) \gamma_t, \qquad
        \Lambda = \frac{\lambda_t}{1 - \beta_2^t}

    where at step t, not the first, :math:`|\Lambda - \gamma_t| \le` atol + rtol :math:`\gamma_t`, and :math:`\Lambda`
    is above 0. From the next step on it is :math:`-(1 - \beta_1) \Lambda` s with s <- b1 s + g; where a schedule
    changes the rate, :math:`\Lambda` follows.

    Args:
      b1: decay of the momentum s, in [0, 1).
      b2: decay of the average rate, in [0, 1).
      atol: how near both rates must be, at least 0.
      rtol: how near in addition, as a share of the rate of the step, at least 0.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    Returns:
      A transformation of finished steps for the slot velocity, which needs the rate, with state `SwitchedState`.
    """
    _checks.decay("b1", b1)
    _checks.decay("b2", b2)
    _checks.non_negative("atol", atol)
    _checks.non_negative("rtol", rtol)

    def init(params: Any) -> SwitchedState:
        rate, share = (jnp.zeros((), scalar_dtype(params)) for _ in range(2))
        momentum = jax.tree.map(lambda p: zeros_for(identity, p), params)
        return SwitchedState(rate, share, momentum, jnp.zeros((), jnp.int32))

    def inner(first: Any, second: Any) -> Any:
        """The inner product of two trees."""
        names = broadcast_axis_names(axis_name, first)
        pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), names, strict=True)
        return sum(Reduction([(x * y.conj()).real], [name]).sum(identity) for x, y, name in pairs)

    def update(
        updates: Any,
        state: SwitchedState,
        params: Any = None,
        *,
        gradient: Any,
        learning_rate: Any = None,
        **extra_args: Any,
    ) -> Any:
        check_given("switched_to_sgd", learning_rate)
        count: Any = optax.safe_increment(state.count)
        g = jax.tree.map(lambda x: bounded(lift(x)), gradient)
        descent = -inner(updates, g)
        moved = descent != 0
        rate_now = inner(updates, updates) / jnp.where(moved, descent, 1)
        rate = jnp.where(moved, b2 * state.rate + (1 - b2) * rate_now, state.rate).astype(state.rate.dtype)
        average = rate / weight_after(b2, count)
        near = jnp.abs(average - rate_now) <= atol + rtol * jnp.abs(rate_now)
        found = (count > 1) & moved & (average > 0) & near & (state.share == 0)
        share = jnp.where(found, average / jnp.where(learning_rate == 0, 1, learning_rate), state.share)
        switched = state.share > 0
        momentum = jax.tree.map(lambda s, x: jnp.where(switched, b1 * s + x, s).astype(s.dtype), state.momentum, g)

        def step(u: jax.Array, s: jax.Array) -> jax.Array:
            return jnp.where(switched, (b1 - 1) * state.share * learning_rate * s, u).astype(u.dtype)

        after = SwitchedState(rate, share.astype(state.share.dtype), momentum, count)
        return jax.tree.map(step, updates, momentum), after

    return Rule(init, update, by_leaf=False)


@algorithm(
    full_name="SWATS: switching from Adam to gradient descent",
    paper="Keskar and Socher: Improving Generalization Performance by Switching from Adam to SGD",
    year=2017,
    url="https://arxiv.org/abs/1712.07628",
    example={"learning_rate": 1e-2},
    claims=("order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def swats(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 1e-9,
    atol: Scalar = 1e-9,
    rtol: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""SWATS: Adam, until its steps amount to gradient descent at a steady rate; then that.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= -\alpha_t \frac{m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon) / \sqrt{1 - \beta_2^t}}, \qquad
               \gamma_t = \frac{\langle u_t, u_t \rangle}{- \langle u_t, g_t \rangle}, \qquad
               \lambda_t = \beta_2 \lambda_{t-1} + (1 - \beta_2) \gamma_t \\
        p_t &= p_{t-1} + u_t \quad \text{up to the } t > 1 \text{ where } \Lambda = \lambda_t / (1 - \beta_2^t) > 0
               \text{ is as near as } a + r \gamma_t \text{ to } \gamma_t \\
        s_t &= \beta_1 s_{t-1} + g_t, \qquad p_t = p_{t-1} - (1 - \beta_1) \Lambda s_t \quad \text{after it}

    Args:
      learning_rate: ... Default of the paper, like b1, b2, eps and atol.
      b1: decay of the average gradient, and of the momentum s, in [0, 1).
      b2: decay of the average squared gradient, and of the average rate, in [0, 1).
      eps: added outside the root, before it is corrected.
      atol: a, how near both rates must be, at least 0.
      rtol: r, how near in addition, as a share of the rate of the step, at least 0.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    State:
      `state["numerator"].estimator.value`: m, `state["denominator"].estimator.value`: v, and
      `state["velocity"].momentum`: s, all shaped like the parameters; `.weight` of the former two: 1 - beta^t,
      `state["velocity"].rate`: lambda, `.share`: Lambda over alpha, 0 before the switch, and `.count`: steps taken
      (scalars). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.swats(1e-3).slots["velocity"]
      switched_to_sgd()
      >>> zoo.adabelief(1e-3).replace(velocity=zoo.switched_to_sgd(rtol=1e-4)).slots["velocity"]  # of any row
      switched_to_sgd(rtol=0.0001)

    Claim:
      Use it when Adam is fast at first, and gradient descent generalizes better in the end, as in image classification.

    Source:
      N. S. Keskar, R. Socher (2017), algorithm 1, in which all parameters together have one rate. torch-optimizer 0.3.0
      and pytorch_optimizer 4.1.0, whose trajectories are replayed (in none of them a switch comes), find a rate for
      each leaf, and switch all of them to the first or to the last that is found in a step; they ask for a relative
      nearness of 1e-6, and of eps. They differ in eps, 1e-3 and 1e-6, and pytorch_optimizer adds 1e-15 inside the
      root. After the switch, torch-optimizer multiplies the momentum by 1 - b1 in each step, so that it is none.
    """
    average = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=debiased(root(average, eps=eps)),
        learning_rate=learning_rate,
        velocity=switched_to_sgd(b1, b2, atol=atol, rtol=rtol, axis_name=axis_name),
    )
