"""A budget in time: how many steps each optimizer takes in as many seconds."""

import dataclasses
from collections.abc import Callable, Mapping

from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.processes import from_first
from optax_zoo.race.engine.program import Program
from optax_zoo.race.engine.trials import prepare
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.task import Task
from optax_zoo.running.entrants import Entrant
from optax_zoo.running.errors import EntrantError

PROBE = 48  # steps of the trials that are timed, evaluations among them


def steps_within(
    task: Task, entrants: Mapping[str, Entrant], settings: Settings, told: Callable[[str], None]
) -> dict[str, int]:
    """The steps of each optimizer in `settings.time_budget`, at least 1, by the median of trials of `PROBE` steps.

    Compilation is not counted. One that cannot be trained gets 1: the race says why.
    """
    probe = dataclasses.replace(settings, steps=PROBE, time_budget=0.0)
    layout = layout_of(probe)
    start = layout.replicate(prepare(task, settings.seed, 1))
    found = {}
    for name, entrant in entrants.items():
        told(name)
        try:
            seconds = Program(task, entrant, probe, start, Batches(None), layout).seconds_of_a_trial()
            found[name] = max(1, int(settings.time_budget / (seconds / PROBE)))
        except EntrantError:
            found[name] = 1
    return from_first(lambda: found)
