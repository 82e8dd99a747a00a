"""The published experiment of results.md with a deep perceptron, of its length and with its layers."""

import dataclasses

import jax
import optax
from flax import linen as nn

import optax_zoo as zoo
from optax_zoo.race.engine.trials import prepare, run_trial
from optax_zoo.race.tasks.deep import DROPOUT, LAYERS, WIDTH, of_model

STEPS, BATCH_SIZE, RATE = 14_070, 128, 0.01
KEPT = ("test_metric", "validation_metric", "train_loss")


class Published(nn.Module):
    """As published: batch norm behind the ReLU, with what Keras makes of weights and averages."""

    @nn.compact
    def __call__(self, images, train=False):
        x = images.reshape(len(images), -1)
        for _ in range(LAYERS):
            x = nn.relu(nn.Dense(WIDTH, kernel_init=nn.initializers.he_normal())(x))
            x = nn.BatchNorm(use_running_average=not train, momentum=0.99, epsilon=1e-3)(x)
            x = nn.Dropout(DROPOUT, deterministic=not train)(x)
        return nn.Dense(10, kernel_init=nn.initializers.glorot_uniform())(x)


def in_stages(steps):
    """A rate that is divided by ten after each third of the steps."""
    return optax.piecewise_constant_schedule(RATE, {steps // 3: 0.1, 2 * steps // 3: 0.1})


ENTRANTS = {
    "adam, max": lambda rate: zoo.normalized(zoo.adam(rate), "max"),
    "adam": zoo.adam,
    "nag, max": lambda rate: zoo.normalized(zoo.nag(rate), "max"),
}


def deep_mlp_long(entrants=tuple(ENTRANTS), seeds=range(5), steps=STEPS):
    """Accuracy on the test part after the last step, and along the way the validation part's and the training loss.

    By optimizer and seed, by the steps, batches and rates that were published, which nothing tunes.
    """
    task = dataclasses.replace(of_model(Published()), batch_size=BATCH_SIZE)
    start = prepare(task, seed=0, count=max(seeds) + 1)

    def trials(make):
        trial = jax.jit(lambda seed: run_trial(task, make(in_stages(steps)), steps, start, seed))
        found = [trial(seed) for seed in seeds]
        return {name: [getattr(each, name) for each in found] for name in KEPT}

    return {name: trials(ENTRANTS[name]) for name in entrants}
