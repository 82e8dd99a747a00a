"""Words: a table of embeddings, of which a step sees a few rows."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.arrays.losses import classification
from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.registry import task

WINDOW, WIDTH = 12, 32


@task("word_bags", steps=400, rate=0.01, expected=(0.33, 0.5))
def word_bags() -> Task:
    """Which of Python's help topics twelve consecutive words are from (`pydoc_data.topics`, about 60,000 words).

    The mean of the words' embeddings, of width 32, and a linear layer; batches of 64. A step has gradients for the few
    hundred words that it sees and zeros for the other thousands, and half of all words occur once or twice. Of five
    windows one is for validation and one for test. Numbers differ a little between versions of Python.
    """
    windows, labels, words, topics = _windows()
    number = np.arange(len(labels))
    of_part = [number % 5 < 3, number % 5 == 3, number % 5 == 4]
    train, validation, test = ((windows[part], labels[part]) for part in of_part)

    def init(key: jax.Array) -> Tree:
        table, head = jax.random.split(key)
        return {
            "embedding": jax.random.normal(table, (words, WIDTH)) * 0.1,
            "head": {
                "kernel": jax.random.normal(head, (WIDTH, topics)) / WIDTH**0.5,
                "bias": jnp.zeros(topics),
            },
        }

    def apply(parameters: Tree, windows: jax.Array) -> jax.Array:
        mean = parameters["embedding"][windows].mean(axis=1)
        return mean @ parameters["head"]["kernel"] + parameters["head"]["bias"]

    loss, accuracy = classification(apply)
    return Task(
        name="word_bags",
        init=init,
        loss=loss,
        metric=accuracy,
        train=train,
        validation=validation,
        test=test,
        target=0.4,
    )


@functools.cache
def _windows() -> tuple[np.ndarray, np.ndarray, int, int]:
    """Windows of words as numbers, the topic of each, and how many words and topics there are."""
    from pydoc_data.topics import topics

    texts = [re.findall(r"[a-z_]+", topics[name].lower()) for name in sorted(topics)]
    words = {word: i for i, word in enumerate(sorted({word for text in texts for word in text}))}
    pieces = [
        (text[start : start + WINDOW], topic)
        for topic, text in enumerate(texts)
        for start in range(0, len(text) - WINDOW + 1, WINDOW)
    ]
    windows = np.asarray([[words[word] for word in piece] for piece, _ in pieces], np.int32)
    once = np.sort(np.unique(windows, axis=0, return_index=True)[1])
    return windows[once], np.asarray([topic for _, topic in pieces], np.int32)[once], len(words), len(texts)
