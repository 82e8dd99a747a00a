"""What rounding takes from narrow parameters, kept in as narrow numbers and added to the next step."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.precision.around import Around, inner_of, needs_around
from optax_zoo.precision.leaves import at_exact, map_beside, nearest_to, of_narrow, step_to, widened
from optax_zoo.primitives.part import needs_of, primitive


class KahanState(NamedTuple):
    """State of `with_kahan_summation`.

    Attributes:
      compensation: what the parameters lack, a tree like them and in their dtypes; an `optax.MaskedNode` for leaves
        that are not narrower than float32.
      inner: the state of the optimizer, as for parameters in float32.
    """

    compensation: Any
    inner: Any


@primitive
def with_kahan_summation(tx: optax.GradientTransformation) -> Around:
    r"""An optimizer whose steps are added to narrow parameters p by a sum that keeps what rounding takes (Kahan).

    .. math::

        s_t = p_{t-1} + (c_{t-1} + \text{tx}(g_t, p_{t-1} + c_{t-1})), \qquad
        p_t = \mathrm{round}(s_t), \qquad c_t = \mathrm{round}(s_t - p_t)

    with sums s in float32. With parameters and compensation c in bfloat16, p + c has 16 bits of precision, twice
    those of p: steps below :math:`2^{-17} |p|` are lost. The update is :math:`p_t - p_{t-1}` in float32, for
    `optax.apply_updates`, which casts the sum and not the update. It must be the outermost transformation.

    Args:
      tx: the optimizer. It is initialized with, and given, parameters and gradients in float32.

    Returns:
      A transformation that needs the parameters, with state `KahanState`: 2 bytes a parameter more in bfloat16. Leaves
      of float32, float64, complex and integer types have no compensation, and are as they are.

    Raises:
      TypeError: if tx is no transformation.
      ValueError: from `update` without parameters.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = zoo.precision.with_kahan_summation(optax.sgd(1e-4))
      >>> params = jnp.ones((), jnp.bfloat16)  # 1 - 1e-4 is 1 in bfloat16
      >>> state = tx.init(params)
      >>> for _ in range(100):
      ...     updates, state = tx.update(jnp.ones_like(params), state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> params.item(), round(state.compensation.item(), 4)
      (0.98828125, 0.0018)

    Source:
      W. Kahan (1965): Pracniques: Further Remarks on Reducing Truncation Errors. P. Zamirai et al. (2020): Revisiting
      BFloat16 Training, arXiv 2010.06192, for parameters.
    """
    inner = inner_of(tx)

    def init(params: Any) -> KahanState:
        return KahanState(of_narrow(jnp.zeros_like, params), inner.init(widened(params)))

    def update(updates: Any, state: KahanState, params: Any = None, **extra_args: Any) -> Any:
        exact = at_exact(_sum, state.compensation, params)
        made, after = inner.update(widened(updates), state.inner, exact, **extra_args)
        steps, compensation = map_beside(_compensated, made, state.compensation, params)
        return steps, KahanState(compensation, after)

    return Around(init, update, needs_around(needs_of(tx)))


def _sum(c: jax.Array, p: Any) -> jax.Array:
    return jnp.asarray(p).astype(jnp.float32) + c.astype(jnp.float32)


def _compensated(u: jax.Array, c: jax.Array, p: Any) -> tuple[jax.Array, jax.Array]:
    """The update to the nearest parameter, and what that lacks."""
    exact = jnp.asarray(p).astype(jnp.float32) + (c.astype(jnp.float32) + u)
    near = nearest_to(exact, p)
    return step_to(near, p), (exact - near).astype(c.dtype)
