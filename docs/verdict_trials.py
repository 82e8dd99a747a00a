"""How often a race calls an optimizer worse than its own copy: races simulated from recorded trials.

`python docs/verdict_trials.py --record tests/race/verdict_trials.npz` trains (some minutes), and
`python docs/verdict_trials.py tests/race/verdict_trials.npz` simulates and prints. A simulated race draws tuning and
final seeds without replacement from those recorded, other ones for each copy, and goes through the very functions of a
real race: racing of the rates, choice, and tests. Copies do not even share their seeds, which is the hardest case.
"""

import argparse
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from optax_zoo.race.analysis.choices import Choice
from optax_zoo.race.analysis.comparisons import pairwise
from optax_zoo.race.engine.grid import measure
from optax_zoo.race.engine.program import Point
from optax_zoo.race.engine.tuning import MOST_SEEDS, contest
from optax_zoo.race.storage.batches import Trials

TASKS = {"digits_deep": 100, "digits_mlp": 200}
OPTIMIZERS = ("sgd", "momentum", "adam", "expectigrad", "novograd")
RATES = tuple(10 ** (exponent / 2 - 3) for exponent in range(7))
RECORDED, SEEDS, FINAL_SEEDS = 96, 3, 20
FIELDS = ("metric", "loss", "test")


def record(path):
    """Trains every optimizer on every task; keeps validation metric and loss as a race sees them, and test metric."""
    import jax

    from optax_zoo.race import settings as checks
    from optax_zoo.race.engine import processes

    processes.use_all_cores(2)
    from optax_zoo.race.engine.layout import layout_of
    from optax_zoo.race.engine.program import Program
    from optax_zoo.race.engine.trials import prepare
    from optax_zoo.race.storage.batches import Batches
    from optax_zoo.race.tasks import create_task
    from optax_zoo.running.entrants import resolve

    rules = {"seed": 0, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "search": {}, "samples": 0}
    quiet = SimpleNamespace(advance=lambda trials: None, skip=lambda trials: None)
    kept = {}
    for name, steps in TASKS.items():
        task = create_task(name)
        counts = {"rates": RATES, "seeds": RECORDED, "final_seeds": 2, "steps": steps, "mapping": "auto"}
        settings = checks.check(OPTIMIZERS, task, **counts, **rules)
        layout = layout_of(settings)
        start = layout.replicate(prepare(task, 0, RECORDED))
        for entrant in resolve(OPTIMIZERS).values():
            program = Program(task, entrant, settings, start, Batches(None), layout)
            points = [Point(rate) for rate in RATES for _ in range(RECORDED)]
            trials = program.run(points, list(range(RECORDED)) * len(RATES), quiet)
            quarter = max(1, trials.validation_metric.shape[1] // 4)
            late = [np.mean(x[:, -quarter:], axis=1) for x in (trials.validation_metric, trials.validation_loss)]
            values = np.stack([*late, trials.test_metric]).reshape(len(FIELDS), len(RATES), RECORDED)
            values[:, trials.diverged.reshape(len(RATES), RECORDED)] = np.nan
            large = np.nanmax(np.abs(values)) > np.finfo(np.float16).max
            kept[f"{name}/{entrant.name}"] = values.astype(np.float32 if large else np.float16)
            print(name, entrant.name, flush=True)
    np.savez_compressed(path, **kept)
    print(f"{Path(path).stat().st_size / 1e3:.0f} kB, jax {jax.__version__}")


class Recorded:
    """A program whose trials have run: seed i of a race is one of those recorded."""

    def __init__(self, values, seeds):
        """Takes the values by field, rate and seed, and the seeds of this race."""
        self.values, self.seeds = values.astype(float), np.asarray(seeds)

    def run(self, points, seeds, progress):
        """The outcomes as a race gets them."""
        rates = [int(np.argmin(np.abs(np.array(RATES) - point.rate))) for point in points]
        metric, loss, test = self.values[:, rates, self.seeds[list(seeds)]]
        return Trials(None, loss[:, None], metric[:, None], None, test, ~np.isfinite(metric + loss + test))


def raced(values, seeds):
    """What a race knows of one optimizer in the end: its contenders, as `pairwise` takes them."""
    program = Recorded(values, seeds)
    quiet = SimpleNamespace(phase=lambda text: None, grow=lambda trials: None)
    settings = SimpleNamespace(seeds=SEEDS, final_seeds=FINAL_SEEDS)
    points = [Point(rate) for rate in RATES]
    field = contest(program, points, measure(program, points, SEEDS, quiet), settings, quiet)
    final = range(SEEDS, SEEDS + FINAL_SEEDS)
    tests = program.run([p for p in field.points for _ in final], [*final] * len(field.points), quiet).test_metric
    tests = tests.reshape(len(field.points), FINAL_SEEDS)
    return Choice(field.grid.metric, field.grid.loss, np.where(np.isfinite(tests), tests, np.nanmin(tests)))


def race_of_copies(recorded, names, copies, random):
    """The pairs of a simulated race of some copies of each of some optimizers, each with seeds of its own."""
    needed = MOST_SEEDS * SEEDS + FINAL_SEEDS
    entrants = {
        (name, copy): raced(recorded[name], drawn)
        for name in names
        for copy, drawn in enumerate(random.permutation(RECORDED)[: copies * needed].reshape(copies, needed))
    }
    return pairwise(entrants)


def simulate(recorded, names, copies, races, seed=0):
    """Over some races: the share with any copy called worse than another, and the share of other pairs told apart."""
    random = np.random.default_rng(seed)
    wrong, right = 0, []
    for _ in range(races):
        pairs = race_of_copies(recorded, names, copies, random)
        wrong += any(pair.found for pair in pairs if pair.first[0] == pair.second[0])
        right += [pair.found for pair in pairs if pair.first[0] != pair.second[0]]
    return wrong / races, float(np.mean(right)) if right else float("nan")


def main():
    """Records, or simulates and prints."""
    parser = argparse.ArgumentParser(description="How often a race calls an optimizer worse than its own copy.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--record", action="store_true", help="train, and write the file")
    parser.add_argument("--races", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.file)
        return
    loaded = np.load(arguments.file)
    for task in TASKS:
        recorded = {name: loaded[f"{task}/{name}"] for name in OPTIMIZERS}
        for names in [*((name,) for name in OPTIMIZERS), OPTIMIZERS]:
            wrong, right = simulate(recorded, names, 2, arguments.races)
            others = "" if len(names) == 1 else f", other pairs told apart {right:.0%}"
            print(f"{task}, two copies of {', '.join(names)}: any worse {wrong:.1%}{others}", flush=True)


if __name__ == "__main__":
    main()
