"""optax.chain: the primitives are plain optax transformations, so a chain of them can be the same as a pipeline."""

import jax
import jax.numpy as jnp
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn

import optax_zoo as zoo

CHAIN = optax.chain(
    zoo.clip_by_norm("l2", 1.0),
    zoo.scale_by_arithmetic_rms(sparse=True),
    zoo.scale_by_ema(0.9),
    optax.scale_by_learning_rate(1e-2),
)
OPTIMIZERS = {
    "chain of primitives": CHAIN,
    "pipeline of the same": zoo.pipeline(
        gradient=zoo.clip_by_norm("l2", 1.0),
        denominator=zoo.arithmetic_rms(sparse=True),
        momentum=zoo.scale_by_ema(0.9),
        learning_rate=1e-2,
    ),
    "expectigrad, clipped": zoo.clipped(zoo.expectigrad(1e-2)),
    "chain around expectigrad": optax.chain(zoo.clip_by_norm("l2", 1.0), zoo.expectigrad(1e-2)),
    "expectigrad, not clipped": zoo.expectigrad(1e-2),
}


def train(tx, steps, model, params, examples):
    @jax.jit
    def step(params, state, images, labels):
        def loss_of(params):
            return optax.softmax_cross_entropy_with_integer_labels(model.apply(params, images), labels).mean()

        updates, state = tx.update(jax.grad(loss_of)(params), state, params)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for batch in batches(examples, steps):
        params, state = step(params, state, *batch)
    return params


def main():
    steps = steps_from_command_line(__doc__, default=300)
    examples, (images, labels) = load()
    model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(10)])
    start = model.init(jax.random.key(0), images[:1])
    trained = {name: train(tx, steps, model, start, examples) for name, tx in OPTIMIZERS.items()}
    for name, params in trained.items():
        distances = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b)), params, trained["chain of primitives"])
        accuracy = jnp.mean(model.apply(params, images).argmax(-1) == labels)
        largest = max(jax.tree.leaves(distances))
        print(f"{name:<25} test accuracy: {accuracy:.3f}   largest distance from the chain: {largest:.1e}")


if __name__ == "__main__":
    main()
