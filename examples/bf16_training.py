"""Parameters in bfloat16: what small steps come to with plain updates and with each wrapper, and what each keeps."""

import jax
import jax.numpy as jnp
import optax
from digits import batches, load, steps_from_command_line
from flax import linen as nn

import optax_zoo as zoo
from optax_zoo import precision

RATE = 1e-4

OPTIMIZERS = {
    "float32": zoo.adam(RATE),
    "plain bfloat16": zoo.adam(RATE),
    "master weights": precision.with_master_weights(zoo.adam(RATE)),
    "Kahan summation": precision.with_kahan_summation(zoo.adam(RATE)),
    "stochastic rounding": precision.with_stochastic_rounding(zoo.adam(RATE), key=0),
}

MODEL = nn.Sequential([nn.Dense(128, param_dtype=jnp.float32), nn.relu, nn.Dense(10, param_dtype=jnp.float32)])


def size(tree):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


def train(name, tx, train_set, steps):
    """The training loop is the same for all: only the parameters' dtype and the optimizer are others."""
    params = MODEL.init(jax.random.key(0), jnp.zeros((1, 64)))
    if name != "float32":
        params = jax.tree.map(lambda p: p.astype(jnp.bfloat16), params)
    state = tx.init(params)

    @jax.jit
    def step(params, state, images, labels):
        def loss_of(params):
            logits = MODEL.apply(params, images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        updates, state = tx.update(jax.grad(loss_of)(params), state, params)
        return optax.apply_updates(params, updates), state

    for images, labels in batches(train_set, steps):
        params, state = step(params, state, images, labels)
    return params, state


def main():
    steps = steps_from_command_line(__doc__, default=1000)
    train_set, (images, labels) = load()
    for name, tx in OPTIMIZERS.items():
        params, state = train(name, tx, train_set, steps)
        logits = MODEL.apply(params, images).astype(jnp.float32)
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        count = sum(leaf.size for leaf in jax.tree.leaves(params))
        kept = (size(params) + size(state)) / count
        print(f"{name}: test loss {loss:.4f}, {kept:.2f} bytes a parameter")


if __name__ == "__main__":
    main()
