"""Weight decay, coupled and decoupled."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.moments import average_of, weight_of
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.masks import bools, check_mask, masked
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import dtype_of, in_dtype, lift, wider
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.trees import is_none
from optax_zoo.primitives.types import Decay, Mask, Scalar

DECAYS, STAYS = "decays", "no decay"  # how a leaf is seen where a mask tells leaves apart


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


@dataclasses.dataclass(frozen=True)
class average_scale:  # noqa: N801  (used like a function of the states)
    """The root of the mean over all leaves of what a slot averages, divided by its weight: sqrt(mean(v) / w) + eps.

    Args:
      of: the slot, of an average of squares.
      eps: added outside the root.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
    """

    of: str = "denominator"
    eps: Scalar = 1e-8
    axis_name: Any = None

    def __post_init__(self) -> None:
        _checks.non_negative("eps", self.eps)

    def __call__(self, slot_states: Mapping[str, Any] | None) -> jax.Array:
        """The scale by the states of the slots before."""
        if self.of not in (slot_states or {}):
            raise ValueError(f"of is {self.of!r}, but must be one of the slots before: {', '.join(slot_states or ())}.")
        state = (slot_states or {})[self.of]
        average = average_of(state, self.of)
        mean = Reduction(jax.tree.leaves(average), broadcast_axis_names(self.axis_name, average)).mean(lambda v: v)
        return root_of(mean / weight_of(state)) + self.eps

    def __repr__(self) -> str:
        eps = "" if isinstance(self.eps, float) and self.eps == 1e-8 else f", eps={expression(self.eps, 'eps')}"
        return f"average_scale({self.of!r}{eps}{'' if self.axis_name is None else ', axis_name=axis_name'})"


@primitive
def decoupled_decay(
    weight_decay: Decay,
    mask: Mask = None,
    *,
    of_new: bool = False,
    over: average_scale | None = None,
    base_learning_rate: Scalar | None = None,
) -> Rule:
    """Subtracts learning_rate times weight_decay times the parameters from finished steps (AdamW's decay, for any row).

    In a pipeline the rate is handed on by the learning_rate slot; elsewhere it is an argument of `update`.

    Args:
      weight_decay: the coefficient, at least 0, or a schedule: a function of the number of steps taken. What is
        subtracted follows the schedule of the rate, too.
      mask: a tree of bools (a prefix of the parameters), or a function from parameters to one; False leaves are left
        alone.
      of_new: whether the parameters that the step u has led to decay, p + u, rather than those that it starts from
        (Hugging Face's AdamW, and the code that was made of it).
      over: what the coefficient is divided by: `average_scale()`, so that parameters decay by as much as gradients of
        average size move them (AdamS); None for nothing.
      base_learning_rate: the rate that weight_decay belongs to, above 0: what is subtracted then follows the square of
        the rate, rate^2 / base_learning_rate (AdamC). None: it follows the rate.

    Returns:
      A transformation that needs the parameters, with updates in the wider dtype of update and parameter. It has no
      state, with a schedule `DecayState`.

    Raises:
      ValueError: from `init` and `update`, for a mask that does not fit the parameters.
    """

    if base_learning_rate is not None:
        _checks.positive("base_learning_rate", base_learning_rate)

    def subtract(u: Any, p: Any, coefficient: Any, learning_rate: Any) -> jax.Array:
        check_given("decoupled_decay", learning_rate)
        decaying = lift(p) + lift(u) if of_new else lift(p)
        share = coefficient if base_learning_rate is None else coefficient * (learning_rate / base_learning_rate)
        return lift(u) - learning_rate * share * decaying

    return _decay(subtract, weight_decay, mask, over)


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


def _decay(
    decayed: Callable[..., jax.Array], weight_decay: Decay, mask: Mask, over: average_scale | None = None
) -> Rule:
    """The rule that makes u, parameter, coefficient and rate of each leaf an update."""
    _checks.non_negative("weight_decay", weight_decay, schedule=True)
    check_mask(mask)

    def init(params: Any) -> Any:
        return DecayState(jnp.zeros((), jnp.int32)) if callable(weight_decay) else optax.EmptyState()

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        learning_rate: Any = None,
        slot_states: Mapping[str, Any] | None = None,
        **extra_args: Any,
    ) -> Any:
        coefficient = weight_decay(state.count) if callable(weight_decay) else weight_decay
        coefficient = coefficient if over is None else coefficient / over(slot_states)

        def of_leaf(u: Any, p: Any) -> Any:
            if u is None:
                return None
            return in_dtype(decayed(u, p, coefficient, learning_rate), wider(dtype_of(u), dtype_of(p)))

        updates = jax.tree.map(of_leaf, updates, params, is_leaf=is_none)
        return updates, DecayState(optax.safe_increment(state.count)) if callable(weight_decay) else state

    whole = optax.GradientTransformationExtraArgs(init, update)
    chosen = masked(whole, mask, "weight decay")
    by_leaf = mask is None and over is None
    return Rule(chosen.init, chosen.update, ("params",), by_leaf=by_leaf, seen=_seen(mask))


def _seen(mask: Mask) -> Callable[[Any], list[str]] | None:
    """What is said of leaves where a mask tells them apart."""
    if mask is None:
        return None
    return lambda tree: [DECAYS if decays else STAYS for decays in bools(mask, tree, "weight decay")]
