"""Files of arrays that survive a kill: replaced atomically, read without pickle."""

import os
import zipfile
from pathlib import Path

import numpy as np


def replace(path: Path, content: bytes) -> None:
    """Replaces a file atomically: a kill leaves the old or the new one whole on disk."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_arrays(path: Path, kind: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file.

    Raises:
      ValueError: if it is not one, is torn, or holds pickled objects.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is not a {kind} ({error}).") from None
