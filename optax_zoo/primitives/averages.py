"""Averages of parameters, for the slot iterate: beside those that the loop holds, and in their place."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.iterates import own, where_kept
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype, weak_float
from optax_zoo.primitives.types import Decay, Scalar


class AveragedState(NamedTuple):
    """State of `averaged_params`.

    Attributes:
      average: the average, a tree like the parameters, float32 or wider.
      weight: the sum of the weights in it, 0 as long as there is no average (scalar).
      averaged: how many parameters are in it (int32 scalar).
      count: steps taken (int32 scalar).
    """

    average: Any
    weight: jax.Array
    averaged: Any
    count: Any

    def evaluation_params(self, params: Any) -> Any:
        """The average; the parameters themselves as long as there is none."""
        return where_kept(lambda a, p: jnp.where(self.weight == 0, p, like(a, p)), self.average, params)


@primitive
def averaged_params(
    decay: Decay | None = None, *, debias: bool = False, seeded: str | None = None, begin: int = 0, every: int = 1
) -> Rule:
    r"""Keeps an average of the parameters, and leaves the steps as they are.

    With the n-th parameters :math:`p` that are averaged, and a decay :math:`d_n`,

    .. math::

        w \leftarrow d_n w + 1 - d_n, \qquad a \leftarrow a + \frac{1 - d_n}{w} (p - a)

    Without `debias` w stays 1, and a starts from the parameters before the first step that is averaged.

    Args:
      decay: d, in [0, 1), or a function of the number of parameters averaged so far; None for the arithmetic mean,
        :math:`d_n = 1 - 1 / n` (Polyak-Ruppert, SWA).
      debias: whether the average has only parameters after steps in it, each with the weight that d gives it.
      seeded: "first_step": the average starts from the first parameters averaged (PyTorch).
      begin: how many steps are taken before the first that counts, at least 0.
      every: how many steps are taken for each that is averaged, at least 1 (SWA).

    Returns:
      A transformation of finished steps that needs the parameters, for the slot iterate, with state `AveragedState`;
      `evaluation_params` gives the average.

    Raises:
      ValueError: for a number outside its range.

    Source:
      B. T. Polyak, A. B. Juditsky (1992): Acceleration of Stochastic Approximation by Averaging. P. Izmailov et al.
      (2018): Averaging Weights Leads to Wider Optima and Better Generalization.
    """
    if decay is not None:
        _checks.decay("decay", decay, schedule=True)
    _checks.one_of("seeded", seeded, [None, "first_step"])
    _checks.scalar("begin", begin, "at least 0", lambda n: n >= 0)
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)

    def decay_at(averaged: Any) -> Any:
        if decay is None:
            n = weak_float(averaged)
            return n / (n + 1)
        now = decay(averaged) if callable(decay) else decay
        return now if seeded is None else jnp.where(averaged == 0, 0, now)

    def init(params: Any) -> AveragedState:
        def zero() -> jax.Array:
            return jnp.zeros((), jnp.int32)

        return AveragedState(own(params), jnp.zeros((), scalar_dtype(params)), zero(), zero())

    def update(updates: Any, state: AveragedState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        meets = (count > begin) & ((count - begin) % every == 0)
        d = decay_at(state.averaged)
        weight = d * state.weight + 1 - d if debias else jnp.ones_like(state.weight)
        share = (1 - d) / weight

        def average(u: jax.Array, a: jax.Array, p: Any) -> jax.Array:
            before = jnp.where(state.averaged == 0, lift(p), a)
            return jnp.where(meets, before + share * (lift(p) + u - before), a).astype(a.dtype)

        after = AveragedState(
            jax.tree.map(average, updates, state.average, params),
            jnp.where(meets, weight, state.weight).astype(state.weight.dtype),
            jnp.where(meets, optax.safe_increment(state.averaged), state.averaged),
            count,
        )
        return updates, after

    return Rule(init, update, ("params",), by_leaf=True)


class PrimalAveragingState(NamedTuple):
    """State of `primal_averaging`.

    Attributes:
      base: z, or the first parameters where steps are counted from there, a tree like the parameters, float32 or wider.
    """

    base: Any


@primitive
def primal_averaging(decay: Scalar = 0.9, *, from_start: bool = False) -> Rule:
    r"""The loop holds an average p of an iterate z, which takes the place of momentum.

    .. math::

        z_t = z_{t-1} + u_t, \qquad p_t = \beta p_{t-1} + (1 - \beta) z_t

    Args:
      decay: beta, in [0, 1).
      from_start: whether u is the whole way from the first parameters, :math:`z_t = p_0 + u_t` (dual averaging).

    Returns:
      A transformation of finished steps that needs the parameters, for the slot iterate, with state
      `PrimalAveragingState`.

    Raises:
      ValueError: for a number outside its range.

    Source:
      A. Defazio (2020): Momentum via Primal Averaging: Theoretical Insights and Learning Rate Schedules for Non-Convex
      Optimization; MADGRAD has it around dual averaging.
    """
    _checks.decay("decay", decay)

    def update(updates: Any, state: PrimalAveragingState, params: Any = None, **extra_args: Any) -> Any:
        z = jax.tree.map(jnp.add, state.base, updates)
        steps = jax.tree.map(lambda z, p: ((1 - decay) * (z - lift(p))).astype(z.dtype), z, params)
        return steps, state if from_start else PrimalAveragingState(z)

    return Rule(lambda params: PrimalAveragingState(own(params)), update, ("params",), by_leaf=True)
