"""Comparing optimizers: `race` tunes each one's learning rate and reports the figures at fresh seeds.

>>> from optax_zoo.race import race
>>> result = race(["adam", "optax.adam"], steps=5, seeds=1, final_seeds=2, rates=[0.01], progress=False)
>>> sorted(row.optimizer for row in result.rows)
['adam', 'optax.adam']
"""

from optax_zoo.race.ablation import Ablation, Combination, Effect, ablate
from optax_zoo.race.analysis.summary import Summary, summarize
from optax_zoo.race.analysis.verdicts import Standing, Verdict, standing
from optax_zoo.race.races import Races, race_tasks
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.runner import race
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.folders import collect
from optax_zoo.race.storage.reading import load
from optax_zoo.race.task import Task
from optax_zoo.race.tasks.images import digits
from optax_zoo.running.entrants import BASELINES, DEFAULT
from optax_zoo.running.errors import MissingExtraError, RaceError

__all__ = [
    "BASELINES",
    "DEFAULT",
    "Ablation",
    "Combination",
    "Effect",
    "MissingExtraError",
    "RaceError",
    "Races",
    "Result",
    "Row",
    "Settings",
    "Standing",
    "Summary",
    "Task",
    "Verdict",
    "ablate",
    "collect",
    "digits",
    "load",
    "race",
    "race_tasks",
    "standing",
    "summarize",
]
