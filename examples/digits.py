"""What the examples share: scikit-learn's 8 x 8 digits, batches of them, and the command line."""

import argparse
from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Examples = tuple[np.ndarray, np.ndarray]


def load() -> tuple[Examples, Examples]:
    """Training and test part, each a pair of images in [0, 1] and labels."""
    images, labels = load_digits(return_X_y=True)
    images, labels = (images / 16).astype(np.float32), labels.astype(np.int32)
    parts = train_test_split(images, labels, test_size=360, stratify=labels, random_state=0)
    return (parts[0], parts[2]), (parts[1], parts[3])


def batches(examples: Examples, steps: int, size: int = 64, seed: int = 0) -> Iterator[Examples]:
    """Random batches, one a step."""
    images, labels = examples
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = rng.choice(len(labels), size, replace=False)
        yield images[chosen], labels[chosen]


def steps_from_command_line(description: str, default: int) -> int:
    """The value of --steps."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=default, help="training steps (default: %(default)s)")
    return parser.parse_args().steps
