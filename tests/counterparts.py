"""Prints where optax has an algorithm too, and what sets both apart, the table of docs/optax.md: `python
tests/counterparts.py`.

A folder in tests/algorithms says it in counterpart.py: `COUNTERPARTS` maps the names of optax to a `Counterpart`.
"""

import dataclasses
import functools
import importlib
import operator
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from in_numpy import in_numpy

import optax_zoo as zoo
from optax_zoo.compat import enable_x64

RATE = 0.1
STEPS = 8
ALGORITHMS = Path(__file__).parent / "algorithms"


@dataclasses.dataclass(frozen=True)
class Counterpart:
    """How an algorithm here and one of optax are made to take the same steps.

    Attributes:
      ours: hyperparameters of ours, or a function that returns a transformation, with which the steps are optax's.
      theirs: hyperparameters of optax's.
      departures: why both take other steps at their defaults, in sentences; empty where they take the same.
      float32: the largest difference of both in float32, relative to how far a leaf has moved.
      float64: that in float64.
    """

    ours: Mapping[str, Any] | Callable[[], optax.GradientTransformation]
    theirs: Mapping[str, Any]
    departures: str = ""
    float32: float = 1e-5
    float64: float = 1e-11

    def made(self, algorithm: str) -> optax.GradientTransformation:
        """Ours, of an algorithm here."""
        return self.ours() if callable(self.ours) else zoo.create(algorithm, **self.ours)


@functools.cache
def counterparts() -> dict[tuple[str, str], Counterpart]:
    """All of them, by the name here and the name in optax."""
    found = {}
    for path in sorted(ALGORITHMS.glob("*/counterpart.py")):
        module = importlib.import_module(f"{ALGORITHMS.name}.{path.parent.name}.counterpart")
        found |= {(path.parent.name, theirs): each for theirs, each in module.COUNTERPARTS.items()}
    return found


def of_optax(name: str, **hyperparameters: Any) -> optax.GradientTransformation:
    """A transformation of optax by its name: "optax.contrib.dog"."""
    return optimizer_of_optax(name)(**hyperparameters)


def optimizer_of_optax(name: str) -> Callable[..., optax.GradientTransformation]:
    """A function of optax by its name."""
    return operator.attrgetter(name.removeprefix("optax."))(optax)


def difference(
    ours: Callable[[], optax.GradientTransformation], theirs: Callable[[], optax.GradientTransformation], dtype: str
) -> float:
    """How far the parameters of two optimizers are apart at most, relative to how far a leaf has moved."""
    with enable_x64(dtype == "float64"):
        start, gradients, losses = _problem(dtype)
        both = [_trajectory(make(), start, gradients, losses) for make in (ours, theirs)]
        return max(_apart(start[leaf], *(parameters[leaf] for parameters in both)) for leaf in start)


def _problem(dtype: str) -> tuple[dict[str, jax.Array], list[dict[str, jax.Array]], list[float]]:
    """Parameters, and gradients and losses for some steps, the same in every run."""
    random = np.random.default_rng(7)
    shapes = {"matrix": (4, 3), "vector": (5,)}
    start = {leaf: jnp.asarray(random.normal(size=shape), dtype) for leaf, shape in shapes.items()}
    steps = [
        {leaf: jnp.asarray(random.normal(size=shape), dtype) for leaf, shape in shapes.items()} for _ in range(STEPS)
    ]
    return start, steps, [float(loss) for loss in random.uniform(1.0, 2.0, size=STEPS)]


def _trajectory(tx: optax.GradientTransformation, start: Any, gradients: Any, losses: Any) -> dict[str, np.ndarray]:
    """The parameters after each step, one after the other."""
    tx, params, found = optax.with_extra_args_support(tx), start, []
    state, step = tx.init(start), in_numpy(tx.update)
    for gradient, loss in zip(gradients, losses, strict=True):
        updates, state = step(gradient, state, params, value=loss)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return {leaf: np.stack([params[leaf] for params in found]) for leaf in start}


def _apart(start: jax.Array, ours: np.ndarray, theirs: np.ndarray) -> float:
    moved = float(np.max(np.abs(theirs - np.asarray(start))))
    return float(np.max(np.abs(ours - theirs))) / moved


def rows() -> Iterator[str]:
    """The rows of the table: the same steps of both, each said in its own words, and what sets their defaults apart."""
    yield "| here | in optax | the same steps | what differs at the defaults |"
    yield "| --- | --- | --- | --- |"
    for (name, theirs), each in counterparts().items():
        same = f"`{ours_as_text(name, each)}` and `{_call(theirs, each.theirs)}`"
        yield f"| `{name}` | `{theirs}` | {same} | {each.departures or 'nothing'} |"


def ours_as_text(name: str, counterpart: Counterpart) -> str:
    """The call of ours, or the composition where it takes more than hyperparameters."""
    return repr(counterpart.ours()) if callable(counterpart.ours) else _call(name, counterpart.ours)


def _call(name: str, hyperparameters: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in hyperparameters.items())})"


if __name__ == "__main__":
    print("\n".join(rows()))
