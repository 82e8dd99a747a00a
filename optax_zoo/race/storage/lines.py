"""Files that survive a kill and a full disk: lines are appended durably, and files replaced atomically."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from optax_zoo.running.errors import RaceError


class Lines:
    """A file of lines, each of which is on the disk once it has been added.

    What follows the last line break is a line that a kill or a full disk has torn: it is not read, and the next line
    that is added takes its place.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path, self._end = path, 0

    def read(self) -> list[bytes]:
        """The whole lines that are there; none if the file is not.

        Raises:
          OSError: if the file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            content = b""
        self._end = content.rfind(b"\n") + 1
        return content[: self._end].splitlines()

    def add(self, line: str) -> None:
        """Adds a line after those that have been read or added; it is on the disk when this returns.

        Raises:
          RaceError: if it cannot be written; earlier lines are kept, and more can be added later.
        """
        encoded = line.encode() + b"\n"
        with writing(self.path), self.path.open("r+b" if self._end else "wb") as file:
            file.seek(self._end)
            if os.fstat(file.fileno()).st_size > self._end:
                file.truncate()
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        if not self._end:
            _sync(self.path.parent)
        self._end += len(encoded)


def write(path: Path, text: str) -> None:
    """Replaces a file atomically: a kill or a full disk leaves the old or the new.

    Raises:
      RaceError: if it cannot be written.
    """
    draft = path.with_name(path.name + ".draft")
    try:
        with writing(path):
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
    except RaceError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _sync(path.parent)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` of what is done inside, in the folder of a race, into one sentence.

    Raises:
      RaceError: it says what went wrong, and how to continue the race.
    """
    try:
        yield
    except OSError as error:
        if not path.parent.is_dir():
            raise RaceError(f"cannot write to {str(path)!r}: its folder has been removed during the race.") from None
        raise RaceError(
            f"cannot write to {str(path)!r}: {error.strerror or error}; what is finished is kept, "
            f"continue with --resume (resume=True)."
        ) from None


def _sync(folder: Path) -> None:
    """Syncs the entries of a folder to disk, where the system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
