"""Data parallelism with jax.pmap: the optimizer state is replicated, gradients are averaged, replicas stay equal."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn
from flax.jax_utils import replicate, unreplicate

import optax_zoo as zoo

MODEL = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(10)])
TX = zoo.novograd(1e-2, weight_decay=1e-3)


def loss_of(params, images, labels):
    return optax.softmax_cross_entropy_with_integer_labels(MODEL.apply(params, images), labels).mean()


def step(params, state, images, labels, axis_name=None):
    grads = jax.grad(loss_of)(params, images, labels)
    if axis_name is not None:
        grads = jax.lax.pmean(grads, axis_name)
    updates, state = TX.update(grads, state, params)
    return optax.apply_updates(params, updates), state


def main():
    jax.config.update("jax_num_cpu_devices", 4)  # before the first computation; no effect on GPUs and TPUs
    steps = steps_from_command_line(__doc__, default=200)
    train, (images, labels) = load()
    devices = jax.local_device_count()
    alone = jax.jit(step)
    together = jax.pmap(functools.partial(step, axis_name="devices"), axis_name="devices")

    params = MODEL.init(jax.random.key(0), images[:1])
    single = params, TX.init(params)
    replicas = replicate(single)
    for batch in batches(train, steps, size=16 * devices):
        single = alone(*single, *batch)
        replicas = together(*replicas, *(x.reshape(devices, -1, *x.shape[1:]) for x in batch))

    for copies, one in zip(jax.tree.leaves(replicas), jax.tree.leaves(single), strict=True):
        np.testing.assert_array_equal(copies, np.broadcast_to(copies[0], copies.shape))
        np.testing.assert_allclose(copies[0], one, rtol=1e-5, atol=1e-5)
    params, _ = unreplicate(replicas)
    accuracy = jnp.mean(MODEL.apply(params, images).argmax(-1) == labels)
    print(f"{devices} devices: replicas are equal, and equal to one device to 1e-5")
    print(f"test accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
