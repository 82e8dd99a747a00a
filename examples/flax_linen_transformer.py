"""Flax Linen: a transformer that reads a digit row by row, trained in three mixtures of bfloat16 and float32."""

import argparse

import jax
import jax.numpy as jnp
import optax
from digits import batches, load
from flax import linen as nn
from flax import traverse_util
from flax.training import train_state

import optax_zoo as zoo

# What is computed in, and what parameters are stored in.
PRECISIONS = [("float32", "float32"), ("bfloat16", "float32"), ("bfloat16", "bfloat16")]


class Transformer(nn.Module):
    dtype: str  # computed in, whatever the parameters are stored in
    width: int = 32
    depth: int = 1

    @nn.compact
    def __call__(self, images):
        x = nn.Dense(self.width, dtype=self.dtype)(images.reshape(-1, 8, 8))
        x += self.param("positions", nn.initializers.normal(0.1), (8, self.width)).astype(self.dtype)
        for _ in range(self.depth):
            x += nn.MultiHeadDotProductAttention(num_heads=4, dtype=self.dtype)(nn.LayerNorm(dtype=self.dtype)(x))
            hidden = nn.gelu(nn.Dense(2 * self.width, dtype=self.dtype)(nn.LayerNorm(dtype=self.dtype)(x)))
            x += nn.Dense(self.width, dtype=self.dtype)(hidden)
        pooled = nn.LayerNorm(dtype=self.dtype)(x).mean(axis=1)
        return nn.Dense(10, dtype=self.dtype)(pooled).astype(jnp.float32)


def groups(params):
    """The labels for optax.partition: by name, since biases of the attention are matrices."""
    return traverse_util.path_aware_map(lambda path, _: "weights" if path[-1] == "kernel" else "rest", params)


def transformation(name):
    """An optimizer of the registry, with weight decay, for the weights; Adam without decay for the rest."""
    weights = zoo.create(name, **zoo.describe(name).example).replace(decay=zoo.decoupled_decay(1e-2))
    return optax.partition({"weights": weights, "rest": zoo.adam(1e-2)}, groups)


class TrainState(train_state.TrainState):
    def apply_gradients(self, *, grads, value):
        """Hands the loss on to the optimizer, for those that read it (eve); that of Flax does not."""
        updates, opt_state = self.tx.update(grads, self.opt_state, self.params, value=value)
        return self.replace(step=self.step + 1, params=optax.apply_updates(self.params, updates), opt_state=opt_state)


@jax.jit
def train_step(state, batch):
    images, labels = batch

    def loss_of(params):
        return optax.softmax_cross_entropy_with_integer_labels(state.apply_fn(params, images), labels).mean()

    loss, grads = jax.value_and_grad(loss_of)(state.params)
    return state.apply_gradients(grads=grads, value=loss), loss


def dtypes(tree):
    return ", ".join(sorted({str(x.dtype) for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizer", default="novograd", metavar="NAME", help="of the weights (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="training steps (default: %(default)s)")
    given = parser.parse_args()
    if given.optimizer not in zoo.list_algorithms():
        raise SystemExit(f"There is no {given.optimizer!r}; there are {', '.join(zoo.list_algorithms())}.")
    train, (images, labels) = load()
    start = jax.jit(Transformer("float32").init)(jax.random.key(0), images[:1])
    tx = transformation(given.optimizer)
    print(f"weights: {given.optimizer} with decay, the rest: adam")
    print("computed in  parameters  statistics  mean loss of the last 10  test accuracy")
    for dtype, param_dtype in PRECISIONS:
        params = jax.tree.map(lambda x, dtype=param_dtype: x.astype(dtype), start)
        state = TrainState.create(apply_fn=Transformer(dtype).apply, params=params, tx=tx)
        losses = []
        for batch in batches(train, given.steps):
            state, loss = train_step(state, batch)
            losses.append(loss)
        accuracy = jnp.mean(jax.jit(state.apply_fn)(state.params, images).argmax(-1) == labels)
        print(f"{dtype:<13}{dtypes(state.params):<12}{dtypes(state.opt_state):<12}", end="")
        print(f"{jnp.mean(jnp.stack(losses[-10:])):<26.4f}{accuracy:.3f}", flush=True)


if __name__ == "__main__":
    main()
