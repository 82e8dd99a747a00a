"""Which dtypes an accumulator may have."""

from typing import Any

import jax.numpy as jnp

from optax_zoo.primitives.types import DType


def check_accumulator_dtype(dtype: DType, *, scale: bool = True) -> None:
    """Refuses a dtype that an accumulator cannot have.

    Args:
      dtype: what was given as accumulator_dtype; None is always allowed.
      scale: whether the accumulator is one of squares, of absolute values or of another statistic that updates are
        divided by, rather than an average of the updates themselves. In float16, whose smallest number is 6e-8, such a
        statistic (and an eps added to it) is 0 for small gradients, and the update infinite, NaN or far too long.

    Raises:
      ValueError: for what is no dtype, or not among the allowed ones.
    """
    if dtype is None:
        return
    allowed = "bfloat16, float32 or float64" if scale else "bfloat16, float16, float32 or float64"
    found = _known(dtype)
    if found is not None and found.name in allowed.replace(",", "").split():
        return
    shown = repr(dtype) if found is None or isinstance(dtype, str) else found.name
    reason = ""
    if found is not None and jnp.issubdtype(found, jnp.floating):
        zero = ": small gradients have squares, and divisors made of them, that are 0 in it"
        reason = zero if scale else ": it is so coarse that averages stand still"
    raise ValueError(f"accumulator_dtype is {shown}, but must be {allowed}, or None for the gradient's{reason}.")


def _known(dtype: Any) -> Any:
    try:
        return jnp.dtype(dtype)
    except TypeError:
        return None
