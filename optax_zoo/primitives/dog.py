"""Distance over gradients: DoG's rate, which estimates itself."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.distances import distances_of, norms_of
from optax_zoo.primitives.iterates import own
from optax_zoo.primitives.learning_rate import Estimate, RateRule, evaluate_rate, init_rate
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import scalar_dtype
from optax_zoo.primitives.types import Scalar, Scope


class DogState(NamedTuple):
    """State of `dog_rate`.

    Attributes:
      distance: the largest distance from the start so far (scalar; with scope "leaf" a tree of one a leaf).
      size: the root of the sum of squared norms (likewise).
      start: the first parameters, a tree like these, float32 or wider.
      rate: the state of the factor, where it is a schedule.
    """

    distance: Any
    size: Any
    start: Any
    rate: Any


@primitive
def dog_rate(
    learning_rate: optax.ScalarOrSchedule = 1.0,
    *,
    reps_rel: Scalar = 1e-6,
    d0: Scalar | None = None,
    init_eta: Scalar | None = None,
    weighted: bool = False,
    eps: Scalar = 0.0,
    eps_root: Scalar = 1e-8,
    scope: Scope = "tree",
    axis_name: Any = None,
) -> RateRule:
    r"""The largest distance from the start so far, over the root of the sum of all squared norms (DoG).

    With the direction :math:`u_t` of the step, which is the gradient unless other slots have made something of it,

    .. math::

        \bar r_t = \max(\bar r_{t-1}, \|p_{t-1} - p_0\|), \qquad
        \eta_t = c_t \frac{\bar r_t}{\sqrt{\epsilon_r + \sum_{s \le t} \|u_s\|^2} + \epsilon}, \qquad
        \bar r_0 = \rho (1 + \|p_0\|)

    Args:
      learning_rate: the factor c, at least 0, or a schedule.
      reps_rel: rho, above 0: the first distance relative to the parameters.
      d0: the first distance itself, above 0, instead.
      init_eta: the first rate, above 0, whatever the factor: the distance starts at 0, and this is the rate until
        it is not.
      weighted: weigh squares with the squared distance, as in
        :math:`\eta_t = c_t \bar r_t^2 / (\sqrt{\epsilon_r + \sum_{s \le t} \bar r_s^2 \|u_s\|^2} + \epsilon)` (DoWG).
      eps: added outside the root.
      eps_root: added inside the root.
      scope: "tree": one rate. "leaf": one a leaf, of the norms of this leaf (L-DoG); parts that follow the rate, such
        as `decoupled_decay`, are then given none.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.

    Returns:
      A rate with state `DogState`. It needs the parameters.

    Raises:
      ValueError: for a number outside its range.

    Source:
      M. Ivgi, O. Hinder, Y. Carmon (2023): DoG is SGD's Best Friend; A. Khaled, K. Mishchenko, C. Jin (2023): DoWG
      Unleashed.
    """
    _checks.non_negative("learning_rate", learning_rate, schedule=True)
    for name, value in {"reps_rel": reps_rel, "d0": d0, "init_eta": init_eta}.items():
        if value is not None:
            _checks.positive(name, value)
    _checks.non_negative("eps", eps)
    _checks.non_negative("eps_root", eps_root)
    _checks.one_of("scope", scope, ["leaf", "tree"])

    def init(params: Any) -> DogState:
        dtype, start = scalar_dtype(params), own(params)
        norms = norms_of(start, scope, axis_name) if d0 is None and init_eta is None else norms_of_nothing(start)

        def first(norm: jax.Array) -> jax.Array:
            relative = reps_rel * (1 + norm)
            return jnp.asarray(0 if init_eta is not None else relative if d0 is None else d0, dtype)

        size = jax.tree.map(lambda norm: jnp.asarray(eps_root, dtype) ** 0.5, norms)
        return DogState(jax.tree.map(first, norms), size, start, init_rate(learning_rate))

    def norms_of_nothing(start: Any) -> Any:
        return jnp.zeros(()) if scope == "tree" else jax.tree.map(lambda p: jnp.zeros(()), start)

    def estimate(u: Any, state: DogState, params: Any = None, **extra_args: Any) -> tuple[Estimate, DogState]:
        factor, rate_state = evaluate_rate(learning_rate, state.rate)
        gone = distances_of(params, state.start, scope, axis_name)
        distance = jax.tree.map(jnp.maximum, state.distance, gone)

        def grown(size: jax.Array, norm: jax.Array, distance: jax.Array) -> jax.Array:
            entered = (distance * norm if weighted else norm).astype(size.dtype)
            return jnp.minimum(jnp.hypot(size, entered), jnp.finfo(size.dtype).max)

        def rate_of(distance: jax.Array, size: jax.Array) -> jax.Array:
            most = distance * distance if weighted else distance
            rate = factor * most / (jnp.where(size == 0, 1, size) + eps)
            return rate if init_eta is None else jnp.where(distance == 0, init_eta, rate)

        size = jax.tree.map(grown, state.size, norms_of(u, scope, axis_name), distance)
        rates = jax.tree.map(rate_of, distance, size)
        after = DogState(distance, size, state.start, rate_state)
        return Estimate(rates if scope == "tree" else None, rates), after

    return RateRule(init, estimate, needs=("params",), of_direction=True)
