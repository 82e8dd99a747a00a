"""What a step of a trial costs on each task: vectorized or not, and for all optimizers."""

import dataclasses
import time
from collections.abc import Iterator

import numpy as np
from race_throughput_loops import ADAM, Silent, settings_of

from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.engine.trials import prepare
from optax_zoo.race.settings import FINAL_SEEDS, RATES, SEEDS
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.tasks import create_task, describe_task, list_tasks
from optax_zoo.running.entrants import Entrant, resolve

MAPPED = ("digits_mlp", "mnist1d_mlp", "mnist1d_cnn", "quadratic_deep", "deep_mlp")
MAPPED_STEPS = 240
COSTLY, COSTLY_STEPS = "learned_lstm", 48
TRIALS = len(RATES) * SEEDS + 2 * FINAL_SEEDS


@dataclasses.dataclass
class Timer:
    """The compiled program of an optimizer on a task."""

    program: Program
    width: int
    compiling: float
    batches: Batches
    steps: int
    runs: int = 0

    @classmethod
    def of(cls, task: str, optimizer: str | Entrant, steps: int, mapping: str) -> "Timer":
        """Compiles the program, and warms it up."""
        made, settings = create_task(task), settings_of(create_task(task), steps, mapping)
        layout, batches = layout_of(settings), Batches(None)
        start = layout.replicate(prepare(made, 0, layout.width))
        began = time.perf_counter()
        entrant = optimizer if isinstance(optimizer, Entrant) else resolve([optimizer])[optimizer]
        program = Program(made, entrant, settings, start, batches, layout)
        timer = cls(program, layout.width, 0.0, batches, steps)
        ran = timer.milliseconds()
        timer.compiling = time.perf_counter() - began - ran / 1e3 * steps * layout.width
        return timer

    def milliseconds(self) -> float:
        """Milliseconds per step and trial, the median of the batches up to now; runs another batch first."""
        self.runs += 1
        rate = Point(1e-3 + 1e-6 * self.runs)  # a new one: finished trials are not run again
        self.program.run([rate] * self.width, range(self.width), Silent())
        timings = self.batches.timings(self.program.entrant.name)
        each = [seconds / trials for seconds, trials in timings if trials == self.width]
        return float(np.median(each)) * 1e3 / self.steps


def mapping_rows(rounds: int) -> Iterator[tuple[str, ...]]:
    """For each task the cost of a step and trial one after the other and vectorized, which take turns."""
    for task in MAPPED:
        timers = [Timer.of(task, ADAM, MAPPED_STEPS, mapping) for mapping in ("map", "vmap")]
        for _ in range(rounds):
            found = [timer.milliseconds() for timer in timers]
        one, side = found
        yield task, str(timers[0].width), f"{one:.3f}", str(timers[1].width), f"{side:.3f}", f"{side / one:.2f}"


def estimate_rows() -> Iterator[tuple[str, ...]]:
    """For each task, and for all of them, how long all optimizers take."""
    others, total = len(resolve(["all"])) - 1, 0.0
    for task in list_tasks():
        steps = describe_task(task).steps
        plain, costly = Timer.of(task, ADAM, steps, "map"), Timer.of(task, COSTLY, COSTLY_STEPS, "map")
        each = [timer.milliseconds() for timer in (plain, costly)]
        seconds = [x / 1e3 * steps * TRIALS + timer.compiling for x, timer in zip(each, (plain, costly), strict=True)]
        hours = [others * seconds[0] / 3600, seconds[1] / 3600]
        total += sum(hours)
        shown = [f"{x:.3g}" for x in (*each, plain.compiling)]
        yield task, str(steps), *shown, *(duration(x) for x in (*hours, sum(hours)))
    yield "all", "", "", "", "", "", "", duration(total)


def duration(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
