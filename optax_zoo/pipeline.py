"""The pipeline of named slots that every optimizer of this library is a row of."""

from typing import Any, TypeAlias

import jax
import optax

from optax_zoo import _checks, alignment, by_leaf, diagnosis
from optax_zoo._suggestions import refuse_unknown, suggests
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.inside import in_dtype_of
from optax_zoo.primitives.learning_rate import descend, evaluate_rate, handed, init_rate, is_rate, plain_rate
from optax_zoo.primitives.overflow import bounded_beside
from optax_zoo.primitives.part import Part, Rule, all_by_leaf, needs_of
from optax_zoo.primitives.precision import dtype_of, in_dtype, lift, wider

SLOTS = (
    "gradient",
    "numerator",
    "denominator",
    "bound",
    "momentum",
    "rescale",
    "learning_rate",
    "velocity",
    "decay",
)

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
        refuse_unknown("a pipeline", slots, SLOTS, "slot")
        return pipeline(**{**self.slots, **slots})


@suggests("slot")
def pipeline(
    *,
    gradient: Slot = None,
    numerator: Slot = None,
    denominator: Slot = None,
    bound: Slot = None,
    momentum: Slot = None,
    rescale: Slot = None,
    learning_rate: optax.ScalarOrSchedule | handed | Slot = None,
    velocity: Slot = None,
    decay: Slot = None,
) -> Pipeline:
    """Composes an optimizer from parts in named slots. A gradient g passes them in the order of the arguments.

    With all slots filled one step is

        g <- gradient(g)
        u <- numerator(g) * bound(1 / denominator(g))    (numerator(g) / denominator(g) without a bound)
        u <- rescale(momentum(u))
        u <- velocity(-learning_rate * u)
        update = decay(u)

    Any `optax.GradientTransformation` can stand in a slot. Each is given the parameters, the extra arguments of
    `update`, the rate of this step as `learning_rate=` and the new states of earlier slots as `slot_states=`.
    Low-precision gradients pass the slots in float32. The update comes back in the gradient's dtype, or, where a part
    reads the parameters (weight decay), in the wider of the gradient's and the parameter's: a decay that is small
    beside the step would be lost in rounding. Beside an elementwise denominator, elements of g beyond 2^60 (2^508 in
    float64), infinite ones too, count as that large: their squares would overflow.

    Moved are floating-point and complex parameters. Integers, bools and random keys have no state, and an update of 0;
    a leaf whose gradient is None has the update None, and keeps its state.

    Args:
      gradient: acts on the raw gradient: `normalize_by_norm`, `clip_by_norm`, `coupled_decay`.
      numerator: estimates the direction from the gradient: `debiased(ema(0.9))`.
      denominator: estimates the scale from the same gradient: `root(ema(0.999, of=square))`.
      bound: limits the elementwise step size 1 / denominator.
      momentum: averages what has been preconditioned: `scale_by_ema(0.9)`, `trace(0.9)`.
      rescale: multiplies or reshapes the direction.
      learning_rate: a number or a schedule; the sign is changed here. `handed(rate)` for a rate that an earlier stage
        has made use of. A transformation is applied as it is.
      velocity: averages the finished step: `trace(0.9)`.
      decay: `decoupled_decay(1e-2)`.

    Returns:
      A `Pipeline`; `init` returns a dict with the state of each filled slot. Its `update` raises a ValueError for
      gradients, parameters and states whose trees or shapes differ, with the path of the leaf, and a TypeError for
      integer gradients; to other errors it adds the slot and the leaf that they occurred at.

    Raises:
      TypeError: for what cannot stand in a slot.
    """
    given = dict(
        gradient=gradient,
        numerator=numerator,
        denominator=denominator,
        bound=bound,
        momentum=momentum,
        rescale=rescale,
        learning_rate=learning_rate,
        velocity=velocity,
        decay=decay,
    )
    row = _Row({slot: part for slot, part in given.items() if part is not None})
    return Pipeline(row.init, row.update)


