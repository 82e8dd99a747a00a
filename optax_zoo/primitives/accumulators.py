"""Accumulators: estimators that average, sum or track a statistic of the gradient over the steps.

Most of them are one recursion with different coefficients, on a statistic f of the gradient x:

    s <- a s + b f(x)           ema: a = decay, b = 1 - decay        total: a = b = 1
    w <- a w + b                trace: a = decay, b = 1 - dampening  arithmetic mean: a = b = 1, divided by w

`debiased` divides s by its weight w, the sum of the coefficients that s has seen.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import in_dtype_of
from optax_zoo.primitives.recursion import Recursion
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import identity, is_by_leaf, leaf_sum, statistic_of, statistic_zeros
from optax_zoo.primitives.types import Additive, Decay, DType, Initial, Scalar, Seeded, Statistic


class AccumulatorState(NamedTuple):
    """State of `ema`, `trace` and `total`.

    Attributes:
      value: the accumulated statistic, a tree of arrays (float32 or wider unless told otherwise).
      count: steps taken (int32 scalar); there is no such field where the coefficients do not depend on it.
    """

    value: Any
    count: Any = None


@primitive
def ema(
    decay: Decay,
    *,
    of: Statistic = identity,
    nesterov: bool = False,
    blend: Decay | None = None,
    seeded: Seeded = None,
    initial: Initial = 0.0,
    increment: Scalar = 0.0,
    additive: Additive = False,
    accumulator_dtype: DType = None,
) -> Rule:
    """Exponential moving average of a statistic: s <- decay s + (1 - decay) f(x).

    Args:
      decay: in [0, 1), or a function of the number of steps taken (see `growing_decay`).
      of: the statistic f of a leaf; its result's shape sets the granularity.
      nesterov: return the look-ahead decay s + (1 - decay) f(x) instead of s.
      blend: a second decay, in [0, 1), or a function of the number of steps taken: return blend s + (1 - blend) f(x)
        with the s before the step (Lion); then `decay` must be above 0.
      seeded: "first_step": at the first step s = f(x). "while_zero": so wherever s is still exactly 0.
      initial: what s starts from: a number, or a function from a tree of zeros to a tree (see `random_normal`).
      increment: added to s in each step, after the average (AdaBelief's eps), in units of the squared gradient.
      additive: let s move towards f(x) by (1 - decay) f(x), however far it is: s <- s + (1 - decay) sign(f(x) - s) f(x)
        (Yogi), for an f(x) that is not negative. `debiased` divides it by the weight of the average that decays.
        "decaying": with decay s in place of the first s (Ano).
      accumulator_dtype: dtype of s; by default the gradient's, at least float32.

    Returns:
      An estimator with state `AccumulatorState`.
    """
    _checks.non_negative("increment", increment)
    _checks.one_of("additive", additive, [False, True, "decaying"])
    if additive and (nesterov or blend is not None or seeded is not None):
        raise ValueError(f"additive is {additive!r}, but must be False where nesterov, blend or seeded is given.")
    if blend is None:
        _checks.decay("decay", decay, schedule=True)
    else:
        _checks.decay("blend", blend, schedule=True)
        _checks.scalar("decay", decay, "above 0 and below 1", lambda x: 0 < x < 1, schedule=True)
        if nesterov or seeded is not None:
            raise ValueError(f"blend is {blend!r}, but must be None where nesterov or seeded is given.")
    return _accumulator(
        decay,
        lambda a: 1 - a,
        of,
        nesterov=nesterov,
        seeded=seeded,
        initial=initial,
        dtype=accumulator_dtype,
        blend=blend,
        increment=increment,
        additive=additive,
    )


@primitive
def trace(
    decay: Decay,
    *,
    dampening: Scalar = 0.0,
    nesterov: bool = False,
    seeded: Seeded = None,
    accumulator_dtype: DType = None,
) -> Rule:
    """Heavy-ball momentum: s <- decay s + (1 - dampening) x.

    Before the learning rate (slot momentum) it is PyTorch's form; after it (slot velocity) the published one.

    Args:
      decay: in [0, 1), or a function of the number of steps taken.
      dampening: what the incoming update is reduced by, in [0, 1).
      nesterov: return decay s + (1 - dampening) x, Nesterov's look-ahead, instead of s.
      seeded: "first_step": the first update enters undampened (PyTorch). "while_zero": so wherever s is still 0.
      accumulator_dtype: dtype of s; by default the gradient's, at least float32.

    Returns:
      A transformation with state `AccumulatorState`.
    """
    _checks.decay("decay", decay, schedule=True)
    _checks.decay("dampening", dampening)
    return _accumulator(decay, lambda a: 1 - dampening, identity, nesterov, seeded, dtype=accumulator_dtype)


@primitive
def total(
    *,
    of: Statistic = identity,
    weight: Decay = 1.0,
    rated: bool = False,
    initial: Initial = 0.0,
    accumulator_dtype: DType = None,
) -> Rule:
    """Sum of a statistic over all steps, never divided: s <- s + weight f(x) (AdaGrad's accumulator).

    Args:
      of: the statistic f of a leaf.
      weight: a number, or a function of the number of steps taken.
      rated: whether the weight is multiplied by the rate of the step (dual averaging).
      initial: what s starts from: a number, or a function from a tree of zeros to a tree.
      accumulator_dtype: dtype of s; by default the gradient's, at least float32.

    Returns:
      An estimator with state `AccumulatorState`; `debiased` refuses it, see `arithmetic_mean`.
    """
    _checks.scalar("weight", weight, "finite", lambda x: True, schedule=True)
    rule = _accumulator(1, lambda a: 1, of, initial=initial, dtype=accumulator_dtype, weight=weight, rated=rated)
    rule.debias_weight = None
    return rule


def _accumulator(
    decay: Decay,
    gain: Callable[[Any], Any],
    of: Statistic,
    nesterov: bool = False,
    seeded: Seeded = None,
    initial: Initial = 0.0,
    dtype: DType = None,
    blend: Decay | None = None,
    increment: Scalar = 0.0,
    weight: Decay = 1.0,
    rated: bool = False,
    additive: Additive = False,
) -> Rule:
    """The recursion s <- a s + b f(x) with a = decay and b = gain(a) times the weight."""
    if not callable(initial):
        _checks.non_negative("initial", initial)
    _checks.one_of("seeded", seeded, [None, "first_step", "while_zero"])
    check_accumulator_dtype(dtype, scale=of is not identity)
    recursion = Recursion(decay, gain, weight, blend, nesterov, seeded == "first_step")
    of_tree = functools.partial(statistic_of, of) if isinstance(of, leaf_sum) else functools.partial(jax.tree.map, of)
    increments = not _checks.is_absent(increment)

    def init(params: Any) -> AccumulatorState:
        zeros = statistic_zeros(of, params, dtype)
        if callable(initial):
            value = jax.tree.map(jnp.add, zeros, initial(zeros))  # sharded like the zeros
        else:
            value = zeros if _checks.is_absent(initial) else jax.tree.map(lambda s: s + initial, zeros)
        return filled(AccumulatorState(value, jnp.zeros((), jnp.int32) if recursion.counts else None))

    def update(
        updates: Any,
        state: AccumulatorState,
        params: Any = None,
        *,
        unit: Any = 1,
        learning_rate: Any = None,
        **extra_args: Any,
    ) -> Any:
        a, b = recursion.coefficients(state)
        if rated:
            check_given("total", learning_rate)
            b = b * learning_rate

        def accumulate(f: jax.Array, s: jax.Array) -> jax.Array:
            kept = s if additive is True else a * s
            new = jnp.sign(f - s) * (b * f) if additive else b * f
            if increments:
                new = new + increment * unit * unit
            if seeded == "while_zero":
                return jnp.where(s == 0, f, kept + new).astype(s.dtype)
            return (kept + new).astype(s.dtype)

        f = updates if of is identity else of_tree(updates)
        value = jax.tree.map(accumulate, f, state.value)
        counted = {"count": optax.safe_increment(state.count)} if recursion.counts else {}
        after = state._replace(value=value, **counted)
        if recursion.mixes:
            c, d = recursion.returned(state)
            value = jax.tree.map(lambda f, s: c * s + d * f, f, value)
        return value if dtype is None else jax.tree.map(in_dtype_of, value, f), after

    def debias_weight(weight: jax.Array, state: AccumulatorState) -> tuple[jax.Array, jax.Array]:
        a, b = recursion.coefficients(state)
        weight = (a * weight + b).astype(weight.dtype)
        if not recursion.mixes:
            return weight, weight
        c, d = recursion.returned(state)
        return weight, c * weight + d

    known_weight = additive or (seeded != "while_zero" and _checks.is_absent(initial))
    return Rule(init, update, debias_weight=debias_weight if known_weight else None, by_leaf=is_by_leaf(of))
