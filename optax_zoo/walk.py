"""One gradient on its way through the slots of a pipeline."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import by_leaf
from optax_zoo.primitives.basis import BasisRule, Within
from optax_zoo.primitives.learning_rate import Estimate, RateRule, Told
from optax_zoo.primitives.precision import as_before, in_dtype_of


def _note(error: Exception, slot: str) -> None:
    error.add_note(f"This was in the slot {slot!r} of the pipeline.")


@contextlib.contextmanager
def _noting(slot: str) -> Iterator[None]:
    """Adds to an error the slot that it occurred in."""
    try:
        yield
    except Exception as error:
        _note(error, slot)
        raise


class Walk:
    """A step: what its parts are given, and what has come of it so far.

    Args:
      updates: the update functions of the filled slots.
      state: the states before the step, by slot.
      params: the parameters, or None.
      extra_args: what `update` was given beside them.
      rate: the rate of the step, None where it is not known before.

    Attributes:
      given: the extra arguments of the next part.
      new_state: the states after the step, of the slots passed so far.
      numerator: what that slot returned, outside a basis; the gradient where it is empty.
      denominator: what that slot returned, None before.
      estimate: what a rate that estimates itself has said, None before.
      basis_state: the state of the basis that the step is taken in.
    """

    def __init__(
        self,
        updates: Mapping[str, Callable[..., Any]],
        state: dict[str, Any],
        params: Any,
        extra_args: Mapping[str, Any],
        rate: Any,
    ):
        self.updates = updates
        self.state = state
        self.params = params
        self.new_state: dict[str, Any] = {}
        self.given = {**extra_args, "slot_states": self.new_state, "states_before": state}
        if rate is not None:
            self.given["learning_rate"] = rate
        self.numerator: Any = None
        self.denominator: Any = None
        self.estimate: Estimate | None = None
        self.basis_state: Any = state.get("basis")
        self._outside: Any = None

    def through(self, slot: str, u: Any) -> Any:
        """What the part in a slot makes of u, which passes an empty slot unchanged."""
        if slot not in self.updates:
            return u
        try:
            u, after = self.updates[slot](u, self.state[slot], self.params, **self.given)
            self.new_state[slot] = jax.tree.map(as_before, after, self.state[slot])
        except Exception as error:
            _note(error, slot)
            raise
        return u

    @_noting("learning_rate")
    def estimated(self, rule: RateRule, u: Any) -> Estimate:
        """The rate of this step as the estimator in the learning_rate slot says it, handed on to all parts."""
        given = {**self.given, "numerator": self.numerator} if rule.of_direction else self.given
        self.estimate, after = rule.estimate(u, self.state["learning_rate"], self.params, **given)
        self.new_state["learning_rate"] = jax.tree.map(as_before, after, self.state["learning_rate"])
        self.given |= {"learning_rate": self.estimate.rate, "unit": self.estimate.unit}
        return self.estimate

    @_noting("learning_rate")
    def conclude(self, rule: RateRule, direction: Any, u: Any) -> None:
        """Tells the estimator of a rate what the step was."""
        if rule.conclude is not None:
            rate = self.given["learning_rate"]
            told = Told(self.given["gradient"], self.denominator, direction, rate, u, self.params)
            after = rule.conclude(self.new_state["learning_rate"], told)
            self.new_state["learning_rate"] = jax.tree.map(as_before, after, self.state["learning_rate"])

    @_noting("basis")
    def into(self, rule: BasisRule, g: Any, average: Any = None) -> Any:
        """The gradient in the basis, which is renewed before."""
        renewed = rule.renew(g if average is None else average, self.basis_state)
        self.new_state["basis"] = self.basis_state = jax.tree.map(as_before, renewed, self.basis_state)
        self._outside, self.given["gradient"] = g, rule.into(g, self.basis_state)
        return self.given["gradient"]

    @_noting("basis")
    def out_of(self, rule: BasisRule, u: Any) -> Any:
        """A direction that was found in the basis, outside it."""
        within = Within(rule, self.basis_state, self.given["gradient"], u)
        self.given |= {"gradient": self._outside, "within": within}
        return self.outside(rule, u)

    def outside(self, rule: BasisRule, u: Any) -> Any:
        """A tree in the basis as one outside it."""
        return rule.outside(u, self.basis_state, self._outside)

    @_noting("basis")
    def turned(self, rule: BasisRule, u: Any) -> Any:
        """Finishes a step in a basis: makes the next one, and carries the states in it over. Returns the update."""
        if rule.turn is None:
            return u
        g, before = self.given["gradient"], self.basis_state
        ready = rule.ready(before)
        for slot, after in self.new_state.items():
            self.new_state[slot] = jax.tree.map(lambda new, old: jnp.where(ready, new, old), after, self.state[slot])
        numerators, put_numerators = by_leaf.alike(self.new_state.get("numerator"), g)
        denominators, put_denominators = by_leaf.alike(self.new_state.get("denominator"), g)
        turned = rule.turn(g, before, numerators, denominators)
        carried = {"numerator": put_numerators(turned.directions), "denominator": put_denominators(turned.scales)}
        self.new_state |= {slot: carried[slot] for slot in carried if slot in self.new_state}
        self.new_state["basis"] = jax.tree.map(as_before, turned.state, before)
        return jax.tree.map(lambda x: jnp.where(ready, x, 0), u)


def weighted(tree: Any, weight: Any) -> Any:
    """A tree times a scalar, itself where that is the number 1."""
    if isinstance(weight, int) and weight == 1:
        return tree
    return jax.tree.map(lambda x: in_dtype_of(x * weight, x), tree)
