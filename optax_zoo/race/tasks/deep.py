"""A deep, narrow perceptron, on which optimizers that normalize gradients were shown to do well."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.images import mnist5k
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import require

LAYERS, WIDTH, DROPOUT, L2 = 30, 128, 0.2, 1e-5


@task("deep_mlp", steps=600, rate=0.003, expected=(0.15, 0.5))
def deep_mlp() -> Task:
    """30 dense layers of 128 units on 5,000 images of MNIST (588,298 parameters).

    Each layer has batch norm, ReLU and dropout of 0.2; cross-entropy, to which training adds 0.00001 times the sum of
    squares of all weights; batches of 64. Validation and test use the running averages of batch norm (momentum 0.9)
    and no dropout. It is harder than the published one, whose batch norm is behind the ReLU, so that less of the signal
    is dropped out on its way through 30 layers: Adam has about 0.28 here after 600 steps and 0.4 after 2,400 or 14,000.

    Raises:
      MissingExtraError: without Flax, scikit-learn or mlxtend.
    """
    require("flax", "sklearn")
    return of_model(_perceptron())


def of_model(model: Any) -> Task:
    """The same with another Flax model, which keeps averages of batch norm and draws what it drops out."""
    train, validation, test = mnist5k()
    shapes = jax.eval_shape(model.init, jax.random.key(0), train[0][:1])["batch_stats"]

    def loss(parameters: Tree, batch: Tree, state: Tree) -> jax.Array:
        images, labels = batch
        scores = model.apply({"params": parameters, "batch_stats": state}, images)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    def accuracy(parameters: Tree, batch: Tree, state: Tree) -> jax.Array:
        images, labels = batch
        scores = model.apply({"params": parameters, "batch_stats": state}, images)
        return jnp.mean(jnp.argmax(scores, axis=-1) == labels)

    def training(parameters: Tree, batch: Tree, key: jax.Array, state: Tree) -> tuple[jax.Array, Tree]:
        images, labels = batch
        variables = {"params": parameters, "batch_stats": state}
        scores, new = model.apply(variables, images, train=True, rngs={"dropout": key}, mutable=["batch_stats"])
        weights = sum((jnp.sum(x**2) for x in jax.tree.leaves(parameters) if x.ndim == 2), jnp.zeros(()))
        entropy = optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
        return entropy + L2 * weights, new["batch_stats"]

    return Task(
        name="deep_mlp",
        init=lambda key: model.init(key, train[0][:1])["params"],
        loss=loss,
        metric=accuracy,
        train=train,
        validation=validation,
        test=test,
        target=0.3,
        state={
            name: {"mean": jnp.zeros(x["mean"].shape), "var": jnp.ones(x["var"].shape)} for name, x in shapes.items()
        },
        training=training,
    )


def _perceptron() -> Any:
    from flax import linen as nn

    class Perceptron(nn.Module):
        @nn.compact
        def __call__(self, images: jax.Array, train: bool = False) -> jax.Array:
            x = images.reshape(len(images), -1)
            for _ in range(LAYERS):
                x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(nn.Dense(WIDTH)(x)))
                x = nn.Dropout(DROPOUT, deterministic=not train)(x)
            return nn.Dense(10)(x)

    return Perceptron()
