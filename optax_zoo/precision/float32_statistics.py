"""Statistics in float32 for transformations that keep them in the dtype of the parameters."""

from typing import Any

import jax
import optax

from optax_zoo.precision.around import Around, inner_of
from optax_zoo.precision.leaves import widened
from optax_zoo.primitives.part import needs_of, primitive
from optax_zoo.primitives.precision import like


@primitive
def float32_statistics(tx: optax.GradientTransformation) -> Around:
    """An optimizer that computes and keeps its state in float32, whatever narrower type the parameters have.

    It is initialized with parameters in float32, and given gradients and parameters in float32; updates come back in
    the gradient's dtype. Optimizers of this library do so by themselves: it is for those that keep averages in the
    dtype of the parameters, where a second moment in bfloat16 sticks at half of what it should be.

    Args:
      tx: the optimizer: `optax.adam(1e-3)`, or one of your own. A dtype that it is asked for (`mu_dtype`) stays.

    Returns:
      A transformation with the state of `tx`, for float32 parameters. Leaves of float32, float64, complex and integer
      types are as they are.

    Raises:
      TypeError: if tx is no transformation.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = zoo.precision.float32_statistics(optax.adam(1e-3))
      >>> tx.init(jnp.ones(3, jnp.bfloat16))[0].nu.dtype
      dtype('float32')
    """
    inner = inner_of(tx)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> tuple[Any, Any]:
        at = None if params is None else widened(params)
        made, after = inner.update(widened(updates), state, at, **extra_args)
        return jax.tree.map(like, made, updates), after

    return Around(lambda params: inner.init(widened(params)), update, needs_of(tx))
