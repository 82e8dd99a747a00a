"""How steps of `fused` differ from those without it: `python tests/fusion/fused_steps.py [NAME...]` prints JSON.

For each algorithm at its example: the largest difference of parameters and states after three jitted steps, relative
to the largest number of the leaf, and whether all are bitwise equal. In a process of its own, as the flag is.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

import optax_zoo as zoo

SHAPES = {"w": (24, 16), "b": (16,), "again": (24, 16), "s": ()}
STEPS = 3


def tree(seed, scale):
    """Normal numbers, among them a 0 and a None."""
    rng = np.random.default_rng(seed)
    leaves = {name: jnp.asarray(scale * rng.standard_normal(shape), jnp.float32) for name, shape in SHAPES.items()}
    return {**leaves, "b": leaves["b"].at[0].set(0.0), "none": None}


def after(tx):
    """Parameters and state after some steps."""
    tx = optax.with_extra_args_support(tx)

    @jax.jit
    def step(params, state, grads):
        extra = {"value": jnp.float32(1.0), "curvature": jax.tree.map(jnp.square, grads)}
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    params = tree(0, 0.5)
    state = tx.init(params)
    for number in range(STEPS):
        params, state = step(params, state, tree(number + 1, 0.1))
    return jax.tree.leaves((params, state))


def difference(name):
    """Of one algorithm."""
    known = zoo.describe(name)
    tx = known.factory(**known.example)
    pairs = [
        (a, b) for a, b in zip(after(tx), after(zoo.fused(tx)), strict=True) if jnp.issubdtype(a.dtype, jnp.floating)
    ]
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in pairs]
    apart = max(float(np.max(np.abs(a - b), initial=0) / max(np.max(np.abs(a), initial=0), 1e-30)) for a, b in pairs)
    return {"apart": apart, "equal": all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)}


if __name__ == "__main__":
    zoo.enable_fused_steps()
    print(json.dumps({name: difference(name) for name in sys.argv[1:] or zoo.list_algorithms()}))
