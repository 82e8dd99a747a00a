"""Weights of the coordinatewise LSTM: drawn, written and read."""

import functools
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.learned import files

SHIPPED = Path(__file__).with_name("weights.npz")


def init_weights(key: jax.Array, units: Sequence[int] = (20, 20), *, features: int = 2) -> dict[str, Any]:
    """Random weights to start meta-training from, as Sonnet draws them: variance 1 / inputs, cut off at two deviations.

    Args:
      key: a `jax.random.key`.
      units: the number of hidden units of each layer.
      features: inputs of a coordinate: 2 after log-and-sign preprocessing, 1 without (k=None).

    Returns:
      Weights for `learned_lstm`; biases are 0.
    """
    keys = jax.random.split(key, len(units) + 1)
    weights = {}
    inputs = features
    for number, size in enumerate(units):
        matrix = _truncated_normal(keys[number], inputs + size, 4 * size)
        weights[f"lstm_{number + 1}"] = {"w_gates": matrix, "b_gates": jnp.zeros(4 * size)}
        inputs = size
    return {**weights, "linear": {"w": _truncated_normal(keys[-1], inputs, 1), "b": jnp.zeros(1)}}


def load_weights(path: str | os.PathLike[str] | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Weights from an .npz file written by `save_weights`; without a path those that ship with the package.

    The latter were trained by `examples/train_learned_lstm.py`; `weights.json` beside them says how.

    Raises:
      ValueError: if the file is not a file of weights.
    """
    return _shipped() if path is None else _read(Path(path))


def save_weights(path: str | os.PathLike[str], weights: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes weights to an .npz file (no pickle), replacing it atomically."""
    buffer = io.BytesIO()
    arrays = {f"{layer}/{name}": array for layer, part in weights.items() for name, array in part.items()}
    np.savez_compressed(buffer, **jax.device_get(arrays))
    files.replace(Path(path), buffer.getvalue())


@functools.cache
def _shipped() -> dict[str, dict[str, np.ndarray]]:
    return _read(SHIPPED)


def _read(path: Path) -> dict[str, dict[str, np.ndarray]]:
    weights: dict[str, dict[str, np.ndarray]] = {}
    for name, array in files.read_arrays(path, "file of weights").items():
        layer, _, parameter = name.partition("/")
        weights.setdefault(layer, {})[parameter] = array
    return weights


def _truncated_normal(key: jax.Array, inputs: int, outputs: int) -> jax.Array:
    return jax.random.truncated_normal(key, -2.0, 2.0, (inputs, outputs)) / jnp.sqrt(inputs)
