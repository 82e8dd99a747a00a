"""Replaying a recorded trajectory of an original implementation."""

import dataclasses
import json
import pathlib
import sys
from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.compat import enable_x64

ALGORITHMS = pathlib.Path(__file__).parent.parent / "algorithms"
sys.path.append(str(ALGORITHMS.parent))  # scripts find `registered` and `algorithms.<name>.replay` there
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}  # relative to the distance travelled by the leaf


@dataclasses.dataclass(frozen=True)
class Replay:
    """How a recorded case is expressed here.

    Attributes:
      make: from the source's hyperparameters (and what `given` returns, by keyword) to our transformation.
      start: from (our initial state, the case) to the state to start from, where the source's was recorded.
      observe: from (our parameters, state, the source's hyperparameters) to what the source calls the parameters.
      given: from the case to what `make` needs besides hyperparameters: recorded draws.
      evaluated: from (our parameters, state, transformation) to the parameters to evaluate with, which the case has
        recorded at its end as `params_eval`.
      arithmetic: the dtype that the source computes in, where it stores wider numbers: the case is replayed in it.
      tolerance: instead of that of the arithmetic, where the source computes in a lower precision than it stores.
      where: whether a case needs that tolerance, by the source's hyperparameters.
      why: the reason for a tolerance of its own.
      only: hyperparameters that have one value in all cases, because with another it is another algorithm.
      unread: hyperparameters that change nothing, each with the reason.
      turns: how many updates make a recorded step, where each is given the gradient at our parameters, of the quadratic
        whose curvature and centre the case has recorded as `closed_loop`; 0 for one with the recorded gradient.
    """

    make: Callable[..., optax.GradientTransformation]
    start: Callable[[Any, dict[str, Any]], Any] = lambda state, case: state
    observe: Callable[[Any, Any, dict[str, Any]], Any] = lambda params, state, hyperparameters: params
    given: Callable[[dict[str, Any]], dict[str, Any]] = lambda case: {}
    evaluated: Callable[[Any, Any, optax.GradientTransformation], Any] | None = None
    arithmetic: str | None = None
    tolerance: float | None = None
    where: Callable[[dict[str, Any]], bool] = lambda hyperparameters: True
    why: str = ""
    only: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    unread: Mapping[str, str] = dataclasses.field(default_factory=dict)
    turns: int = 0

    def __post_init__(self) -> None:
        if (self.tolerance is None) == bool(self.why):
            raise ValueError("a tolerance of its own needs a reason, and a reason a tolerance.")

    def made(self, case: dict[str, Any], hyperparameters: Mapping[str, Any]) -> optax.GradientTransformation:
        """Our transformation for a case."""
        for name, value in self.only.items():
            if hyperparameters.get(name, value) != value:
                raise NotImplementedError(f"{name} is {hyperparameters[name]!r}, which is another algorithm.")
        return self.make(hyperparameters, **self.given(case))

    def arithmetic_of(self, case: dict[str, Any]) -> str:
        """The dtype that a case is replayed in."""
        return self.arithmetic or case["dtype"]

    def tolerance_of(self, case: dict[str, Any]) -> float:
        """The largest error of a case that passes."""
        if self.tolerance is not None and self.where(case["hyperparameters"]):
            return self.tolerance
        return TOLERANCE[self.arithmetic_of(case)]


def cases(algorithm: str) -> dict[str, dict[str, Any]]:
    """The recorded cases of an algorithm by name."""
    file = ALGORITHMS / algorithm / "golden.json"
    return {case["name"]: case for case in json.loads(file.read_text())["cases"]} if file.exists() else {}


def tree(record: dict[str, Any], dtype: str) -> dict[str, jax.Array]:
    return {leaf: jnp.asarray(np.array(numbers, dtype)) for leaf, numbers in record.items()}


def largest_error(case: dict[str, Any], replay: Replay, transform: Callable[..., Any] = jax.jit) -> float:
    """The largest deviation over all steps and leaves, relative to how far the leaf has moved at most.

    Compiling takes most of the time: `transform` may leave the step as it is.
    """
    hyperparameters, dtype = case["hyperparameters"], replay.arithmetic_of(case)
    with enable_x64(dtype == "float64"):
        tx = replay.made(case, hyperparameters)
        params = tree(case["params_0"], dtype)
        state = replay.start(tx.init(params), case)

        @transform
        def step(params: Any, state: Any, grads: Any, loss: Any) -> Any:
            updates, state = tx.update(grads, state, params, **loss)
            return optax.apply_updates(params, updates), state

        deviation = {leaf: 0.0 for leaf in params}

        def compare(observed: dict[str, Any], recorded: dict[str, Any]) -> None:
            for leaf, numbers in recorded.items():
                assert observed[leaf].dtype == dtype
                deviation[leaf] = max(deviation[leaf], farthest(np.asarray(observed[leaf]), np.array(numbers, dtype)))

        losses = [{"value": loss} for loss in case["losses"]] if "losses" in case else [{}] * len(case["grads"])
        for grads, recorded, loss in zip(case["grads"], case["params"], losses, strict=True):
            if not replay.turns:
                params, state = step(params, state, tree(grads, dtype), loss)
            for _ in range(replay.turns):
                params, state = step(params, state, quadratic_gradient(case, params), loss)
            compare(replay.observe(params, state, hyperparameters), recorded)
        assert ("params_eval" in case) == (replay.evaluated is not None)
        if replay.evaluated:
            compare(replay.evaluated(params, state, tx), case["params_eval"])
    return max(off / distance(case, leaf, dtype) if off else 0.0 for leaf, off in deviation.items())


def quadratic_gradient(case: dict[str, Any], params: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """The gradient of the recorded quadratic, a (p - c)."""
    curvature, centre = case["closed_loop"]["a"], case["closed_loop"]["c"]
    return {leaf: np.array(curvature[leaf]) * (p - np.array(centre[leaf])) for leaf, p in params.items()}


class Recorded(UserDict[str, Any]):
    """Hyperparameters that remember which were read."""

    def __init__(self, hyperparameters: Mapping[str, Any]):
        self.read: set[str] = set()
        super().__init__(hyperparameters)

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


def unread(case: dict[str, Any], replay: Replay) -> set[str]:
    """The hyperparameters of a case that the transformation is made without."""
    hyperparameters = Recorded(case["hyperparameters"])
    with enable_x64(case["dtype"] == "float64"):
        replay.made(case, hyperparameters)
    return hyperparameters.keys() - hyperparameters.read


def farthest(ours: np.ndarray, recorded: np.ndarray) -> float:
    """The largest difference; NaN must meet NaN."""
    assert np.array_equal(np.isnan(ours), np.isnan(recorded))
    return float(np.max(np.abs(ours - recorded)[~np.isnan(recorded)], initial=0))


def distance(case: dict[str, Any], leaf: str, dtype: str) -> float:
    """How far the recorded leaf was from its start at most, in any element.

    In float32 at least so far that the tolerance is one spacing of the parameter itself: nearer it cannot come.
    """
    start = np.array(case["params_0"][leaf])
    moves = (np.abs(np.array(params[leaf], float) - start) for params in case["params"])
    moved = max(float(np.max(np.nan_to_num(move))) for move in moves)
    if dtype == "float64":
        return moved
    largest = max(float(np.max(np.abs(np.array(params[leaf])))) for params in case["params"])
    return max(moved, float(np.spacing(np.float32(largest))) / TOLERANCE["float32"])
