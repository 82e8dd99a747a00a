"""Flax NNX: schedule-free Expectigrad, which trains at other parameters than the ones it is evaluated at."""

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
    grads = nnx.grad(loss_of)(model, batch)
    optimizer.update(model, grads)


def evaluation_model(model, optimizer):
    """The model with the parameters to evaluate with; training goes on with the other."""
    structure, params, rest = nnx.split(model, nnx.Param, ...)
    averaged = zoo.evaluation_params(optimizer.tx, optimizer.opt_state, params)
    return nnx.merge(structure, averaged, rest)


def main():
    steps = steps_from_command_line(__doc__, default=300)
    train, (images, labels) = load()
    model = MLP(nnx.Rngs(0))
    tx = zoo.expectigrad(0.1).replace(momentum=None, iterate=zoo.schedule_free(0.5))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)

    print(tx)
    for step, batch in enumerate(batches(train, steps), 1):
        train_step(model, optimizer, batch)
        if step % 50 == 0:
            trained, averaged = (
                jnp.mean(each(images).argmax(-1) == labels) for each in (model, evaluation_model(model, optimizer))
            )
            print(f"step {step:3}: test accuracy of training parameters {trained:.3f}, of the average {averaged:.3f}")


if __name__ == "__main__":
    main()
