"""The races behind results.md, each into a folder of its own; results.py runs them."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

import optax_zoo as zoo
from optax_zoo.race import BASELINES, race
from optax_zoo.race.tasks import create_task

RACES: dict[str, Callable[[Path], None]] = {}
RACED = functools.partial(race, resume=True, report=False)
SLOW = "learned_lstm"
BURNIN = 150
SANTA = {
    f"santa_e, burnin {BURNIN}": lambda rate: zoo.santa_e(rate, burnin=BURNIN),
    f"santa_sss, burnin {BURNIN}": lambda rate: zoo.santa_sss(rate, burnin=BURNIN),
}


def results_of(name):
    """Registers the race of a section: a function of the folder for its results."""
    return lambda function: RACES.setdefault(name, function)


@results_of("digits_mlp")
def digits(folder):
    """All algorithms, the three baselines of optax, and Santa with a burn-in that ends after a quarter of the steps."""
    RACED([*zoo.list_algorithms(), *BASELINES, *SANTA.items()], task=create_task("digits_mlp"), steps=600, out=folder)


@results_of("santa")
def santa(folder):
    """Santa again, at rates that suit it."""
    entrants = ["santa_e", "santa_sss", *SANTA.items()]
    RACED(entrants, task=create_task("digits_mlp"), rates=10.0 ** np.arange(-6, -2.5, 0.5), steps=600, out=folder)


@results_of("mnist1d_mlp")
def mnist1d(folder):
    """All algorithms but the learned one, which takes a hundred times as long, at 600 of the task's 1500 steps."""
    entrants = [*(name for name in zoo.list_algorithms() if name != SLOW), *BASELINES]
    RACED(entrants, task=create_task("mnist1d_mlp"), steps=600, out=folder)


@results_of("quadratic_deep")
def quadratic_deep(folder):
    """The three optimizers of DeepOBS on its grid of rates, tuned for the last quarter of the evaluations."""
    entrants = {"adam": zoo.adam, "momentum 0.99": lambda rate: zoo.momentum(rate, 0.99), "sgd": zoo.sgd}
    grid = 10.0 ** np.arange(-3.0, -0.5, 0.2)
    RACED(entrants, task=create_task("quadratic_deep"), rates=grid, steps=700, out=folder)


@results_of("deep_mlp")
def deep_mlp(folder):
    """Adam behind each of the norms and without any, and Nesterov's momentum behind the published one and without."""

    def behind(make, norm):
        return lambda rate: zoo.normalized(make(rate), norm)

    entrants = {"adam": lambda rate: zoo.adam(rate), "nag": lambda rate: zoo.nag(rate)}
    entrants |= {f"adam, {norm}": behind(zoo.adam, norm) for norm in zoo.list_norms()}
    entrants |= {"nag, max": behind(zoo.nag, "max")}
    RACED(entrants, task=create_task("deep_mlp"), rates=[1e-3, 3e-3, 1e-2, 3e-2], steps=600, out=folder)
