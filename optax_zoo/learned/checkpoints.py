"""Checkpoints of meta-training: one .npz file with everything needed to continue a run."""

import io
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from optax_zoo.learned import files

SETTINGS = "settings"


def save(path: Path, settings: dict[str, Any], tree: Any) -> None:
    """Writes a tree of arrays, and the settings of the run that they belong to."""
    buffer = io.BytesIO()
    np.savez(buffer, **{SETTINGS: np.array(json.dumps(settings)), **jax.device_get(_named(tree))})
    files.replace(path, buffer.getvalue())


def load(path: Path, settings: dict[str, Any], like: Any) -> Any:
    """What `save` has written, in the structure of `like`.

    Raises:
      ValueError: if the file is torn or not a checkpoint, or belongs to a run with other settings.
    """
    arrays = files.read_arrays(path, "checkpoint of meta-training")
    try:
        before = json.loads(str(arrays[SETTINGS]))
        leaves = [arrays[name] for name in _named(like)]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is not a checkpoint of this meta-training ({error}).") from None
    now = json.loads(json.dumps(settings))
    differences = [
        f"{name} was {before.get(name)} and now is {now.get(name)}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    if differences:
        raise ValueError(f"cannot resume from {str(path)!r}: {'; '.join(differences)}.")
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(tree: Any) -> dict[str, Any]:
    """The leaves by path."""
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}
