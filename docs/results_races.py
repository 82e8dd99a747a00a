"""The races behind results.md: what each is given. results.py runs them, each into a folder of its own."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import optax_zoo as zoo
from optax_zoo.race import BASELINES, race
from optax_zoo.race.tasks import create_task

RACES: dict[str, Callable[[], dict[str, Any]]] = {}
RACED = functools.partial(race, final_seeds=10, report=False)
FAST = [name for name in zoo.list_algorithms() if name != "learned_lstm"]  # which takes a hundred times as long
BURNIN = 150
SANTA = {
    f"santa_e, burnin {BURNIN}": lambda rate: zoo.santa_e(rate, burnin=BURNIN),
    f"santa_sss, burnin {BURNIN}": lambda rate: zoo.santa_sss(rate, burnin=BURNIN),
}


def results_of(name):
    """Registers the race of a section: a function that returns the arguments of `race`."""
    return lambda function: RACES.setdefault(name, function)


@results_of("digits_mlp")
def digits():
    """All algorithms but the learned one, the baselines of optax, and Santa whose burn-in ends after a quarter."""
    return {"optimizers": [*FAST, *BASELINES, *SANTA.items()], "task": create_task("digits_mlp"), "steps": 600}


@results_of("santa")
def santa():
    """Santa again, at rates that suit it."""
    entrants = ["santa_e", "santa_sss", *SANTA.items()]
    rates = 10.0 ** np.arange(-6, -2.5, 0.5)
    return {"optimizers": entrants, "task": create_task("digits_mlp"), "rates": rates, "steps": 600}


@results_of("mnist1d_mlp")
def mnist1d():
    """All algorithms but the learned one, at 600 of the task's 1500 steps."""
    return {"optimizers": [*FAST, *BASELINES], "task": create_task("mnist1d_mlp"), "steps": 600}


@results_of("quadratic_deep")
def quadratic_deep():
    """The three optimizers of DeepOBS on its grid of rates, tuned for the last quarter of the evaluations."""
    entrants = [("adam", zoo.adam), ("momentum 0.99", lambda rate: zoo.momentum(rate, 0.99)), ("sgd", zoo.sgd)]
    grid = 10.0 ** np.arange(-3.0, -0.5, 0.2)
    return {"optimizers": entrants, "task": create_task("quadratic_deep"), "rates": grid, "steps": 700}


@results_of("deep_mlp")
def deep_mlp():
    """Adam behind each of the norms and without any, and Nesterov's momentum behind the published one and without."""

    def behind(make, norm):
        return lambda rate: zoo.normalized(make(rate), norm)

    entrants = {"adam": lambda rate: zoo.adam(rate), "nag": lambda rate: zoo.nag(rate)}
    entrants |= {f"adam, {norm}": behind(zoo.adam, norm) for norm in zoo.list_norms()}
    entrants |= {"nag, max": behind(zoo.nag, "max")}
    grid = [1e-3, 3e-3, 1e-2, 3e-2]
    return {"optimizers": [*entrants.items()], "task": create_task("deep_mlp"), "rates": grid, "steps": 600}
