"""The decaying maximum over the steps."""

from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.accumulators import AccumulatorState
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import in_dtype
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import identity, is_by_leaf, statistic_of, statistic_zeros
from optax_zoo.primitives.types import DType, Scalar, Statistic


@primitive
def peak(
    decay: Scalar,
    *,
    of: Statistic = identity,
    eps: Scalar = 0.0,
    eps_max: Scalar = 0.0,
    accumulator_dtype: DType = None,
) -> Rule:
    """Decaying maximum of a statistic (AdaMax): s <- max(decay s, f(x) + eps_max), s + eps.

    Args:
      decay: in [0, 1].
      of: the statistic f of a leaf, e.g. `absolute`.
      eps: added to the maximum that is returned.
      eps_max: added to the statistic, inside the maximum.
      accumulator_dtype: dtype of s; by default the gradient's, at least float32.

    Returns:
      An estimator with state `AccumulatorState`.
    """
    _checks.scalar("decay", decay, "at least 0 and at most 1", lambda x: 0 <= x <= 1)
    _checks.non_negative("eps", eps)
    _checks.non_negative("eps_max", eps_max)
    check_accumulator_dtype(accumulator_dtype)

    def init(params: Any) -> AccumulatorState:
        return filled(AccumulatorState(statistic_zeros(of, params, accumulator_dtype)))

    def update(updates: Any, state: AccumulatorState, params: Any = None, *, unit: Any = 1, **extra_args: Any) -> Any:
        def track(f: jax.Array, s: jax.Array) -> jax.Array:
            return jnp.maximum(decay * s, f + eps_max).astype(s.dtype)

        f = statistic_of(of, updates)
        value = jax.tree.map(track, f, state.value)
        return jax.tree.map(lambda f, s: in_dtype(s + eps * unit, f.dtype), f, value), state._replace(value=value)

    return Rule(init, update, by_leaf=is_by_leaf(of))
