"""Steps whose sums with narrow parameters are rounded by chance, so that small ones count on average."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.precision.around import Around, inner_of, needs_around
from optax_zoo.precision.leaves import is_narrow, step_to, widened
from optax_zoo.precision.noise import bits
from optax_zoo.precision.rounding import stochastic
from optax_zoo.primitives.initial import check_key, wrap_key
from optax_zoo.primitives.part import needs_of, primitive
from optax_zoo.primitives.precision import dtype_of
from optax_zoo.primitives.trees import is_none
from optax_zoo.primitives.types import Key


class StochasticRoundingState(NamedTuple):
    """State of `with_stochastic_rounding`.

    Attributes:
      key: data of the key that the next step is rounded by (uint32).
      inner: the state of the optimizer, as for parameters in float32.
    """

    key: Any
    inner: Any


@primitive
def with_stochastic_rounding(tx: optax.GradientTransformation, key: Key = 0) -> Around:
    r"""An optimizer whose steps are added to narrow parameters p by a sum that is rounded up or down by chance.

    .. math::

        p_t = \lfloor p_{t-1} + u_t \rceil, \qquad E[p_t] = p_{t-1} + u_t

    Of the two neighbours of the sum, which is in float32, each is taken the more often the nearer it is. What is finite
    stays so. The update is :math:`p_t - p_{t-1}` in float32, for `optax.apply_updates`, which casts the sum and not the
    update. It must be the outermost transformation.

    Args:
      tx: the optimizer. It is initialized with, and given, parameters and gradients in float32.
      key: a `jax.random.key`, raw key data or an int seed; split at each step, and folded for each leaf. The same key
        gives the same trajectory, on any number of devices under jit; two groups of an `optax.partition` need keys of
        their own.

    Returns:
      A transformation that needs the parameters, with state `StochasticRoundingState`, which is that of the optimizer
      and a key. Leaves of float32, float64, complex and integer types are as they are.

    Raises:
      TypeError: if tx is no transformation, or key no key.
      ValueError: from `update` without parameters.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = zoo.precision.with_stochastic_rounding(optax.sgd(1e-4), key=0)
      >>> params = jnp.ones(1000, jnp.bfloat16)  # 1 - 1e-4 is 1 in bfloat16
      >>> state = tx.init(params)
      >>> for _ in range(10):
      ...     updates, state = tx.update(jnp.ones_like(params), state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> round(params.astype(jnp.float32).mean().item(), 3)
      0.999

    Source:
      S. Gupta et al. (2015): Deep Learning with Limited Numerical Precision, arXiv 1502.02551. P. Zamirai et al.
      (2020): Revisiting BFloat16 Training, arXiv 2010.06192.
    """
    inner = inner_of(tx)
    check_key(key)

    def init(params: Any) -> StochasticRoundingState:
        return StochasticRoundingState(jax.random.key_data(wrap_key(key)), inner.init(widened(params)))

    def update(updates: Any, state: StochasticRoundingState, params: Any = None, **extra_args: Any) -> Any:
        made, after = inner.update(widened(updates), state.inner, widened(params), **extra_args)
        now, then = jax.random.split(jax.random.wrap_key_data(state.key, impl=jax.random.key_impl(wrap_key(key))))
        treedef: Any = jax.tree.structure(made, is_leaf=is_none)
        leaves = jax.tree.leaves(made, is_leaf=is_none)
        steps = [
            _by_chance(u, p, jax.random.fold_in(now, number)) if u is not None and is_narrow(p) else u
            for number, (u, p) in enumerate(zip(leaves, treedef.flatten_up_to(params), strict=True))
        ]
        return treedef.unflatten(steps), StochasticRoundingState(jax.random.key_data(then), after)

    return Around(init, update, needs_around(needs_of(tx)))


def _by_chance(u: jax.Array, p: Any, key: jax.Array) -> jax.Array:
    exact = jnp.asarray(p).astype(jnp.float32) + u.astype(jnp.float32)
    return step_to(stochastic(exact, dtype_of(p), bits(key, exact.shape)), p)
