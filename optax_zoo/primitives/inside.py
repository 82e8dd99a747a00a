"""Parts around other parts: what is inside works in float32 or wider, and only the outermost casts back."""

from typing import Any

import jax
import optax

from optax_zoo.primitives.precision import dtype_of, in_dtype, lift


def update_lifted(
    part: optax.GradientTransformation, updates: Any, state: Any, params: Any = None, **extra_args: Any
) -> tuple[Any, Any]:
    """What a part returns for updates lifted to float32, its state in the dtypes that it had.

    A square of 1e-4 is 0 in float16: were each part to cast what it returns, the one around it would see that 0.
    """
    part = optax.with_extra_args_support(part)
    estimate, after = part.update(jax.tree.map(lift, updates), state, params, **extra_args)
    return estimate, jax.tree.map(in_dtype_of, after, state)


def in_dtype_of(x: Any, before: Any) -> Any:
    """x in the dtype of another leaf: foreign parts fed in float32 would else let their states drift there."""
    return in_dtype(x, dtype_of(before))
