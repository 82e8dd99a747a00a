"""One run at a time in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from optax_zoo.running.errors import RaceError, require

LOCK = ".lock"


@contextlib.contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Creates a folder and locks it against other processes and threads; the same thread may lock it again inside.

    The lock is released when the process ends, however that happens. A folder that holds nothing else at the end is
    left as it was found.

    Raises:
      RaceError: if the folder cannot be written to, or if another run holds it.
      MissingExtraError: without the package filelock.
    """
    require("filelock")
    folder = Path(path).absolute()
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.callback(_remove, made)
            if _acquire(folder / LOCK, held):
                held.callback(_tidy, folder)
        except FileExistsError:
            raise RaceError(f"cannot write to {str(path)!r}: it is a file, not a folder.") from None
        except OSError as error:
            raise RaceError(f"cannot write to {str(path)!r}: {error.strerror or error}.") from None
        yield


def _acquire(file: Path, held: contextlib.ExitStack) -> bool:
    """Whether this thread did not hold the lock before.

    Raises:
      RaceError: if another run holds it.
      OSError: if the file cannot be written.
    """
    from filelock import FileLock, Timeout

    holder = _holder(file)
    lock = FileLock(file, is_singleton=True)
    try:
        held.enter_context(lock.acquire(timeout=0))
    except Timeout:
        raise RaceError(
            f"another run{holder} is writing to {str(file.parent)!r}; wait for it, or choose another folder with --out "
            f"(out=...)."
        ) from None
    if lock.lock_counter > 1:
        return False
    file.write_text(str(os.getpid()))
    return True


def _holder(file: Path) -> str:
    """The process whose number is in the file, if that can be read."""
    with contextlib.suppress(OSError):
        number = file.read_text(errors="replace").strip()
        return f" (process {number})" if number.isdecimal() else ""
    return ""


def _remove(folders: list[Path]) -> None:
    """Removes folders, from the inside out, as long as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _tidy(folder: Path) -> None:
    """Removes the lock from a folder, which may be gone, if it is all that is there."""
    with contextlib.suppress(OSError):
        if os.listdir(folder) == [LOCK]:
            (folder / LOCK).unlink()
