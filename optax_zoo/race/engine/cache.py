"""Compiled programs in the user's cache folder, so that later races need not compile them again."""

import contextlib
import importlib.util
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

MOST_BYTES = 2**29  # beyond that the least recently used are removed
LEAST_SECONDS = 0.1  # what compiles faster is not kept


@contextlib.contextmanager
def kept_programs() -> Iterator[None]:
    """Inside, programs are loaded from `cache_folder` instead of compiled, and saved there if they are new.

    A cache that jax has already been given is used instead; `JAX_ENABLE_COMPILATION_CACHE=false` turns both off. A
    folder that cannot be written to, and a file that cannot be read, are ignored.
    """
    folder = _folder()
    if folder is None:
        yield
        return
    given = {
        "jax_compilation_cache_dir": str(folder),
        "jax_compilation_cache_max_size": MOST_BYTES,
        "jax_persistent_cache_min_compile_time_secs": LEAST_SECONDS,
    }
    before = {name: getattr(jax.config, name) for name in given}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
        try:
            _use(given)
            yield
        finally:
            _use(before)


def cache_folder() -> Path:
    """`optax-zoo/programs` in `XDG_CACHE_HOME`, by default in `~/.cache`.

    Raises:
      RuntimeError: if there is no home folder.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path("~/.cache").expanduser()) / "optax-zoo" / "programs"


def _folder() -> Path | None:
    """The folder, created if need be; None if there is to be none, or cannot be one."""
    config: Any = jax.config
    if not config.jax_enable_compilation_cache or config.jax_compilation_cache_dir is not None:
        return None
    if not importlib.util.find_spec("filelock"):  # jax needs it to limit the size
        return None
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):
        return None


def _use(options: dict[str, object]) -> None:
    for name, value in options.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
