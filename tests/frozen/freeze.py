"""Freezes the state of every registered algorithm that has no frozen one yet: `python tests/frozen/freeze.py`.

A frozen state, tests/algorithms/NAME/state.npz, is a promise to users who have checkpoints: later versions must restore
it, see test_frozen.py. A file that exists is never written over; where a state must change, delete its file and say so
in CHANGELOG.md.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np

import optax_zoo as zoo

FOLDERS = pathlib.Path(__file__).parent.parent / "algorithms"
STEPS = 2
LOSS = jnp.float32(1.0)


def parameters():
    """Those that the states were frozen with; they must stay as they are."""
    return {"kernel": wave((8, 4), 1), "bias": wave((8,), 2), "filters": wave((2, 4, 8), 3)}


def gradients(step):
    """The gradients that they were frozen with."""
    shapes = {"bias": (8,), "filters": (2, 4, 8), "kernel": (8, 4)}
    return {name: wave(shape, 10 + 7 * step + number) for number, (name, shape) in enumerate(shapes.items())}


def wave(shape, phase):
    numbers = np.sin(1.7 * np.arange(np.prod(shape, dtype=int)) + phase)
    return jnp.asarray(np.where(numbers < 0, -0.05, 0.05) + 0.95 * numbers, jnp.float32).reshape(shape)


def steps(tx, params, state, first, count, transform=jax.jit):
    """The last updates and the state after steps with the usual gradients, at unchanged parameters."""
    update = transform(tx.update)
    updates = None
    for number in range(first, first + count):
        g = gradients(number)
        updates, state = update(g, state, params, value=LOSS, curvature=jax.tree.map(jnp.square, g))
    return updates, state


def frozen(name):
    """The file of the state of an algorithm."""
    return FOLDERS / name / "state.npz"


def example(name):
    return zoo.create(name, **zoo.describe(name).example)


def by_path(tree, prefix):
    return {prefix + jax.tree_util.keystr(path): np.asarray(x) for path, x in jax.tree.leaves_with_path(tree)}


def main():
    params = parameters()
    for name in zoo.list_algorithms():
        file = frozen(name)
        if not file.exists():
            tx = example(name)
            _, state = steps(tx, params, tx.init(params), 0, STEPS)
            updates, _ = steps(tx, params, state, STEPS, 1)
            np.savez_compressed(file, **by_path(state, "state"), **by_path(updates, "updates"))
            print(file)


if __name__ == "__main__":
    main()
