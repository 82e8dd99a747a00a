"""Ablation: what do Expectigrad's arithmetic mean and its outer momentum contribute? Each question is one line.

All variants start from the same parameters and see the same batches, so that they can be compared seed by seed. Still,
five seeds of a small network on easy images at one learning rate only show how to ask. A difference whose sign changes
from seed to seed is none, and one that does not may be due to the rate, which suits one variant better than another:
`optax-zoo race` tunes it for each.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square

SEEDS = 5
PUBLISHED = zoo.expectigrad(1e-2)
VARIANTS = {
    "as published": PUBLISHED,
    "EMA for the mean": PUBLISHED.replace(denominator=root(debiased(ema(0.999, of=square)))),
    "no momentum": PUBLISHED.replace(momentum=None),
}
MODEL = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(10)])


def loss_of(params, images, labels):
    return optax.softmax_cross_entropy_with_integer_labels(MODEL.apply(params, images), labels).mean()


def train(tx, params, images, labels):
    """The parameters after one pass over batches that are stacked on the leading axis."""

    def step(carry, batch):
        params, state = carry
        updates, state = tx.update(jax.grad(loss_of)(params, *batch), state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, tx.init(params)), (images, labels))[0][0]


def main():
    steps = steps_from_command_line(__doc__, default=300)
    examples, test = load()
    order = [list(batches(examples, steps, seed=seed)) for seed in range(SEEDS)]
    images, labels = (np.stack([[batch[part] for batch in run] for run in order]) for part in (0, 1))
    starts = jax.vmap(lambda key: MODEL.init(key, test[0][:1]))(jax.random.split(jax.random.key(0), SEEDS))

    published = None
    for name, tx in VARIANTS.items():
        params = jax.jit(jax.vmap(lambda *given, tx=tx: train(tx, *given)))(starts, images, labels)
        losses = jax.vmap(lambda p: loss_of(p, *test))(params)
        hits = jax.vmap(lambda p: jnp.mean(MODEL.apply(p, test[0]).argmax(-1) == test[1]))(params)
        print(f"{name}: {tx}")
        published = losses if published is None else published
        print(f"  test accuracy: {hits.mean():.4f} on average, from {hits.min():.4f} to {hits.max():.4f}")
        print(f"  test loss: {losses.mean():.4f} on average; seed by seed less that of the published form:", end=" ")
        print(", ".join(f"{difference:+.4f}" for difference in losses - published))


if __name__ == "__main__":
    main()
