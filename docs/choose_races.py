"""The races behind choose.md: who takes part, on what, and by which budget. `choose.py --run` runs them."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import optax_zoo as zoo
from optax_zoo.race import race
from optax_zoo.race.tasks import create_task

TASKS = {  # and how many steps a trial takes
    "friedman_mlp": 400,
    "word_bags": 400,
    "digits_deep": 200,
    "matrix_factors": 600,
    "mnist1d_mlp": 600,
    "char_lm": 200,
    "mnist5k_cnn": 200,
}
ENTRANTS = (
    *("sgd", "momentum", "nag", "adagrad", "rmsprop", "adam", "adamw", "nadamw", "radam", "adabelief", "adan", "adopt"),
    *("ademamix", "cautious_adamw", "mars_adamw", "expectigrad", "lion", "signsgd", "lamb", "lars", "novograd"),
    *("prodigy", "dadapt_adam", "dog", "schedule_free_adamw", "schedule_free_sgd", "adafactor", "came", "sm3"),
    *("muon", "soap", "shampoo", "sophia_h"),
)
AT_DEFAULTS = ("adamw", "prodigy", "dadapt_adam", "dog")  # are tried at the default rate, too
LONGEST = {"soap": 512, "shampoo": 512}  # axes that they have matrices for
PENALIZED = (  # whose decay is a penalty in the gradient: their rate alone is tuned, at as many points
    *("sgd", "momentum", "nag", "adagrad", "rmsprop", "adam", "dadapt_adam", "dog", "schedule_free_sgd", "shampoo"),
)
DECAY = 0.01  # while rates are compared; then it is searched for
SEARCH = {"weight_decay": (1e-3, 1.0, "log")}
BUDGET = {"seeds": 1, "final_seeds": 10, "samples": 6}
RACED = functools.partial(race, report=False)

RACES: dict[str, Callable[[], dict[str, Any]]] = {}


def entrant(name):
    """A name and a factory: the rate, and the weight decay where the optimizer has one, are what is tuned."""
    own = inspect.signature(getattr(zoo, name)).parameters
    options = {"max_size": LONGEST[name]} if name in LONGEST else {}
    rate = own["learning_rate"].default if name in AT_DEFAULTS else inspect.Parameter.empty
    decay = {"weight_decay": DECAY} if "weight_decay" in own and name not in PENALIZED else {}

    def make(learning_rate, **values):
        return zoo.create(name, learning_rate=learning_rate, **options, **values)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("learning_rate", kind, default=rate)]
    parameters += [inspect.Parameter(each, kind, default=value) for each, value in decay.items()]
    if rate is inspect.Parameter.empty:
        parameters[1:] = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters[1:]]
    make.__signature__ = inspect.Signature(parameters)
    return name, make


def guide(task):
    """Everybody on a task."""
    return lambda: {
        "optimizers": [entrant(name) for name in ENTRANTS],
        "task": create_task(task),
        "steps": TASKS[task],
        "search": SEARCH,
        **BUDGET,
    }


RACES |= {task: guide(task) for task in TASKS}

SIZES = (8, 32, 128, 512)
OF_SIZES = ("sgd", "momentum", "adamw", "lion")


def of_batches(size):
    """Four optimizers at a batch size, on a fine grid of rates."""
    return lambda: {
        "optimizers": [entrant(name) for name in OF_SIZES],
        "task": dataclasses.replace(create_task("digits_deep"), batch_size=size),
        "rates": 10.0 ** np.arange(-4, 0.3, 0.25),
        "steps": 200,
        "seeds": 3,
        "final_seeds": 10,
    }


RACES |= {f"batch_{size}": of_batches(size) for size in SIZES}

FALLING = ("adamw", "momentum", "muon", "schedule_free_adamw", "schedule_free_sgd")
OF_SCHEDULES = ("digits_deep", "mnist1d_mlp")


def falling(task, schedule):
    """Optimizers at a rate that falls with the cosine, or stays, after a warm-up in a twentieth of the steps."""
    return lambda: {
        "optimizers": [entrant(name) for name in FALLING],
        "task": create_task(task),
        "steps": TASKS[task],
        "schedule": schedule,
        "warmup": 0.05,
        "search": SEARCH,
        **BUDGET,
    }


RACES |= {f"{schedule}_{task}": falling(task, schedule) for task in OF_SCHEDULES for schedule in ("constant", "cosine")}


def twice(part, size):
    """Examples in an order in which each batch comes two times in a row, as a step of SAM takes two gradients of it."""
    count = len(part[1]) // size * size
    order = np.repeat(np.arange(count).reshape(-1, size), 2, axis=0).ravel()
    return jax.tree.map(lambda x: x[order], part)


@functools.partial(RACES.__setitem__, "sam")
def sharpness():
    """SAM around momentum against momentum with as many gradients, on digits of which 40 % have a wrong label."""
    task = create_task("digits_label_noise")
    task = dataclasses.replace(task, train=twice(task.train, task.batch_size), shuffle=False)

    def sam(learning_rate, *, rho=0.05):
        return zoo.sam(zoo.momentum(learning_rate), rho)

    def momentum(learning_rate):
        return zoo.momentum(learning_rate)

    return {
        "optimizers": [("sam(momentum)", sam), ("momentum", momentum)],
        "task": task,
        "steps": 1200,
        "search": {"rho": (0.02, 2.0, "log")},
        "seeds": 3,
        "final_seeds": 10,
        "samples": 8,
    }


TUNED = {"weight_decay": (1e-3, 1.0, "log"), "b1": (0.8, 0.98), "b2": (0.9, 0.9999), "momentum": (0.8, 0.98)}


@functools.partial(RACES.__setitem__, "language")
def language():
    """AdamW, Muon and SOAP, each with its decay and averages tuned too."""

    def adamw(learning_rate, *, weight_decay=DECAY, b1=0.9, b2=0.999):
        return zoo.adamw(learning_rate, b1, b2, weight_decay=weight_decay)

    def muon(learning_rate, *, weight_decay=DECAY, momentum=0.95):
        return zoo.muon(learning_rate, momentum, weight_decay=weight_decay)

    def soap(learning_rate, *, weight_decay=DECAY, b1=0.95, b2=0.95):
        return zoo.soap(learning_rate, b1, b2, weight_decay=weight_decay)

    return {
        "optimizers": [("adamw", adamw), ("muon", muon), ("soap", soap)],
        "task": create_task("char_lm"),
        "steps": TASKS["char_lm"],
        "search": TUNED,
        "seeds": 1,
        "final_seeds": 10,
        "samples": 16,
    }
