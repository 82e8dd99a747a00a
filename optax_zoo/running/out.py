"""The folder that results are written to."""

import os

from optax_zoo.running.errors import RaceError


def check_out(out: str | os.PathLike[str] | None) -> None:
    """Refuses an empty name, which would be that of the current folder.

    Raises:
      RaceError: for it.
    """
    if out is not None and not str(out).strip():
        raise RaceError(f"out is {out!r}, but must be the name of a folder ('.' for the current one).")
