"""Parts for the slot iterate: they keep parameters beside those that the training loop holds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype, weak_float
from optax_zoo.primitives.types import Scalar


class ScheduleFreeState(NamedTuple):
    """State of `schedule_free`.

    Attributes:
      base: the iterate z that the finished steps are added to, a tree like the parameters, float32 or wider.
      weight_sum: the sum of the weights of the average so far (scalar).
      largest_rate: the largest rate so far (scalar).
      interpolation: the share b1 of the average in the parameters of the loop (scalar).
      count: steps taken (int32 scalar).
    """

    base: Any
    weight_sum: jax.Array
    largest_rate: jax.Array
    interpolation: jax.Array
    count: Any

    def evaluation_params(self, params: Any) -> Any:
        """The average x = y + (1 - 1 / b1) (z - y), from the parameters y that the loop holds."""

        def average(z: jax.Array, y: Any) -> jax.Array:
            y_ = lift(y)
            return like(y_ + (1 - 1 / self.interpolation).astype(y_.dtype) * (z - y_), y)

        return where_kept(average, self.base, params)


@primitive
def schedule_free(
    b1: Scalar = 0.9, *, r: Scalar = 0.0, weight_lr_power: Scalar = 2.0, decoupling: Scalar | None = None
) -> Rule:
    r"""Schedule-free averaging: the loop holds y, between an iterate z of plain steps and the average x of all z.

    With the finished step u, the rate :math:`\alpha_t` and the weight :math:`w_t = t^r (\max_{s \le t} \alpha_s)^p`

    .. math::

        z_t &= z_{t-1} + u_t, \qquad c_t = w_t / \sum_{s \le t} w_s \\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t, \qquad y_t = (1 - \beta_1) z_t + \beta_1 x_t

    Args:
      b1: the share of x in y, in (0, 1).
      r: the power of t in the weights, at least 0.
      weight_lr_power: the power p of the largest rate in the weights, at least 0: during a warmup later steps count
        more.
      decoupling: C; c is multiplied by (1 - b1) C, at most 1 (refined schedule-free). None for c as it is.

    Returns:
      A transformation of finished steps that needs the parameters and the rate, for the slot iterate, with state
      `ScheduleFreeState`; `evaluation_params` gives x.

    Raises:
      ValueError: for a number outside its range.

    Source:
      A. Defazio et al. (2024): The Road Less Scheduled, and their package schedulefree.
    """
    _checks.scalar("b1", b1, "above 0 and below 1", lambda x: 0 < x < 1)
    _checks.non_negative("r", r)
    _checks.non_negative("weight_lr_power", weight_lr_power)
    if decoupling is not None:
        _checks.positive("decoupling", decoupling)

    def init(params: Any) -> ScheduleFreeState:
        dtype = scalar_dtype(params)

        def zero() -> jax.Array:
            return jnp.zeros((), dtype)

        return ScheduleFreeState(own(params), zero(), zero(), jnp.asarray(b1, dtype), jnp.zeros((), jnp.int32))

    def update(
        updates: Any, state: ScheduleFreeState, params: Any = None, *, learning_rate: Any = None, **extra_args: Any
    ) -> Any:
        check_given("schedule_free", learning_rate)
        count: Any = optax.safe_increment(state.count)
        largest = jnp.maximum(state.largest_rate, learning_rate).astype(state.largest_rate.dtype)
        weight = (weak_float(count) ** r * largest**weight_lr_power).astype(largest.dtype)
        weight_sum = state.weight_sum + weight
        c = jnp.where(weight_sum == 0, 0, weight / jnp.where(weight_sum == 0, 1, weight_sum))
        if decoupling is not None:
            c = jnp.minimum(1, c * (1 - b1) * decoupling)
        base = jax.tree.map(jnp.add, state.base, updates)

        def step(u: jax.Array, z: jax.Array, y: Any) -> jax.Array:
            return (c * (z - lift(y)) + (1 - b1) * (1 - c) * u).astype(u.dtype)

        after = state._replace(base=base, weight_sum=weight_sum, largest_rate=largest, count=count)
        return jax.tree.map(step, updates, base, params), after

    return Rule(init, update, ("params",), by_leaf=True)


class LookaheadState(NamedTuple):
    """State of `lookahead_steps`.

    Attributes:
      slow: the slow weights, a tree like the parameters, float32 or wider.
      count: steps taken (int32 scalar).
    """

    slow: Any
    count: Any

    def evaluation_params(self, params: Any) -> Any:
        """The slow weights."""
        return where_kept(lambda slow, p: like(slow, p), self.slow, params)


@primitive
def lookahead_steps(every: int | jax.Array = 5, alpha: Scalar = 0.5, *, seeded: str | None = None) -> Rule:
    r"""Lookahead: every k steps the slow weights go a part of the way to the fast ones, which start again from there.

    The loop holds the fast weights :math:`\theta`. After every k-th step
    :math:`\phi \leftarrow \phi + \alpha (\theta - \phi)` and :math:`\theta \leftarrow \phi`.

    Args:
      every: k, at least 1.
      alpha: the share of the way, in [0, 1].
      seeded: None: the slow weights start from the first parameters. "first_step": from those after the first step,
        and are moved after steps 1 + k, 1 + 2k and so on.

    Returns:
      A transformation of finished steps that needs the parameters, for the slot iterate, with state `LookaheadState`;
      `evaluation_params` gives the slow weights.

    Raises:
      ValueError: for a number outside its range.

    Source:
      M. R. Zhang et al. (2019): Lookahead Optimizer: k steps forward, 1 step back.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.scalar("alpha", alpha, "at least 0 and at most 1", lambda x: 0 <= x <= 1)
    _checks.one_of("seeded", seeded, [None, "first_step"])
    passed = 1 if seeded == "first_step" else 0

    def init(params: Any) -> LookaheadState:
        return LookaheadState(own(params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: LookaheadState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        meets = (count - passed) % every == 0
        share = jnp.where(count <= passed, 1, alpha) if passed else alpha

        def slower(u: jax.Array, slow: jax.Array, p: Any) -> jax.Array:
            return jnp.where(meets, slow + share * (lift(p) + u - slow), slow).astype(slow.dtype)

        slow = jax.tree.map(slower, updates, state.slow, params)
        steps = jax.tree.map(lambda u, slow, p: jnp.where(meets, slow - lift(p), u), updates, slow, params)
        return steps, LookaheadState(slow, count)

    return Rule(init, update, ("params",), by_leaf=True)


def own(params: Any) -> Any:
    """The parameters in buffers of their own, float32 or wider."""
    return jax.tree.map(lambda p: jnp.copy(lift(p)), params)


def where_kept(function: Callable[[jax.Array, Any], Any], kept: Any, params: Any) -> Any:
    """`function(kept, parameter)` of each leaf, the parameter itself where nothing is kept of it.

    Leaves are paired by their order, since Flax NNX wraps those of a state and of parameters in different nodes; by
    their places where a mask has left a whole subtree out.

    Raises:
      ValueError: for a parameter of another shape than what is kept of it.
    """

    def of_leaf(x: Any, p: Any) -> Any:
        if _is_nothing(x):
            return p
        if jnp.shape(x) != jnp.shape(p):
            raise ValueError(
                f"params has a leaf of shape {jnp.shape(p)} where the state keeps one of shape {jnp.shape(x)}: they "
                "must be the parameters that the state was made for."
            )
        return function(x, p)

    entries = jax.tree.leaves(kept, is_leaf=_is_nothing)
    leaves, treedef = jax.tree.flatten(params, is_leaf=lambda p: p is None)
    if len(entries) == len(leaves):
        return jax.tree.unflatten(treedef, map(of_leaf, entries, leaves))
    return jax.tree.map(of_leaf, kept, params, is_leaf=_is_nothing)


def _is_nothing(node: Any) -> bool:
    return node is None or isinstance(node, optax.MaskedNode)
