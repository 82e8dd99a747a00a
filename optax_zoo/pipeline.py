"""The pipeline of named slots that every optimizer of this library is a row of."""

from typing import Any, TypeAlias

import jax
import optax

from optax_zoo import _checks, alignment, by_leaf, diagnosis
from optax_zoo._suggestions import refuse_unknown, suggests
from optax_zoo.primitives.basis import BasisRule
from optax_zoo.primitives.difference import kept_last
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.learning_rate import (
    RateRule,
    ScheduleState,
    already_applied,
    descend,
    evaluate_rate,
    init_rate,
    is_rate,
    plain_rate,
)
from optax_zoo.primitives.overflow import bounded_beside
from optax_zoo.primitives.part import Part, Rule, all_by_leaf, needs_of, rule_of, update_of
from optax_zoo.primitives.precision import as_before, in_wider_dtype, lift
from optax_zoo.walk import Walk, weighted

SLOTS = (
    "gradient",
    "basis",
    "numerator",
    "denominator",
    "bound",
    "momentum",
    "rescale",
    "learning_rate",
    "velocity",
    "decay",
    "iterate",
)

IN_BASIS = ("numerator", "denominator", "bound")

Slot: TypeAlias = optax.GradientTransformation | None


class Pipeline(Part):
    """An optimizer, or a part of one, that remembers what is in its slots. Made by `pipeline`.

    It is an `optax.GradientTransformationExtraArgs`; its state is a dict by slot name. Like optax's transformations it
    cannot be pickled, because its functions are closures: keep its name and hyperparameters, and pickle its state.
    """

    @property
    def slots(self) -> dict[str, Any]:
        """What is in the filled slots, in the order in which a gradient passes them."""
        return dict(self.rule.slots)  # type: ignore[attr-defined]

    def replace(self, **slots: Any) -> "Pipeline":
        """A new pipeline with other parts in the slots named, the rest as it is; None empties a slot.

        Raises:
          TypeError: for an unknown slot or for what cannot stand in it.
        """
        refuse_unknown("pipeline slot", slots, SLOTS)
        return pipeline(**{**self.slots, **slots})


@suggests("pipeline slot")
def pipeline(
    *,
    gradient: Slot = None,
    basis: Slot = None,
    numerator: Slot = None,
    denominator: Slot = None,
    bound: Slot = None,
    momentum: Slot = None,
    rescale: Slot = None,
    learning_rate: optax.ScalarOrSchedule | already_applied | Slot = None,
    velocity: Slot = None,
    decay: Slot = None,
    iterate: Slot = None,
) -> Pipeline:
    """Composes an optimizer from parts in named slots. A gradient g passes them in the order of the arguments.

    With all slots filled one step is

        g <- gradient(g)
        u <- numerator(g) * bound(1 / denominator(g))    (numerator(g) / denominator(g) without a bound)
        u <- rescale(momentum(u))
        u <- velocity(-learning_rate * u)
        update = iterate(decay(u))

    and with a basis the second line happens in it: g is mapped in, the quotient back.

    Any `optax.GradientTransformation` can stand in a slot. Each is given the parameters, the extra arguments of
    `update`, and of this step the rate as `learning_rate=`, the gradient as it left the gradient slot (in the basis
    while in there) as `gradient=`, what the denominator slot returned as `denominator=` (None once it is out of a
    subspace, where that has other shapes), the states before it as `states_before=` and the new states of earlier slots
    as `slot_states=`, both dicts by slot.
    Low-precision gradients pass the slots in float32. The update comes back in the gradient's dtype, or, where a part
    reads the parameters (weight decay), in the wider of the gradient's and the parameter's: a decay that is small
    beside the step would be lost in rounding. Beside an elementwise denominator, elements of g beyond 2^60 (2^508 in
    float64), infinite ones too, count as that large: their squares would overflow.

    Moved are floating-point and complex parameters. Integers, bools and random keys have no state, and an update of 0;
    a leaf whose gradient is None has the update None, and keeps its state.

    Args:
      gradient: acts on the raw gradient: `normalize_by_norm`, `clip_by_norm`, `coupled_decay`.
      basis: another basis for numerator, denominator and bound: `eigenbasis()`.
      numerator: estimates the direction from the gradient: `debiased(ema(0.9))`.
      denominator: estimates the scale from the same gradient: `root(ema(0.999, of=square))`.
      bound: limits the elementwise step size 1 / denominator.
      momentum: averages what has been preconditioned: `scale_by_ema(0.9)`, `trace(0.9)`.
      rescale: multiplies or reshapes the direction.
      learning_rate: a number or a schedule; the sign is changed here. `already_applied(rate)` for a rate that an
        earlier stage has multiplied by. `prodigy_rate()` and other rates that estimate themselves are asked before the
        numerator (`dog_rate()` and `polyak_rate()` when the direction is known), and told of the finished step. Any
        other transformation is applied as it is.
      velocity: averages the finished step: `trace(0.9)`.
      decay: `decoupled_decay(1e-2)`.
      iterate: turns the finished step into that of the parameters which the loop holds, beside which it keeps others:
        `schedule_free(0.9)`, `lookahead_steps(5)`; see `evaluation_params`.

    Returns:
      A `Pipeline`; `init` returns a dict with the state of each filled slot. Its `update` raises a ValueError for
      gradients, parameters and states whose trees or shapes differ, with the path of the leaf, and a TypeError for
      integer gradients; to other errors it adds the slot and the leaf that they occurred at.

    Raises:
      TypeError: for what cannot stand in a slot.
    """
    given = dict(
        gradient=gradient,
        basis=basis,
        numerator=numerator,
        denominator=denominator,
        bound=bound,
        momentum=momentum,
        rescale=rescale,
        learning_rate=learning_rate,
        velocity=velocity,
        decay=decay,
        iterate=iterate,
    )
    row = _Row({slot: part for slot, part in given.items() if part is not None})
    return Pipeline(row.init, row.update)


