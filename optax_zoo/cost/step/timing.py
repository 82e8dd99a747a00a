"""Wall times of steps that take turns, and of the memory floor among them."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.cost.step.program import Program

STEPS = 3


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of paired runs, and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least two values."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


class Runner:
    """A compiled function and the arrays that it is run on again and again."""

    def __init__(self, compiled: Callable[..., Any], carry: Any, *others: Any) -> None:
        self._compiled, self._carry, self._others = compiled, carry, others

    @classmethod
    def of_step(cls, tx: optax.GradientTransformation, program: Program) -> "Runner":
        """The steps of an optimizer from parameters of 0.1, with gradients of 0.01."""
        (params, _), grads = program.shapes
        params, grads = (
            jax.tree.map(lambda x, value=value: jnp.full(x.shape, value, x.dtype), tree)
            for tree, value in ((params, 0.1), (grads, 0.01))
        )
        return cls(program.compiled, (params, jax.jit(tx.init)(params)), grads)

    @classmethod
    def of_floor(cls, size: int) -> "Runner":
        """A copy in place that moves `size` bytes: half of them are read, half written."""
        array = jnp.zeros(max(1, size // 8))
        copied = jax.jit(lambda x: x + 1, donate_argnums=0)
        return cls(copied.lower(array).compile(), array)

    def seconds(self) -> float:
        """Wall time of a run, the mean of a few."""
        began = time.perf_counter()
        for _ in range(STEPS):
            self._carry = self._compiled(self._carry, *self._others)
        jax.block_until_ready(self._carry)
        return (time.perf_counter() - began) / STEPS


def take_turns(runners: Sequence[Runner], rounds: int) -> list[list[float]]:
    """Seconds of each in each round; the order rotates from round to round. A round before them warms up."""
    found: list[list[float]] = [[] for _ in runners]
    for number in range(rounds + 1):
        places = list(range(len(runners)))
        for place in reversed(places) if number % 2 else places:
            found[place].append(runners[place].seconds())
    return [each[1:] for each in found]


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Of runs of the same round."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])
