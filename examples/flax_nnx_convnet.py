"""Flax NNX: a convolutional net whose weights and biases have an optimizer each, which step once in two batches."""

import argparse
import functools

import jax
import jax.numpy as jnp
import optax
from digits import batches, load
from flax import nnx

import optax_zoo as zoo

BATCHES_A_STEP = 2


class ConvNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs, channels=16):
        self.first = nnx.Conv(1, channels, (3, 3), rngs=rngs)
        self.norm = nnx.GroupNorm(channels, num_groups=4, rngs=rngs)
        self.second = nnx.Conv(channels, channels, (3, 3), rngs=rngs)
        self.out = nnx.Linear(16 * channels, 10, rngs=rngs)

    def __call__(self, images):
        x = nnx.relu(self.norm(self.first(images.reshape(-1, 8, 8, 1))))
        x = nnx.max_pool(nnx.relu(self.second(x)), (2, 2), strides=(2, 2))
        return self.out(x.reshape(len(x), -1))


def groups(params):
    """The labels for optax.partition: kernels are weights, all biases and the scales of norms are the rest."""
    return nnx.map_state(lambda path, _: "weights" if path[-1] == "kernel" else "rest", params)


def transformation(name):
    """An optimizer of the registry, with weight decay, for the weights; momentum without decay for the rest."""
    weights = zoo.create(name, **zoo.describe(name).example).replace(decay=zoo.decoupled_decay(1e-2))
    both = optax.partition({"weights": weights, "rest": zoo.momentum(1e-2)}, groups)
    return optax.MultiSteps(both, every_k_schedule=BATCHES_A_STEP)


@functools.partial(nnx.jit, static_argnames="name")
def create(name):
    model = ConvNet(nnx.Rngs(0))
    return model, nnx.Optimizer(model, transformation(name), wrt=nnx.Param)


def loss_of(model, batch):
    images, labels = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()


@nnx.jit
def train_step(model, optimizer, batch):
    loss, grads = nnx.value_and_grad(loss_of)(model, batch)
    optimizer.update(model, grads, value=loss)  # Eve reads the loss (here the one of every second batch), most do not
    return loss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizer", default="eve", metavar="NAME", help="of the weights (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="batches to train on (default: %(default)s)")
    given = parser.parse_args()
    if given.optimizer not in zoo.list_algorithms():
        raise SystemExit(f"There is no {given.optimizer!r}; there are {', '.join(zoo.list_algorithms())}.")
    train, (images, labels) = load()
    model, optimizer = create(given.optimizer)

    losses = [train_step(model, optimizer, batch) for batch in batches(train, given.steps)]

    accumulation = optimizer.opt_state
    for group, masked in accumulation.inner_opt_state.inner_states.items():
        arrays = jax.tree.leaves(masked.inner_state)
        print(f"{group}: {sum(x.size for x in arrays)} numbers of state in {', '.join(masked.inner_state)}")
    print(f"{given.steps} batches, steps taken: {accumulation.gradient_step[...]}")
    print(f"mean training loss of the last 10 batches: {jnp.mean(jnp.stack(losses[-10:])):.4f}")
    print(f"test accuracy: {jnp.mean(model(images).argmax(-1) == labels):.3f}")


if __name__ == "__main__":
    main()