class _Row(Rule):
    """The rule of a pipeline."""

    def __init__(self, slots: dict[str, Any]):
        self.slots = slots
        self.parts: dict[str, optax.GradientTransformationExtraArgs] = {}
        for slot, part in slots.items():
            if slot == "learning_rate" and is_rate(part):
                _checks.non_negative("learning_rate", plain_rate(part), schedule=True)
            elif isinstance(part, optax.GradientTransformation):
                self.parts[slot] = optax.with_extra_args_support(part)
            else:
                raise TypeError(f"{slot} is {part!r}, but must be an optax.GradientTransformation or None.")
        if "bound" in slots and "denominator" not in slots:
            raise TypeError("bound limits 1 / denominator, but the denominator slot is empty.")
        text = ", ".join(f"{slot}={expression(part, slot)}" for slot, part in slots.items())
        super().__init__(
            self._init,
            self._update,
            needs_of(*slots.values()),
            by_leaf=all_by_leaf(*self.parts.values()),
            expression=f"pipeline({text})",
        )
        self._traced_once = jax.jit(self.through_parts)

    @property
    def rate(self) -> Any:
        """The number or schedule in the learning_rate slot, if that is what stands there."""
        return None if "learning_rate" in self.parts else self.slots.get("learning_rate")

    def _init(self, params: Any) -> dict[str, Any]:
        params = alignment.moved(params) if self.parts else params
        state = {slot: part.init(params) for slot, part in self.parts.items()}
        return state if self.rate is None else {**state, "learning_rate": init_rate(self.rate)}

    def _update(self, updates: Any, state: dict[str, Any], params: Any = None, **extra_args: Any) -> Any:
        diagnosis.check_slots(self, state)
        rates = {}
        if self.rate is not None:
            extra_args["learning_rate"], rates["learning_rate"] = evaluate_rate(self.rate, state["learning_rate"])
        before = {slot: state[slot] for slot in self.parts}
        aligned = alignment.align(updates, before, params)
        try:
            u, after = self._step(aligned.updates, before, aligned.params, extra_args)
        except Exception as error:
            clearer = diagnosis.explain(error, self, aligned, before, extra_args)
            if clearer is None:
                raise
            raise clearer from None
        u, after = aligned.finish(u, after, before)
        return u, {**after, **rates}

    def _step(self, updates: Any, state: dict[str, Any], params: Any, extra_args: dict[str, Any]) -> Any:
        if not (self.parts and self.by_leaf and by_leaf.applies(updates, state)):
            return self.through_parts(updates, state, params, **extra_args)
        rate = extra_args.get("learning_rate")
        known = rate is plain_rate(self.rate)
        of_leaf = params if "params" in self.needs else None
        return by_leaf.update_by_leaf(self._traced_once, updates, state, of_leaf, None if known else rate)

    def through_parts(
        self, updates: Any, state: dict[str, Any], params: Any, learning_rate: Any = None, **extra_args: Any
    ) -> Any:
        """The update and the new states of the parts, at a rate that may be left out where it is a constant."""
        new_state: dict[str, Any] = {}
        rate = plain_rate(self.rate) if learning_rate is None else learning_rate
        extra_args |= {"slot_states": new_state} | ({} if rate is None else {"learning_rate": rate})

        def through(slot: str, u: Any) -> Any:
            if slot not in self.parts:
                return u
            with diagnosis.noting(slot):
                u, after = self.parts[slot].update(u, state[slot], params, **extra_args)
                new_state[slot] = jax.tree.map(_as_before, after, state[slot])
            return u

        g = through("gradient", jax.tree.map(lift, updates))
        if "denominator" in self.parts:  # which squares: the numerator must be of the same gradient
            g = bounded_beside(g, state["denominator"])
        u = through("numerator", g)
        if "bound" in self.parts:
            step_size = through("bound", jax.tree.map(lambda d: 1 / d, through("denominator", g)))
            u = jax.tree.map(lambda n, s: n * s, u, step_size)
        elif "denominator" in self.parts:
            u = jax.tree.map(lambda n, d: n / d, u, through("denominator", g))
        u = through("rescale", through("momentum", u))
        if self.rate is None:
            u = through("learning_rate", u)
        else:
            u = descend(u, 1 if isinstance(self.rate, handed) else rate)
        u = through("decay", through("velocity", u))
        if "params" in self.needs:
            return jax.tree.map(_in_wider_dtype, u, updates, params), new_state
        return jax.tree.map(_as_before, u, updates), new_state


def _as_before(x: Any, before: Any) -> Any:
    """x in the dtype of another leaf, whose shape it must have."""
    now, then = alignment.shape_of(x), alignment.shape_of(before)
    if now != then:
        raise ValueError(f"a leaf of shape {then} would become one of shape {now}.")
    return in_dtype_of(x, before)


def _in_wider_dtype(u: Any, g: Any, p: Any) -> Any:
    return in_dtype(u, wider(dtype_of(g), dtype_of(p)))
