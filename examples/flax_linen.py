"""Flax Linen: NovoGrad in a TrainState, with a cosine schedule and weight decay on the kernels only."""

import jax
import jax.numpy as jnp
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn
from flax import traverse_util
from flax.training.train_state import TrainState

import optax_zoo as zoo


def kernels(params):
    """The mask: True for kernels, False for biases."""
    return traverse_util.path_aware_map(lambda path, _: path[-1] == "kernel", params)


def optimizer(steps):
    schedule = optax.cosine_decay_schedule(3e-2, decay_steps=steps)
    return zoo.novograd(schedule, weight_decay=1e-3, weight_decay_mask=kernels)


@jax.jit
def train_step(state, batch):
    images, labels = batch

    def loss_of(params):
        return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn(params, images), labels).mean()

    loss, grads = jax.value_and_grad(loss_of)(state.params)
    return state.apply_gradients(grads=grads), loss


def main():
    steps = steps_from_command_line(__doc__, default=300)
    train, (images, labels) = load()
    model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(10)])
    params = model.init(jax.random.key(0), images[:1])
    state = TrainState.create(apply_fn=model.apply, params=params, tx=optimizer(steps))

    for batch in batches(train, steps):
        state, loss = train_step(state, batch)

    accuracy = jnp.mean(model.apply(state.params, images).argmax(-1) == labels)
    print(state.tx)
    print(f"last training loss: {loss:.4f}")
    print(f"steps counted by the schedule: {state.opt_state['learning_rate'].count}")
    print(f"test accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
