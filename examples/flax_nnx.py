"""Flax NNX: Expectigrad inside nnx.Optimizer and nnx.jit, and its state read by slot name."""

import jax
import jax.numpy as jnp
import optax
from digits import batches, load, steps_from_command_line
from flax import nnx

import optax_zoo as zoo


class MLP(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(64, 64, rngs=rngs)
        self.out = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, images):
        return self.out(nnx.relu(self.hidden(images)))


def loss_of(model, batch):
    images, labels = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()


@nnx.jit
def train_step(model, optimizer, batch):
    loss, grads = nnx.value_and_grad(loss_of)(model, batch)
    optimizer.update(model, grads)
    return loss


def main():
    steps = steps_from_command_line(__doc__, default=300)
    train, (images, labels) = load()
    model = MLP(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, zoo.expectigrad(1e-2), wrt=nnx.Param)

    for batch in batches(train, steps):
        loss = train_step(model, optimizer, batch)

    counts = jnp.concatenate([jnp.ravel(n) for n in jax.tree.leaves(optimizer.opt_state["denominator"].count)])
    print(f"last training loss: {loss:.4f}")
    print(f"elements that never had a gradient: {jnp.mean(counts == 0):.1%}")
    print(f"test accuracy: {jnp.mean(model(images).argmax(-1) == labels):.3f}")


if __name__ == "__main__":
    main()
