"""Weight decay, coupled and decoupled."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.types import Mask, Scalar


@primitive
def coupled_decay(weight_decay: Scalar, mask: Mask = None) -> Rule:
    """Adds weight_decay times the parameters to the updates: L2 regularization where these are raw gradients.

    Args:
      weight_decay: the coefficient, at least 0.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.

    Returns:
      A stateless transformation that needs the parameters.
    """
    _checks.non_negative("weight_decay", weight_decay, schedule=True)

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        return jax.tree.map(lambda u, p: like(lift(u) + weight_decay * lift(p), u), updates, params), state

    return _masked(update, mask)


@primitive
def decoupled_decay(weight_decay: Scalar, mask: Mask = None) -> Rule:
    """Subtracts learning_rate times weight_decay times the parameters from finished steps (AdamW's decay, for any row).

    In a pipeline the rate is handed on by the learning_rate slot; elsewhere it is an argument of `update`.

    Args:
      weight_decay: the coefficient, at least 0; what is subtracted follows the schedule of the rate.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.

    Returns:
      A stateless transformation that needs the parameters.
    """
    _checks.non_negative("weight_decay", weight_decay, schedule=True)

    def update(
        updates: Any, state: optax.EmptyState, params: Any = None, *, learning_rate: Any = None, **extra_args: Any
    ) -> Any:
        if learning_rate is None:
            raise TypeError(
                "decoupled_decay needs the learning rate: fill the pipeline's learning_rate slot with a number or a "
                "schedule, or call update(updates, state, params, learning_rate=...)."
            )
        shrink = learning_rate * weight_decay
        return jax.tree.map(lambda u, p: like(lift(u) - shrink * lift(p), u), updates, params), state

    return _masked(update, mask)


def _masked(update: Callable[..., Any], mask: Mask) -> Rule:
    if isinstance(mask, (bool, jax.Array)):
        raise TypeError(
            f"mask is {mask!r}, but must be a tree of bools or a function from parameters to one; under "
            "optax.inject_hyperparams, which takes functions for schedules, name its argument in static_args."
        )
    whole = optax.GradientTransformationExtraArgs(optax.init_empty_state, update)
    chosen = whole if mask is None else optax.masked(whole, mask)
    return Rule(chosen.init, chosen.update, ("params",), by_leaf=mask is None)
