"""A task that is trained in no time."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_zoo.race import Task
from optax_zoo.race import settings as checks
from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.engine.trials import prepare
from optax_zoo.race.entrants import resolve
from optax_zoo.race.storage.batches import Batches


@pytest.fixture(scope="session")
def regression() -> Task:
    """Linear regression on 36 + 12 + 12 examples; the metric is the negative loss."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(60, 3)).astype(np.float32)
    outputs = inputs @ np.float32([1.0, -2.0, 0.5])

    def loss(parameters, batch):
        return jnp.mean((batch["inputs"] @ parameters["w"] - batch["outputs"]) ** 2)

    def part(start, stop):
        return {"inputs": inputs[start:stop], "outputs": outputs[start:stop]}

    return Task(
        name="regression",
        init=lambda key: {"w": jax.random.normal(key, (3,))},
        loss=loss,
        metric=lambda parameters, batch: -loss(parameters, batch),
        train=part(0, 36),
        validation=part(36, 48),
        test=part(48, 60),
        metric_name="negative error",
        batch_size=8,
        target=-1.0,
    )


SILENT = SimpleNamespace(advance=lambda trials: None, skip=lambda trials: None)


@pytest.fixture(scope="session")
def settings_of():
    """Makes settings: one rate and one seed, unless it is said otherwise."""

    def make(task, optimizers=("sgd",), **changes):
        usual = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "seed": 0, "schedule": "constant"}
        others = {"warmup": 0.0, "weight_decay": 0.0, "search": {}, "samples": 0, "mapping": "auto"}
        return checks.check(optimizers, task, **{**usual, **others, **changes})

    return make


@pytest.fixture(scope="session")
def program_of(settings_of):
    """Makes the program of an optimizer: a name, or a function from learning rate to transformation."""

    def make(task, optimizer, seeds=1, batches=None, **changes):
        entrant = next(iter(resolve([optimizer if isinstance(optimizer, str) else ("it", optimizer)]).values()))
        settings = settings_of(task, [entrant.name], **changes)
        layout = layout_of(settings)
        start = layout.replicate(prepare(task, settings.seed, seeds))
        return Program(task, entrant, settings, start, Batches(None) if batches is None else batches, layout)

    return make


@pytest.fixture(scope="session")
def outcomes(program_of):
    """Trains with an optimizer at some rates and seeds."""

    def train(task, optimizer, rates, seeds, **changes):
        program = program_of(task, optimizer, seeds=max(seeds) + 1, **changes)
        return program.run([Point(rate, program.defaults) for rate in rates], seeds, SILENT)

    return train


@pytest.fixture
def walk():
    """Makes a task whose only parameter is the sum of the rates of all steps, and whose best value is given.

    The metric is minus the distance to that value, which may differ between validation and test.
    """

    def make(validation: float, test: float | None = None) -> Task:
        values = [np.full((4,), value, np.float32) for value in (0.0, validation, validation if test is None else test)]
        return Task(
            name="walk",
            init=lambda key: jnp.zeros(()),
            loss=lambda position, batch: -position + 0 * jnp.mean(batch),
            metric=lambda position, batch: -jnp.abs(position - jnp.mean(batch)),
            train=values[0],
            validation=values[1],
            test=values[2],
            batch_size=4,
        )

    return make
