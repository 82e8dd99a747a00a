"""Steps of ours and of theirs: the same parameters, the same gradients, and the seconds of a step."""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from peer_pairs import Pair

Arrays = Sequence[np.ndarray]
TOLERANCE = 1e-5
SMALL = ((33, 17), (257,), (4, 3, 5), ())


class Ours:
    """A jitted step that is given its parameters and its state to write into."""

    def __init__(self, tx: optax.GradientTransformation, parameters: Arrays) -> None:
        def step(carry: Any, grads: Any) -> Any:
            params, state = carry
            updates, state = tx.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        params = [jnp.array(array) for array in parameters]
        self._carry, self._grads = (params, tx.init(params)), params
        self._step = jax.jit(step, donate_argnums=0)

    def load(self, grads: Arrays) -> None:
        self._grads = jax.block_until_ready([jnp.array(array) for array in grads])

    def step(self) -> None:
        self._carry = jax.block_until_ready(self._step(self._carry, self._grads))

    @property
    def parameters(self) -> list[np.ndarray]:
        return [np.array(array) for array in self._carry[0]]


class Theirs:
    """A step of an optimizer of PyTorch."""

    def __init__(self, pair: Pair, parameters: Arrays) -> None:
        import torch

        self._params = [torch.nn.Parameter(torch.tensor(array)) for array in parameters]
        self._optimizer = pair.theirs(self._params)

    def load(self, grads: Arrays) -> None:
        """Copies the gradients, which some of the peers overwrite."""
        import torch

        for parameter, array in zip(self._params, grads, strict=True):
            parameter.grad = torch.tensor(array)

    def step(self) -> None:
        self._optimizer.step()

    @property
    def parameters(self) -> list[np.ndarray]:
        return [parameter.detach().numpy().copy() for parameter in self._params]


def seconds(stepper: Ours | Theirs, grads: Arrays, steps: int) -> float:
    """Mean seconds of a step; the gradients are handed over outside of what is timed."""
    total = 0.0
    for _ in range(steps):
        stepper.load(grads)
        began = time.perf_counter()
        stepper.step()
        total += time.perf_counter() - began
    return total / steps


def deviation(pair: Pair, steps: int = 3) -> float:
    """How far ours and theirs come apart on a small tree, at most, relative to how far a leaf has moved.

    The elements of the gradients are between 1e-5 and 1e3, and a tenth of them is 0. The gradients of each step differ.
    """
    rng = np.random.default_rng(0)
    start = [_normal(rng, shape) for shape in SMALL]
    ours, theirs, found = Ours(pair.ours, start), Theirs(pair, start), 0.0
    for _ in range(steps):
        grads = [_of_all_sizes(rng, shape) for shape in SMALL]
        for stepper in (ours, theirs):
            stepper.load(grads)
            stepper.step()
        for leaf in zip(start, ours.parameters, theirs.parameters, strict=True):
            found = max(found, _relative(*leaf))
    return found


def check(pair: Pair) -> float:
    """The deviation.

    Raises:
      ValueError: if it exceeds TOLERANCE.
    """
    found = deviation(pair)
    if not found <= TOLERANCE:
        raise ValueError(
            f"{pair.algorithm} and {pair.peer} differ by {found:.1e} of what a leaf has moved, at most {TOLERANCE:.0e} "
            "is allowed: they do not compute the same, so their times are not compared."
        )
    return found


def _relative(start: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    """A leaf counts as moved at least so far that the tolerance is one spacing of its parameters."""
    spacing = np.spacing(np.abs(start).max())
    return float(np.abs(one - two).max() / max(np.abs(two - start).max(), spacing / TOLERANCE))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(1e-2 * rng.standard_normal(shape, np.float32), np.float32)


def _of_all_sizes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    signs = rng.choice([-1.0, 0.0, 1.0], shape, p=[0.45, 0.1, 0.45])
    return np.asarray(signs * 10 ** rng.uniform(-5, 3, shape), np.float32)
