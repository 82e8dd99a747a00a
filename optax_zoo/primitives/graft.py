"""Grafting: steps in the direction that one method finds, as long as those of another."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.sizes import Size, finite_norm
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.types import Scalar


class GraftState(NamedTuple):
    """State of `graft`. Fields that the options leave without a use are not there.

    Attributes:
      magnitude: the state of the transformation whose norms count.
      direction: of that whose directions count.
      then: of what the grafted update passes.
      before: of what the magnitude's own update passes, as long as it is taken.
      count: steps taken (int32 scalar).
    """

    magnitude: Any
    direction: Any
    then: Any = None
    before: Any = None
    count: Any = None


@primitive
def graft(
    direction: optax.GradientTransformation,
    magnitude: optax.GradientTransformation | None = None,
    *,
    norm: str | None = "l2",
    eps: Scalar = 1e-16,
    start: Scalar = 0,
    then: optax.GradientTransformation | None = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Each leaf in the direction of one transformation, with the norm of another: u <- d norm(m) / (norm(d) + eps).

    Rates tuned for the one that gives the norm suit the other: `graft(kronecker_roots(), scale_by_sign())`. A pipeline
    without a rate is such a transformation, too: Adam's steps have the norms of `adam().replace(learning_rate=None)`.

    Args:
      direction: whose directions the updates have.
      magnitude: whose norms they have; None for those of the gradient (SGD).
      norm: a registered name, see `normalize_by_norm`; None leaves the directions as long as they are.
      eps: added to the norm of the direction, at least 0.
      start: for how many steps the magnitude's own updates are taken, at least 0, before directions have been learnt.
      then: what the update passes, such as a momentum; both the grafted one and, until `start`, the magnitude's own,
        each with a state of its own from the first step on. None for nothing.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has norms of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `GraftState`.

    Raises:
      ValueError: as `normalize_by_norm`.

    Source:
      N. Agarwal, R. Anil, E. Hazan, T. Koren, C. Zhang (2020): Disentangling Adaptive Gradient Methods from Learning
      Rates.
    """
    _checks.non_negative("eps", eps)
    _checks.non_negative("start", start)
    own = optax.identity() if magnitude is None else magnitude
    measure = None if norm is None else measure_leaves(norm, axis_name, stacked)
    waits = not _checks.is_absent(start)

    def init(params: Any) -> GraftState:
        def passed(needed: bool) -> Any:
            return then.init(params) if then is not None and needed else None

        count = jnp.zeros((), jnp.int32) if waits else None
        return filled(GraftState(own.init(params), direction.init(params), passed(True), passed(waits), count))

    def grafted(d: jax.Array, of_d: Size, of_m: Size) -> jax.Array:
        unit = 1 if of_d.scale is None else of_d.scale
        total = of_d.norm + eps * unit
        nothing = of_d.norm < of_d.least
        return d * jnp.where(nothing, 1, unit) / jnp.where(nothing, 1, total) * jnp.where(nothing, 1, finite_norm(of_m))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        m, of_magnitude = update_of(own)(updates, state.magnitude, params, **extra_args)
        d, of_direction = update_of(direction)(updates, state.direction, params, **extra_args)
        u = d
        if measure is not None:
            leaves, treedef = jax.tree.flatten(d)
            u = jax.tree.unflatten(treedef, list(map(grafted, leaves, measure(d), measure(m))))
        after = state._replace(magnitude=of_magnitude, direction=of_direction)
        if then is not None:
            u, passed = update_of(then)(u, state.then, params, **extra_args)
            after = after._replace(then=passed)
            if waits:
                m, passed = update_of(then)(m, state.before, params, **extra_args)
                after = after._replace(before=passed)
        if waits:
            u = jax.tree.map(lambda u, m: jnp.where(state.count < start, m, u), u, m)
            after = after._replace(count=optax.safe_increment(state.count))
        return u, after

    return Rule(init, update, needs_of(direction, magnitude, then))


def magnitude_of(given: Any) -> optax.GradientTransformation | None:
    """What rows call the magnitude, for `graft`: "gradient" is None there."""
    if isinstance(given, str):
        _checks.one_of("magnitude", given, ["gradient"])
        return None
    return given
