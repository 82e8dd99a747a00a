"""Text: a small character-level transformer on the help topics that ship with Python."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import require

CONTEXT = 64
# Line feed, the 95 printable characters of ASCII, and one symbol for all others.
SYMBOLS = 97
WIDTH, HEADS, BLOCKS = 32, 2, 2


@task("char_lm", steps=400, rate=0.003, expected=(-3.4, -2.7))
def char_lm() -> Task:
    """Predicting each next character of Python's help topics (`pydoc_data.topics`, about 700 kB) from those before.

    A transformer with two blocks of width 32, two heads and a context of 64 (33,825 parameters); batches of 16
    sequences. The metric is minus the bits per character. The text is cut once, into 80, 10 and 10 %, of which 128
    sequences each, evenly spread, are used for validation and test. It differs a little between versions of Python.

    Raises:
      MissingExtraError: without Flax.
    """
    require("flax")
    model = _transformer()
    train, validation, test = _sequences()

    def loss(parameters: Tree, batch: Tree) -> jax.Array:
        scores = jnp.asarray(model.apply(parameters, batch[:, :-1]))
        return optax.softmax_cross_entropy(scores, jax.nn.one_hot(batch[:, 1:], SYMBOLS)).mean()

    return Task(
        name="char_lm",
        init=lambda key: model.init(key, train[:1, :-1]),
        loss=loss,
        metric=lambda parameters, batch: -loss(parameters, batch) / jnp.log(2.0),
        train=train,
        validation=validation,
        test=test,
        metric_name="negative bits per character",
        batch_size=16,
        target=-3.5,
    )


def _transformer() -> Any:
    from flax import linen as nn

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            mask = nn.make_causal_mask(x[..., 0])
            x = x + nn.MultiHeadDotProductAttention(HEADS)(nn.LayerNorm()(x), mask=mask)
            return x + nn.Dense(WIDTH)(nn.gelu(nn.Dense(4 * WIDTH)(nn.LayerNorm()(x))))

    class Transformer(nn.Module):
        @nn.compact
        def __call__(self, characters: jax.Array) -> jax.Array:
            positions = self.param("positions", nn.initializers.normal(0.02), (CONTEXT, WIDTH))
            # A product with one-hot vectors: the gradient of a table look-up is a slow scatter on a CPU.
            x = nn.Dense(WIDTH, use_bias=False)(jax.nn.one_hot(characters, SYMBOLS)) + positions
            for _ in range(BLOCKS):
                x = Block()(x)
            return nn.Dense(SYMBOLS)(nn.LayerNorm()(x))

    return Transformer()


@functools.cache
def _sequences() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training, validation and test sequences of `CONTEXT` + 1 symbols; the last of each is the first of the next."""
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[name] for name in sorted(topics))
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int32)
    symbols = np.where(codes == ord("\n"), 0, np.where((codes >= 32) & (codes < 127), codes - 31, SYMBOLS - 1))
    cuts = [0, int(0.8 * len(symbols)), int(0.9 * len(symbols)), len(symbols)]
    train, validation, test = (_windows(symbols[a:b]) for a, b in itertools.pairwise(cuts))
    return train, _spread(validation), _spread(test)


def _windows(symbols: np.ndarray) -> np.ndarray:
    count = (len(symbols) - 1) // CONTEXT
    return symbols[CONTEXT * np.arange(count)[:, None] + np.arange(CONTEXT + 1)].astype(np.int32)


def _spread(sequences: np.ndarray, count: int = 128) -> np.ndarray:
    return sequences[np.linspace(0, len(sequences) - 1, count).astype(int)]