class _Row(Rule):
    """The rule of a pipeline."""

    def __init__(self, slots: dict[str, Any]):
        self.slots = slots
        self.parts: dict[str, optax.GradientTransformation] = {}
        for slot, part in slots.items():
            if slot == "learning_rate" and is_rate(part):
                _checks.non_negative("learning_rate", plain_rate(part), schedule=True)
            elif isinstance(part, optax.GradientTransformation):
                self.parts[slot] = part
            else:
                raise TypeError(f"{slot} is {part!r}, but must be an optax.GradientTransformation or None.")
        if "bound" in slots and "denominator" not in slots:
            raise TypeError("bound limits 1 / denominator, but the denominator slot is empty.")
        self.rate = None if "learning_rate" in self.parts else slots.get("learning_rate")
        self.scheduled = callable(plain_rate(self.rate))
        self.constant = None if self.scheduled else plain_rate(self.rate)
        self.estimator = rule_of(slots.get("learning_rate"), RateRule)
        self.basis = rule_of(slots.get("basis"), BasisRule)
        if "basis" in slots and self.basis is None:
            raise TypeError(f"basis is {slots['basis']!r}, but must be a basis, such as eigenbasis(), or None.")
        self.updates = {slot: update_of(part) for slot, part in self.parts.items()}
        text = ", ".join(f"{slot}={expression(part, slot)}" for slot, part in slots.items())
        self.keeps_earlier = "difference(" in text or "lagged(" in text
        super().__init__(
            self.init,
            self.update,
            needs_of(*slots.values()),
            by_leaf=all_by_leaf(*self.parts.values()),
            expression=f"pipeline({text})",
        )
        self._traced_once = jax.jit(self.through_parts)

    def init(self, params: Any) -> dict[str, Any]:
        params = alignment.moved(params) if self.parts else params
        state = {slot: self.init_slot(slot, params) for slot in self.parts}
        return state if self.rate is None else {**state, "learning_rate": init_rate(self.rate)}

    def init_slot(self, slot: str, params: Any) -> Any:
        """The state that the part in a slot has at first."""
        if self.basis is not None and slot in IN_BASIS[self.basis.of_average :]:
            params = self.basis.shapes(params)
        return self.parts[slot].init(params)

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        if params is None:
            self.check_params(params)
        if not isinstance(state, dict) or state.keys() != self.slots.keys():
            raise diagnosis.of_slots(self, state)
        rate = extra_args.pop("learning_rate", None) if self.rate is None else self.constant
        rate_state = state.get("learning_rate")
        if self.scheduled:
            if not isinstance(rate_state, ScheduleState):
                raise diagnosis.of_slots(self, state)
            rate, rate_state = evaluate_rate(self.rate, rate_state)
        aligned = alignment.align(updates, state, params)
        try:
            u, after = self._step(aligned.updates, state, aligned.params, rate, extra_args)
        except Exception as error:
            clearer = diagnosis.explain(error, self, aligned, state, {**extra_args, "rate": rate})
            if clearer is None:
                raise
            raise clearer from None
        if aligned.finish is not None:
            u, after = aligned.finish(u, after, state)
        return u, after if self.rate is None else {**after, "learning_rate": rate_state}

    def _step(self, updates: Any, state: dict[str, Any], params: Any, rate: Any, extra_args: dict[str, Any]) -> Any:
        """The whole step, of one leaf after another where they are traced and each can do without the others."""
        leaves = jax.tree.leaves(updates) if self.by_leaf and self.parts else []
        several = len(leaves) > 1 and isinstance(leaves[0], jax.core.Tracer)
        parts = by_leaf.split(updates, state) if several else None
        if parts is None:
            return self.through_parts(updates, state, params, rate, **extra_args)
        known = None if rate is self.constant else rate
        done = []
        for piece in parts.pieces(params if "params" in self.needs else None):
            done.append(self._traced_once(*piece, known))
        return parts.merged(done)

    def through_parts(
        self, updates: Any, state: dict[str, Any], params: Any, rate: Any = None, **extra_args: Any
    ) -> Any:
        """The update and the new states, at a rate that may be left out where it is a constant."""
        rate = self.constant if rate is None else rate
        walk = Walk(self.updates, state, params, extra_args, rate)
        g = walk.given["gradient"] = walk.through("gradient", jax.tree.map(lift, updates))
        if self.estimator is not None and not self.estimator.of_direction:
            walk.estimated(self.estimator, g)
        u = self._direction(g, walk)
        u = direction = walk.through("rescale", walk.through("momentum", u))
        if self.estimator is not None and self.estimator.of_direction:
            walk.estimated(self.estimator, u)
        if self.rate is None and walk.estimate is None:
            u = walk.through("learning_rate", u)
        else:
            step = walk.estimate.step if walk.estimate else 1 if isinstance(self.rate, already_applied) else rate
            u = descend(u, step)
        u = walk.through("decay", walk.through("velocity", u))
        if self.estimator is not None:
            walk.conclude(self.estimator, direction, u)
        u = walk.through("iterate", u)
        if self.basis is not None:
            u = walk.turned(self.basis, u)
        after = {**state, **(kept_last(walk.new_state) if self.keeps_earlier else walk.new_state)}
        if "params" in self.needs:
            return jax.tree.map(in_wider_dtype, u, updates, params), after
        return jax.tree.map(as_before, u, updates), after

    def _direction(self, g: Any, walk: Walk) -> Any:
        """The numerator over the denominator; in another basis, where there is one."""
        average = None
        if self.basis is not None and self.basis.of_average:
            average = walk.through("numerator", weighted(g, walk.estimate.numerator) if walk.estimate else g)
        if self.basis is not None:
            g = walk.into(self.basis, g, average)
        if "denominator" in self.parts:  # which squares: the numerator must be of the same gradient
            g = bounded_beside(g, walk.state["denominator"])
        n = d = g
        if walk.estimate is not None:
            n = weighted(g, walk.estimate.numerator if "numerator" in self.parts else walk.estimate.direct)
            d = weighted(g, walk.estimate.denominator)
        if self.basis is None or average is None:
            u = walk.through("numerator", n)
        else:
            u = self.basis.into(average, walk.basis_state)
        if self.estimator is not None and self.estimator.of_direction:
            walk.numerator = u if self.basis is None else walk.outside(self.basis, u)
        if "denominator" in self.parts:
            d = walk.denominator = walk.given["denominator"] = walk.through("denominator", d)
            if "bound" in self.parts:
                step_size = walk.through("bound", jax.tree.map(lambda d: 1 / d, d))
                u = jax.tree.map(lambda n, s: n * s, u, step_size)
            else:
                u = jax.tree.map(lambda n, d: n / d, u, d)
        if self.basis is None:
            return u
        if not self.basis.keeps_shapes:
            walk.denominator = walk.given["denominator"] = None
        return walk.out_of(self.basis, u)
