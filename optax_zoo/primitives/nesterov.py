"""Nadam's look-ahead of a debiased average, and its momentum that warms up."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype, weak_float, zeros_for
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import Decay, DType, Scalar


class NesterovState(NamedTuple):
    """State of `nesterov_ema`.

    Attributes:
      value: the average gradient, a tree of arrays (float32 or wider unless told otherwise).
      weight: 1 - the product of all momenta so far (scalar).
      count: steps taken (int32 scalar); there is no such field where the momentum does not depend on it.
    """

    value: Any
    weight: jax.Array
    count: Any = None


@primitive
def nesterov_ema(decay: Scalar, *, momentum: Decay | None = None, accumulator_dtype: DType = None) -> Rule:
    """Nadam's numerator: mu' m / (1 - prod mu mu') + (1 - mu) x / (1 - prod mu), with m <- decay m + (1 - decay) x.

    mu is the momentum of this step and mu' that of the next; each term is divided by the weight that its own products
    of momenta leave, kept as a recursion w <- mu w + (1 - mu).

    Args:
      decay: of the average m, in [0, 1).
      momentum: mu, in [0, 1), or a function of the number of steps taken; None for `decay`.
      accumulator_dtype: dtype of m; by default the gradient's, at least float32.

    Returns:
      An estimator with state `NesterovState`.
    """
    _checks.decay("decay", decay)
    mu = decay if momentum is None else momentum
    _checks.decay("momentum", mu, schedule=True)
    check_accumulator_dtype(accumulator_dtype, scale=False)

    def init(params: Any) -> NesterovState:
        value = jax.tree.map(lambda p: zeros_for(identity, p, accumulator_dtype), params)
        weight = jnp.zeros((), scalar_dtype(params))
        return filled(NesterovState(value, weight, jnp.zeros((), jnp.int32) if callable(mu) else None))

    def update(updates: Any, state: NesterovState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count) if callable(mu) else None
        now, after = (mu(state.count), mu(count)) if callable(mu) else (mu, mu)
        weight = (now * state.weight + (1 - now)).astype(state.weight.dtype)
        of_average = after / (after * weight + (1 - after))
        of_update = (1 - now) / weight

        value = jax.tree.map(lambda x, m: (decay * m + (1 - decay) * lift(x)).astype(m.dtype), updates, state.value)
        ahead = jax.tree.map(lambda x, m: like(of_average * m + of_update * lift(x), x), updates, value)
        return ahead, filled(NesterovState(value, weight, count))

    return Rule(init, update, by_leaf=True)


@dataclasses.dataclass(frozen=True)
class warming_decay:  # noqa: N801  (used like a schedule function)
    """A decay that warms up from about half of its limit: limit (1 - 0.96^(t rate) / 2), t = 1, 2, ... (Nadam).

    Args:
      limit: what the decay tends to, in [0, 1).
      rate: how fast, above 0.
    """

    limit: Scalar
    rate: Scalar = 4e-3

    def __post_init__(self) -> None:
        _checks.decay("limit", self.limit)
        _checks.positive("rate", self.rate)

    def __call__(self, count: jax.Array) -> Any:
        return self.limit * (1 - 0.5 * 0.96 ** ((weak_float(count) + 1) * self.rate))

    def __repr__(self) -> str:
        rate = "" if isinstance(self.rate, float) and self.rate == 4e-3 else f", {expression(self.rate, 'rate')}"
        return f"warming_decay({expression(self.limit, 'limit')}{rate})"
