"""How near a basis is to the eigenvectors of its factor: `python docs/eigenbasis_accuracy.py`.

A factor averages the covariances of 200 drawn gradients, whose directions have sizes from 1 to 1e-3. Every ten steps
its basis turns, by a step of orthogonal iteration or by a decomposition.
"""

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.primitives.decompositions import eigenvectors, iterated

N, STEPS, EVERY, DECAY = 256, 200, 10, 0.95


def basis(turn, dtype):
    """The factor and its basis after the last step."""
    rng = np.random.default_rng(0)
    mix = np.linalg.qr(rng.normal(size=(N, N)))[0] * np.geomspace(1, 1e-3, N)
    factor = jnp.zeros((N, N), dtype)
    for step in range(STEPS + 1):
        g = jnp.asarray(mix @ rng.normal(size=(N, N)), jnp.float32).astype(dtype)
        factor = DECAY * factor + (1 - DECAY) * g @ g.T
        if step == 0:
            q = eigenvectors(factor)
        elif step % EVERY == 0:
            q = turn(factor, q)
    return np.asarray(factor, np.float64), np.asarray(q, np.float64)


def main():
    """Prints a table."""
    turns = {"orthogonal iteration": lambda f, q: iterated(f, q)[0], "eigh": lambda f, q: eigenvectors(f)}
    print("| basis | dtype | largest of \\|QᵀQ - I\\| | off the diagonal of QᵀLQ |\n| --- | --- | ---: | ---: |")
    for name, turn in turns.items():
        for dtype in ("float32", "float64"):
            factor, q = basis(jax.jit(turn), dtype)
            inside = q.T @ factor @ q
            off = np.linalg.norm(inside - np.diag(np.diag(inside))) / np.linalg.norm(factor)
            print(f"| {name} | {dtype} | {np.abs(q.T @ q - np.eye(N)).max():.0e} | {off:.0e} |")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
