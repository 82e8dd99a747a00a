"""Updates added to parameters of any type."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax

from optax_zoo.precision.leaves import is_narrow
from optax_zoo.primitives.precision import dtype_of
from optax_zoo.primitives.trees import is_none

Params = TypeVar("Params")


def apply_updates(params: Params, updates: Any) -> Params:
    """`optax.apply_updates`, for float8 parameters and under strict promotion too.

    A parameter that is narrower than its update is widened, and the sum cast. optax's does so for bfloat16 and float16;
    float8 types do not promote.

    Args:
      params: a tree of arrays.
      updates: a tree like it; None for a parameter that stays.

    Returns:
      The parameters plus the updates, in the dtypes that the parameters had.

    Example:
      >>> import jax.numpy as jnp, optax_zoo as zoo
      >>> zoo.precision.apply_updates(jnp.ones(2, jnp.float8_e4m3fn), jnp.full(2, 0.3))
      Array([1.25, 1.25], dtype=float8_e4m3fn)
    """

    def applied(p: Any, u: Any) -> Any:
        if p is None or u is None:
            return p
        if is_narrow(p, dtype_of(u)):
            return (jnp.asarray(p).astype(dtype_of(u)) + u).astype(dtype_of(p))
        return optax.apply_updates(p, u)

    return jax.tree.map(applied, params, updates, is_leaf=is_none)
