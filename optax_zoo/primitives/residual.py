"""What an average in another slot did not foresee of the gradient (AdaBelief)."""

from collections.abc import Mapping
from typing import Any

import jax
import optax

from optax_zoo.moments import average_of
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of


@primitive
def residual(estimator: optax.GradientTransformation, of: str = "numerator") -> Rule:
    """An estimate of what the gradient differs by from its average in an earlier slot: estimator(x - m).

    m is the new average as it is stored, not divided by its weight.

    Args:
      estimator: the estimate, with all that belongs to it inside: `root(debiased(ema(0.999, of=square)))`.
      of: the slot that keeps the average; where it keeps several, with the name of one: "numerator.gradient".

    Returns:
      An estimator with the state of the one inside. It works in a pipeline, which hands the states of earlier slots on.
    """
    slot, _, member = of.partition(".")
    update_estimate = update_of(estimator)

    def update(
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        slot_states: Mapping[str, Any] | None = None,
        **extra_args: Any,
    ) -> Any:
        if slot_states is None:
            raise TypeError(
                "residual needs the state of an earlier slot, which a pipeline hands to the parts in its slots; it "
                "must be outermost in its own."
            )
        if slot not in slot_states:
            raise ValueError(f"of is {of!r}, but the earlier slots are {', '.join(slot_states) or 'empty'}.")
        mean = average_of(slot_states[slot], slot, member)
        unforeseen = jax.tree.map(lambda x, m: x - m.astype(x.dtype), updates, mean)
        return update_estimate(unforeseen, state, params, slot_states=slot_states, **extra_args)

    debias_weight = debias_weight_through(estimator, lambda state: state)
    return Rule(estimator.init, update, needs_of(estimator), debias_weight, all_by_leaf(estimator))
