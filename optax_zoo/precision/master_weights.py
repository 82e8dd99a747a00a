"""Exact parameters in the state, beside narrow ones that the loop holds."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.precision.around import Around, inner_of, needs_around
from optax_zoo.precision.leaves import at_exact, map_beside, nearest_to, of_narrow, step_to, widened
from optax_zoo.primitives.part import needs_of, primitive
from optax_zoo.primitives.types import DType


class MasterWeightsState(NamedTuple):
    """State of `with_master_weights`.

    Attributes:
      master: the exact parameters, a tree like the parameters; an `optax.MaskedNode` for leaves that are no narrower.
      inner: the state of the optimizer, as for parameters of the wider type.
    """

    master: Any
    inner: Any


@primitive
def with_master_weights(tx: optax.GradientTransformation, dtype: DType = jnp.float32) -> Around:
    r"""An optimizer of exact parameters m, of which the loop holds the nearest p of its own type.

    .. math::

        m_t = m_{t-1} + \text{tx}(g_t, m_{t-1}), \qquad u_t = \mathrm{round}(m_t) - p_{t-1}

    The update u is in the wider type, so that `optax.apply_updates`, which casts the sum and not the update, brings p
    to :math:`\mathrm{round}(m_t)`: exactly, unless p shrinks more than 2^15 times in that step, after which the next
    one does. It must be the outermost transformation, as p follows m alone: what changes u, or p, is lost.

    Args:
      tx: the optimizer. It is initialized with, and given, parameters and gradients in the wider type.
      dtype: that of m, float32 or (with jax_enable_x64) float64.

    Returns:
      A transformation that needs the parameters, with state `MasterWeightsState`: 4 bytes a parameter more in float32.
      Leaves of that type or a wider one, complex and integer ones have no master, and are as they are.

    Raises:
      TypeError: if tx is no transformation.
      ValueError: for another dtype; from `update` without parameters.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = zoo.precision.with_master_weights(optax.sgd(1e-4))
      >>> params = jnp.ones((), jnp.bfloat16)  # 1 - 1e-4 is 1 in bfloat16
      >>> state = tx.init(params)
      >>> for _ in range(100):
      ...     updates, state = tx.update(jnp.ones_like(params), state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> params.item(), round(state.master.item(), 4)
      (0.98828125, 0.99)

    Source:
      P. Micikevicius et al. (2018): Mixed Precision Training, arXiv 1710.03740.
    """
    inner = inner_of(tx)
    _checks.one_of("dtype", jnp.dtype(dtype).name, ["float32", "float64"])
    if jax.dtypes.canonicalize_dtype(dtype) != jnp.dtype(dtype):
        raise ValueError("dtype is float64, but must be float32 without jax_enable_x64.")

    def init(params: Any) -> MasterWeightsState:
        master = of_narrow(lambda p: jnp.asarray(p).astype(dtype), params, dtype)
        return MasterWeightsState(master, inner.init(widened(params, dtype)))

    def update(updates: Any, state: MasterWeightsState, params: Any = None, **extra_args: Any) -> Any:
        exact = at_exact(lambda m, p: m, state.master, params)
        made, after = inner.update(widened(updates, dtype), state.inner, exact, **extra_args)

        def stepped(u: jax.Array, m: jax.Array, p: Any) -> tuple[jax.Array, jax.Array]:
            m = m + u.astype(m.dtype)
            return step_to(nearest_to(m, p), p), m

        steps, master = map_beside(stepped, made, state.master, params)
        return steps, MasterWeightsState(master, after)

    return Around(init, update, needs_around(needs_of(tx)))
