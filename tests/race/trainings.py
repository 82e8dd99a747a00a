"""Trainings by the engine of a race, without a race around them.

`python tests/race/trainings.py TASK` prints in JSON how Adam does on a registered task: see `adam_on`.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np
import optax

from optax_zoo.race import Task, tasks
from optax_zoo.race import settings as checks
from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.engine.trials import prepare, untrained
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Batches, Trials
from optax_zoo.running.entrants import resolve

SILENT = SimpleNamespace(advance=lambda trials: None, skip=lambda trials: None)


def settings_of(task: Task, optimizers=("sgd",), **changes) -> Settings:
    """Settings with one rate and one seed, unless it is said otherwise."""
    usual = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "seed": 0, "schedule": "constant"}
    others = {"warmup": 0.0, "weight_decay": 0.0, "search": {}, "samples": 0, "mapping": "auto"}
    return checks.check(optimizers, task, **{**usual, **others, **changes})


def program_of(task: Task, optimizer, seeds=1, batches=None, **changes) -> Program:
    """The program of an optimizer: a name, or a function from learning rate to transformation."""
    entrant = next(iter(resolve([optimizer if isinstance(optimizer, str) else ("it", optimizer)]).values()))
    settings = settings_of(task, [entrant.name], **changes)
    layout = layout_of(settings)
    start = layout.replicate(prepare(task, settings.seed, seeds))
    return Program(task, entrant, settings, start, Batches(None) if batches is None else batches, layout)


def outcomes(task: Task, optimizer, rates, seeds, **changes) -> Trials:
    """What training with an optimizer at some rates and seeds comes to."""
    program = program_of(task, optimizer, seeds=max(seeds) + 1, **changes)
    return program.run([Point(rate, program.defaults) for rate in rates], seeds, SILENT)


def adam_on(name: str) -> dict[str, list]:
    """The test metric before and after what a registered task says of Adam, and whether it diverged, for two seeds."""
    entry, task = tasks.describe_task(name), tasks.create_task(name)
    found = outcomes(task, optax.adam, [entry.rate] * 2, [0, 1], steps=entry.steps)
    before = untrained(task, prepare(task, seed=0, count=2))
    kept = {"untrained": before, "trained": found.test_metric, "diverged": found.diverged}
    return {key: np.asarray(values).tolist() for key, values in kept.items()}


if __name__ == "__main__":
    print(json.dumps(adam_on(sys.argv[1])))
