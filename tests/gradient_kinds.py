"""Gradients of recorded trajectories, by kind; each sequence is drawn from a text, the same for the same text."""

import hashlib
from collections.abc import Callable

import numpy as np

# Ranks 1 to 3 and different scales, because layer-wise algorithms depend on what a leaf is.
LEAVES = {"w": ((4, 3), 1.0), "b": ((3,), 10.0), "k": ((2, 2, 3), 0.1), "s": ((1,), 0.02)}
Sequence = np.ndarray  # steps by the shape of the leaf


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """Autocorrelated, of order one."""
    noise = rng.standard_normal(shape)
    for step in range(1, shape[0]):
        noise[step] = 0.8 * noise[step - 1] + 0.6 * noise[step]
    return noise


def nozero(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """Magnitudes from 1e-4 to 1e2, of both signs."""
    return rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-4, 2, shape)


def mixed(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """As `nozero`, an eighth of it exact zeros."""
    return np.where(rng.uniform(size=shape) < 0.125, 0.0, nozero(rng, shape))


def sparse(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """Smooth with half of it zeros; the first element is zero for four steps, and all are at the sixth."""
    kept = rng.uniform(size=shape) < 0.5
    kept.reshape(shape[0], -1)[:4, 0] = False
    kept[5] = False
    return np.where(kept, smooth(rng, shape), 0.0)


def outlier(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """Smooth, with one step a thousand times larger."""
    found = smooth(rng, shape)
    found[shape[0] // 2] *= 1000
    return found


def zerofirst(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence:
    """Smooth, all zero at steps 1, 2 and 6."""
    found = smooth(rng, shape)
    found[[0, 1, 5]] = 0.0
    return found


KINDS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Sequence]] = {
    kind.__name__: kind for kind in (smooth, mixed, nozero, sparse, outlier, zerofirst)
}
WHOLE_SCALE = ("mixed", "nozero")  # these have scales of their own


def losses(text: str, steps: int) -> list[float]:
    """Losses of the steps of a case of this name: falling on average, one of them far above the rest."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"losses of {text}".encode()).digest()[:8], "big"))
    found = 6 * 0.93 ** np.arange(steps) * rng.uniform(0.8, 1.2, steps)
    found[steps // 2] *= 40
    return [float(loss) for loss in found]


def drawn(text: str, kind: str, steps: int) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Parameters to start from and the gradients of the steps, by leaf, of a case of this name."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
    params, sequences = {}, {}
    for leaf, (shape, scale) in LEAVES.items():
        params[leaf] = rng.standard_normal(shape)
        sequences[leaf] = KINDS[kind](rng, (steps, *shape)) * (1.0 if kind in WHOLE_SCALE else scale)
    return params, [{leaf: sequences[leaf][step] for leaf in LEAVES} for step in range(steps)]
