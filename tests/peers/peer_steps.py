"""Steps of ours and of theirs from the same parameters, the seconds that they take, and how far they come apart."""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from peer_pairs import Pair

from optax_zoo.cost.step.timing import STEPS

Arrays = Sequence[np.ndarray]
TOLERANCE = 1e-5
SMALL = ((33, 17), (257,), (4, 3, 5), ())


class Stepper:
    """An optimizer with its parameters, and gradients that are handed over anew for every step."""

    def __init__(self, grads: Arrays) -> None:
        self.grads = grads

    def load(self) -> None:
        """Copies the gradients, which some of the peers overwrite."""
        raise NotImplementedError

    def step(self) -> None:
        """Returns when the step is done."""
        raise NotImplementedError

    def seconds(self) -> float:
        """Wall time of a step without `load`, the mean of a few."""
        total = 0.0
        for _ in range(STEPS):
            self.load()
            began = time.perf_counter()
            self.step()
            total += time.perf_counter() - began
        return total / STEPS


class Ours(Stepper):
    """A jitted step, with parameters and state donated."""

    def __init__(self, pair: Pair, parameters: Arrays, grads: Arrays) -> None:
        super().__init__(grads)

        def step(carry: Any, grads: Any) -> Any:
            params, state = carry
            updates, state = pair.ours.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        params = [jnp.array(array) for array in parameters]
        self._carry, self._loaded = (params, pair.ours.init(params)), None
        self._step = jax.jit(step, donate_argnums=0)

    def load(self) -> None:
        self._loaded = jax.block_until_ready([jnp.array(array) for array in self.grads])

    def step(self) -> None:
        self._carry = jax.block_until_ready(self._step(self._carry, self._loaded))

    @property
    def parameters(self) -> Arrays:
        return [np.array(array) for array in self._carry[0]]


class Theirs(Stepper):
    """A step of an optimizer of PyTorch, on the CPU."""

    def __init__(self, pair: Pair, parameters: Arrays, grads: Arrays) -> None:
        import torch

        super().__init__(grads)
        self._tensor = torch.tensor
        self._params = [torch.nn.Parameter(torch.tensor(array)) for array in parameters]
        self._optimizer = pair.theirs(self._params)

    def load(self) -> None:
        for parameter, array in zip(self._params, self.grads, strict=True):
            parameter.grad = self._tensor(array)

    def step(self) -> None:
        self._optimizer.step()

    @property
    def parameters(self) -> Arrays:
        return [parameter.detach().numpy().copy() for parameter in self._params]


def check(pair: Pair, steps: int = 3) -> float:
    """How far ours and theirs come apart on a small tree, at most, relative to how far a leaf has moved.

    The gradients of each step are others; their elements are of any size from 1e-5 to 1e3, and a tenth of them is 0.

    Raises:
      ValueError: if it exceeds TOLERANCE.
    """
    rng = np.random.default_rng(0)
    start = [np.asarray(1e-2 * rng.standard_normal(shape), np.float32) for shape in SMALL]
    ours, theirs, found = Ours(pair, start, ()), Theirs(pair, start, ()), []
    for _ in range(steps):
        ours.grads = theirs.grads = [_of_all_sizes(rng, shape) for shape in SMALL]
        for stepper in (ours, theirs):
            stepper.load()
            stepper.step()
        found += map(_apart, start, ours.parameters, theirs.parameters)
    if not np.max(found) <= TOLERANCE:  # so that NaN fails
        raise ValueError(
            f"{pair.algorithm} and {pair.peer} differ by {np.max(found):.1e} of what a leaf has moved, more than "
            f"{TOLERANCE:.0e}: they do not compute the same, and their times are not compared."
        )
    return float(np.max(found))


def _apart(start: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    """A leaf counts as moved at least so far that the tolerance is one spacing of its parameters."""
    moved = max(np.abs(two - start).max(), np.spacing(np.abs(start).max()) / TOLERANCE)
    return float(np.abs(one - two).max() / moved)


def _of_all_sizes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    signs = rng.choice([-1.0, 0.0, 1.0], shape, p=[0.45, 0.1, 0.45])
    return np.asarray(signs * 10 ** rng.uniform(-5, 3, shape), np.float32)
