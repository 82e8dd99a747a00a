"""What an average in another slot did not foresee of the gradient (AdaBelief, Aida)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.moments import average_of
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.projections import mutual_projections


@primitive
def residual(
    estimator: optax.GradientTransformation,
    of: str = "numerator",
    *,
    projected: mutual_projections | None = None,
) -> Rule:
    """An estimate of what the gradient differs by from its average in an earlier slot: estimator(x - m).

    m is the new average as it is stored, not divided by its weight.

    Args:
      estimator: the estimate, with all that belongs to it inside: `root(debiased(ema(0.999, of=square)))`.
      of: the slot that keeps the average; where it keeps several, with the name of one: "numerator.gradient".
      projected: what becomes of x and m before their difference: `mutual_projections(2)`; None for nothing.

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
        mean = jax.tree.map(lambda x, m: m.astype(x.dtype), updates, mean)
        x, mean = (updates, mean) if projected is None else projected(updates, mean)
        unforeseen = jax.tree.map(jnp.subtract, x, mean)
        return update_estimate(unforeseen, state, params, slot_states=slot_states, **extra_args)

    debias_weight = debias_weight_through(estimator, lambda state: state)
    by_leaf = all_by_leaf(estimator) and (projected is None or (projected.axis_name, projected.stacked) == (None, None))
    return Rule(estimator.init, update, needs_of(estimator), debias_weight, by_leaf)
