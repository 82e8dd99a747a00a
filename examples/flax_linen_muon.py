"""Flax Linen: Muon for the hidden matrix, AdamW for embedding, head and biases, both schedule-free."""

import jax
import jax.numpy as jnp
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn
from flax import traverse_util
from flax.training.train_state import TrainState

import optax_zoo as zoo


class MLP(nn.Module):
    @nn.compact
    def __call__(self, images):
        x = nn.relu(nn.Dense(64, name="embed")(images))
        x = nn.relu(nn.Dense(64, name="hidden")(x))
        return nn.Dense(10, name="head")(x)


def optimizer():
    """Embedding and head are matrices, too, but not for Muon: they are named. Averages of iterates replace momentum."""
    muon = zoo.muon(0.05, rest=zoo.schedule_free_adamw(1e-2), by=zoo.matrices(but=("embed", "head")))
    return muon.replace(matrices={"numerator": None, "iterate": zoo.schedule_free(0.9)})


@jax.jit
def train_step(state, batch):
    images, labels = batch

    def loss_of(params):
        return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn(params, images), labels).mean()

    return state.apply_gradients(grads=jax.grad(loss_of)(state.params))


def main():
    steps = steps_from_command_line(__doc__, default=300)
    train, (images, labels) = load()
    model = MLP()
    params = model.init(jax.random.key(0), images[:1])
    state = TrainState.create(apply_fn=model.apply, params=params, tx=optimizer())

    for path, side in traverse_util.flatten_dict(state.tx.sides_of(params), sep="/").items():
        print(f"{path:<20} {side}")
    for batch in batches(train, steps):
        state = train_step(state, batch)

    averages = zoo.evaluation_params(state.tx, state.opt_state, state.params)
    for name, params in {"training": state.params, "evaluation": averages}.items():
        accuracy = jnp.mean(model.apply(params, images).argmax(-1) == labels)
        print(f"test accuracy of the {name} parameters: {accuracy:.3f}")


if __name__ == "__main__":
    main()
