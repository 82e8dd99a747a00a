"""Steps with the gradient of a point nearby (sharpness-aware minimization), in turns."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.iterates import own, where_kept
from optax_zoo.primitives.norms import normalize_by_norm
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.precision import as_before, lift, like
from optax_zoo.primitives.types import Scalar


class SharpnessState(NamedTuple):
    """State of `sharpness_aware`.

    Attributes:
      origin: the parameters that were climbed from last, a tree like the parameters, float32 or wider.
      turn: 1 where the loop holds the point that was climbed to, else 0 (int32 scalar).
      inner: the state of the optimizer.
    """

    origin: Any
    turn: Any
    inner: Any

    def evaluation_params(self, params: Any) -> Any:
        """The parameters that were climbed from, or those of the loop where they are not elsewhere."""
        return where_kept(lambda origin, p: jnp.where(self.turn == 1, like(origin, p), p), self.origin, params)


@primitive
def sharpness_aware(
    inner: optax.GradientTransformation,
    rho: Scalar = 0.05,
    *,
    adaptive: bool = False,
    eps: Scalar = 1e-12,
    axis_name: Any = None,
) -> Rule:
    r"""An optimizer that is given the gradient of a point nearby, where the loss is larger (SAM).

    Updates come in turns, each for a gradient at the parameters that the loop holds. The first of two climbs,

    .. math::

        e = \rho \frac{T^2 g}{\|T g\| + \epsilon}, \qquad T = 1, \text{ or } |p| \text{ (adaptive)}

    with the norm of all leaves together; the second goes back, and takes the step of the optimizer with the gradient
    that was found up there. `evaluation_params` gives the parameters that are climbed from.

    Args:
      inner: the optimizer.
      rho: how far the point is, at least 0.
      adaptive: whether the distance of an element is relative to its parameter.
      eps: added to the norm.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    Returns:
      A transformation that needs the parameters, with state `SharpnessState`.

    Raises:
      ValueError: for a number outside its range.

    Source:
      P. Foret et al. (2021): Sharpness-Aware Minimization for Efficiently Improving Generalization; J. Kwon et al.
      (2021): ASAM, for the adaptive form.
    """
    _checks.non_negative("rho", rho)
    normalize = update_of(normalize_by_norm("l2", eps=eps, scope="tree", axis_name=axis_name))
    update_inner = update_of(inner)

    def init(params: Any) -> SharpnessState:
        return SharpnessState(own(params), jnp.zeros((), jnp.int32), inner.init(params))

    def update(updates: Any, state: SharpnessState, params: Any = None, **extra_args: Any) -> Any:
        climbed = state.turn == 1
        origin = jax.tree.map(lambda p0, p: jnp.where(climbed, p0, lift(p)), state.origin, params)
        weighed = jax.tree.map(lambda g, p: g * jnp.abs(p), updates, origin) if adaptive else updates
        ascent, _ = normalize(weighed, optax.EmptyState())
        if adaptive:
            ascent = jax.tree.map(lambda e, p: e * jnp.abs(p), ascent, origin)
        at = jax.tree.map(like, origin, params)
        step, after = update_inner(updates, state.inner, at, **extra_args)

        def turn(u: jax.Array, e: jax.Array, p0: jax.Array, p: Any) -> jax.Array:
            return jnp.where(climbed, u + (p0 - lift(p)), rho * e).astype(e.dtype)

        inner_state = jax.tree.map(lambda new, old: as_before(jnp.where(climbed, new, old), old), after, state.inner)
        return jax.tree.map(turn, step, ascent, origin, params), SharpnessState(
            origin, jnp.where(climbed, 0, 1).astype(jnp.int32), inner_state
        )

    return Rule(init, update, ("params", *(need for need in needs_of(inner) if need != "params")))
