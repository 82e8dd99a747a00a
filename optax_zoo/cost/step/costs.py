"""The cost of a step: what XLA says about it and what the clock says, in turns with another optimizer."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import jax
import optax

from optax_zoo.cost.step import memory
from optax_zoo.cost.step.flops import Flops
from optax_zoo.cost.step.program import Program
from optax_zoo.cost.step.timing import Runner, Spread, ratios, take_turns
from optax_zoo.cost.step.trees import count
from optax_zoo.spelling import read

BUILDS = 5
Named = tuple[str, optax.GradientTransformation] | str


@dataclasses.dataclass(frozen=True)
class Figures:
    """What XLA says about a step, and its arithmetic, which do not depend on the load of the machine.

    Attributes:
      state_bytes: bytes of state.
      temporary_bytes: bytes that are allocated besides parameters, gradients and state.
      accessed: bytes that the kernels read and write.
      floor: the least that they access if each writes one array.
      minimum: bytes of gradients, parameters and state read, parameters and state written.
      kernels: instructions that move data.
      flops: floating-point operations, see `flops_of`.
    """

    state_bytes: int
    temporary_bytes: int
    accessed: int
    floor: int
    minimum: int
    kernels: int
    flops: Flops

    @classmethod
    def of(cls, program: Program) -> "Figures":
        return cls(
            program.state_bytes,
            program.temporary_bytes,
            program.accessed,
            program.floor,
            program.minimum,
            program.kernels,
            program.flops,
        )


@dataclasses.dataclass(frozen=True)
class Times:
    """What the clock says. Ratios are of runs that took turns.

    Attributes:
      trace_seconds: tracing and lowering, median.
      compile_seconds: XLA, median.
      build_ratio: their sum, over that of the other.
      milliseconds: of a step, median.
      other_milliseconds: of a step of the other, median.
      floor_milliseconds: of moving `Figures.minimum` bytes, half of them read and half written, median.
      over_other: step time over that of the other.
      over_floor: step time over that of the floor.
    """

    trace_seconds: float
    compile_seconds: float
    build_ratio: Spread
    milliseconds: float
    other_milliseconds: float
    floor_milliseconds: float
    over_other: Spread
    over_floor: Spread


@dataclasses.dataclass(frozen=True)
class Cost:
    """A step of an optimizer on a tree.

    Attributes:
      optimizer: its name.
      tree: name of the tree.
      parameters: their number.
      figures: of the optimizer.
      against: name of the other.
      other: figures of the other.
      times: None if they were not asked for.
    """

    optimizer: str
    tree: str
    parameters: int
    figures: Figures
    against: str
    other: Figures
    times: Times | None = None


def measure(named: Named, beside: Named, tree: str, shapes: Any, rounds: int) -> Cost:
    """Measures a step of an optimizer in turns with another's.

    Args:
      named: name of the optimizer, and the optimizer; or just a name, as `optax_zoo.spelling.read` takes it.
      beside: the same for the other.
      tree: name of the tree.
      shapes: the tree.
      rounds: how often the two take turns, at least 2; 0 measures no time.

    Raises:
      ValueError: if an optimizer fails on the tree.
      TooLargeError: if there is no room for a run; nothing has been allocated.
    """
    (name, tx), (other_name, other) = _named(named), _named(beside)
    what = f"a run of {name} against {other_name} on {tree}"
    if rounds:
        memory.require(what, sum(memory.least(each, shapes) for each in (tx, other)))
    built = [(Program.of(tx, shapes), Program.of(other, shapes))]
    ours, theirs = built[0]
    cost = Cost(name, tree, count(shapes), Figures.of(ours), other_name, Figures.of(theirs))
    if not rounds:
        return cost
    memory.require(what, ours.needed + theirs.needed + ours.minimum // 2)
    built += [(Program.of(tx, shapes), Program.of(other, shapes)) for _ in range(min(rounds, BUILDS) - 1)]
    runners = Runner.of_step(tx, ours), Runner.of_step(other, theirs), Runner.of_floor(ours.minimum)
    return dataclasses.replace(cost, times=_times(built, take_turns(runners, rounds)))


def _named(named: Named) -> tuple[str, optax.GradientTransformation]:
    return (named, read(named).make()) if isinstance(named, str) else named


def _times(built: Iterable[tuple[Program, Program]], seconds: list[list[float]]) -> Times:
    ours, theirs, floor = seconds
    pairs = [[(each.trace_seconds, each.compile_seconds) for each in pair] for pair in built]
    return Times(
        trace_seconds=Spread.of([one[0] for one, _ in pairs]).median,
        compile_seconds=Spread.of([one[1] for one, _ in pairs]).median,
        build_ratio=ratios([sum(one) for one, _ in pairs], [sum(other) for _, other in pairs]),
        milliseconds=1e3 * Spread.of(ours).median,
        other_milliseconds=1e3 * Spread.of(theirs).median,
        floor_milliseconds=1e3 * Spread.of(floor).median,
        over_other=ratios(ours, theirs),
        over_floor=ratios(ours, floor),
    )


def machine() -> str:
    """Versions and device, in words."""
    device = jax.devices()[0]
    return f"jax {jax.__version__}, optax {optax.__version__}, {device.device_kind}"
