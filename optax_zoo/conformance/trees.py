"""The parameters and gradients that the checks share: plain numbers, the same in every call."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

STEPS = 4


def parameters(dtype: Any = jnp.float32) -> dict[str, Any]:
    """A matrix, a vector and a rank-three leaf of order one."""
    return {
        "kernel": _wave((8, 4), 1).astype(dtype),
        "bias": _wave((8,), 2).astype(dtype),
        "filters": _wave((2, 4, 8), 3).astype(dtype),
    }


def gradients(params: Any, step: int = 0, scale: float = 1.0) -> Any:
    """Gradients of order `scale` of both signs, none of them 0, other ones at each step and leaf."""
    leaves, treedef = jax.tree.flatten(params)
    made = [(scale * _wave(np.shape(p), 10 + 7 * step + number)).astype(p.dtype) for number, p in enumerate(leaves)]
    return jax.tree.unflatten(treedef, made)


def _wave(shape: tuple[int, ...], phase: int) -> jax.Array:
    """Numbers between 0.05 and 1 in size, of alternating signs; as matrices they are far from singular."""
    k = np.arange(np.prod(shape, dtype=int))
    numbers = np.sin(1.7 * k + 0.37 * k**2 + phase)
    return jnp.asarray(np.where(numbers < 0, -0.05, 0.05) + 0.95 * numbers, jnp.float32).reshape(shape)
