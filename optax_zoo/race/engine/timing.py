"""A budget in time: how many steps each optimizer takes in as many seconds."""

import dataclasses
from collections.abc import Callable, Mapping

from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.processes import from_first
from optax_zoo.race.engine.program import Program
from optax_zoo.race.engine.trials import EVALUATIONS, prepare
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.task import Task
from optax_zoo.running.entrants import Entrant
from optax_zoo.running.errors import EntrantError

SHORT, LONG = EVALUATIONS, 5 * EVALUATIONS  # steps of the trials that are timed, of as many evaluations each


def steps_within(
    task: Task, entrants: Mapping[str, Entrant], settings: Settings, told: Callable[[str], None]
) -> dict[str, int]:
    """The steps of each optimizer in `settings.time_budget`, at least 1.

    A trial takes a + b n seconds for n steps, as it has about as many evaluations whatever its length; a and b follow
    from trials of `SHORT` and of `LONG` steps. Compilation is not counted. An optimizer that cannot be trained gets 1:
    the race says why.
    """
    short, long = (dataclasses.replace(settings, steps=steps, time_budget=0.0) for steps in (SHORT, LONG))
    layout = layout_of(settings)
    start = layout.replicate(prepare(task, settings.seed, 1))
    found = {}
    for name, entrant in entrants.items():
        told(name)
        try:
            pair = [Program(task, entrant, each, start, Batches(None), layout) for each in (short, long)]
            seconds = [program.seconds_of_a_trial() for program in pair]
            found[name] = steps_of(settings.time_budget, *seconds)
        except EntrantError:
            found[name] = 1
    return from_first(lambda: found)


def steps_of(budget: float, short: float, long: float) -> int:
    """How many steps take as long as the budget, by what `SHORT` and `LONG` of them take."""
    of_a_step = max(long - short, long / LONG) / (LONG - SHORT)
    return max(1, int((budget - short) / of_a_step) + SHORT)
