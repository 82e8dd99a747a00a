"""Successive halving of a random search: most points are given up long before the end of their trials.

Jamieson and Talwalkar (2016): Non-stochastic Best Arm Identification and Hyperparameter Optimization.
"""

import math
from collections.abc import Sequence

from optax_zoo.race.engine.grid import measure_until
from optax_zoo.race.engine.program import Point, Program, Progress
from optax_zoo.race.engine.trials import evaluation_steps
from optax_zoo.race.settings import Settings


def rungs(factor: int, evaluations: int) -> list[int]:
    """After how many evaluations points are given up: at about the square and the first power of 1 / factor."""
    at = {max(1, round(evaluations / factor**power)) for power in (1, 2)}
    return sorted(at - {evaluations})


def counts(factor: int, samples: int, evaluations: int) -> list[int]:
    """How many points there are at each rung, and last how many are left for whole trials."""
    found = [samples]
    for _ in rungs(factor, evaluations):
        found.append(math.ceil(found[-1] / factor))
    return found


def survivors(program: Program, points: Sequence[Point], settings: Settings, progress: Progress) -> list[Point]:
    """The points that are tried to the end, in their order.

    A trial begins anew at each rung, under the schedule of all steps; what it has at the rung is what a race tunes by,
    over the last quarter of the evaluations by then.
    """
    evaluations = len(evaluation_steps(settings.steps))
    left = list(points)
    for stop in rungs(settings.halving, evaluations):
        progress.phase(f"halving {len(left)} points")
        merits = measure_until(program, left, settings.seeds, stop, progress).merits
        best = sorted(range(len(left)), key=lambda place: merits[place], reverse=True)
        kept = sorted(best[: math.ceil(len(left) / settings.halving)])
        left = [left[place] for place in kept]
    return left
