"""A task that is trained in no time."""

import functools

import factorials
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import trainings

from optax_zoo.race import Task


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


@pytest.fixture(scope="session")
def settings_of():
    """Makes settings: one rate and one seed, unless it is said otherwise."""
    return trainings.settings_of


@pytest.fixture(scope="session")
def program_of():
    """Makes the program of an optimizer: a name, or a function from learning rate to transformation."""
    return trainings.program_of


@pytest.fixture(scope="session")
def outcomes():
    """Trains with an optimizer at some rates and seeds."""
    return trainings.outcomes


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


@pytest.fixture
def raced(monkeypatch):
    """What an ablation gives to its race, which is not run."""
    given = {}
    monkeypatch.setattr("optax_zoo.race.ablation.study.race", functools.partial(factorials.unraced, given))
    return given
