"""Weight decay, coupled and decoupled."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.masks import check_mask, masked
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import dtype_of, in_dtype, lift, wider
from optax_zoo.primitives.trees import is_none
from optax_zoo.primitives.types import Decay, Mask


class DecayState(NamedTuple):
    """State of a weight decay whose coefficient is a schedule.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@primitive
def coupled_decay(weight_decay: Decay, mask: Mask = None) -> Rule:
    """Adds weight_decay times the parameters to the updates: L2 regularization where these are raw gradients.

    Args:
      weight_decay: the coefficient, at least 0, or a schedule: a function of the number of steps taken.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.

    Returns:
      A transformation that needs the parameters, with updates in the wider dtype of update and parameter. It has no
      state, with a schedule `DecayState`.

    Raises:
      ValueError: from `init` and `update`, for a mask that does not fit the parameters.
    """

    def add(u: Any, p: Any, coefficient: Any, learning_rate: Any) -> jax.Array:
        return lift(u) + coefficient * lift(p)

    return _decay(add, weight_decay, mask)


@primitive
def decoupled_decay(weight_decay: Decay, mask: Mask = None, *, of_new: bool = False) -> Rule:
    """Subtracts learning_rate times weight_decay times the parameters from finished steps (AdamW's decay, for any row).

    In a pipeline the rate is handed on by the learning_rate slot; elsewhere it is an argument of `update`.

    Args:
      weight_decay: the coefficient, at least 0, or a schedule: a function of the number of steps taken. What is
        subtracted follows the schedule of the rate, too.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.
      of_new: whether the parameters that the step u has led to decay, p + u, rather than those that it starts from
        (Hugging Face's AdamW, and the code that was made of it).

    Returns:
      A transformation that needs the parameters, with updates in the wider dtype of update and parameter. It has no
      state, with a schedule `DecayState`.

    Raises:
      ValueError: from `init` and `update`, for a mask that does not fit the parameters.
    """

    def subtract(u: Any, p: Any, coefficient: Any, learning_rate: Any) -> jax.Array:
        check_given("decoupled_decay", learning_rate)
        decaying = lift(p) + lift(u) if of_new else lift(p)
        return lift(u) - learning_rate * coefficient * decaying

    return _decay(subtract, weight_decay, mask)


@primitive
def proximal_decay(weight_decay: Decay, mask: Mask = None) -> Rule:
    """Divides the parameters that finished steps lead to by 1 + learning_rate times weight_decay (Adan's decay).

    So the parameters at the end of the step decay, those that come of it: p' = p + u - rate weight_decay p', the
    proximal step of an l2 penalty. `decoupled_decay` is its first order.

    Args:
      weight_decay: the coefficient, at least 0, or a schedule: a function of the number of steps taken.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.

    Returns:
      A transformation that needs the parameters and, as `decoupled_decay`, the rate. It has no state, with a schedule
      `DecayState`.

    Raises:
      ValueError: from `init` and `update`, for a mask that does not fit the parameters.
    """

    def divide(u: Any, p: Any, coefficient: Any, learning_rate: Any) -> jax.Array:
        check_given("proximal_decay", learning_rate)
        strength = learning_rate * coefficient
        return (lift(u) - strength * lift(p)) / (1 + strength)

    return _decay(divide, weight_decay, mask)


def _decay(decayed: Callable[..., jax.Array], weight_decay: Decay, mask: Mask) -> Rule:
    """The rule that makes u, parameter, coefficient and rate of each leaf an update."""
    _checks.non_negative("weight_decay", weight_decay, schedule=True)
    check_mask(mask)

    def init(params: Any) -> Any:
        return DecayState(jnp.zeros((), jnp.int32)) if callable(weight_decay) else optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None, *, learning_rate: Any = None, **extra_args: Any) -> Any:
        coefficient = weight_decay(state.count) if callable(weight_decay) else weight_decay

        def of_leaf(u: Any, p: Any) -> Any:
            if u is None:
                return None
            return in_dtype(decayed(u, p, coefficient, learning_rate), wider(dtype_of(u), dtype_of(p)))

        updates = jax.tree.map(of_leaf, updates, params, is_leaf=is_none)
        return updates, DecayState(optax.safe_increment(state.count)) if callable(weight_decay) else state

    whole = optax.GradientTransformationExtraArgs(init, update)
    chosen = masked(whole, mask, "weight decay")
    return Rule(chosen.init, chosen.update, ("params",), by_leaf=mask is None)
