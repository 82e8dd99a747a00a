"""The folder of a race: settings and results that survive a kill."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage import environment
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.storage.environment import differences
from optax_zoo.race.storage.lines import Lines, write
from optax_zoo.race.storage.locks import locked
from optax_zoo.race.storage.reading import RACE, RESULTS, TRIALS, naming, read_race, read_rows
from optax_zoo.running.errors import RaceError


class Folder:
    """The folder that a race, and nothing else meanwhile, is written to: a context manager.

    `race.json` is written at the start, a line of `trials.jsonl` for each finished batch of trials, and a line of
    `results.jsonl` for each finished optimizer.

    Attributes:
      path: the folder.
      occupied: whether it holds trials or results to continue from.
      batches: the finished trials.
      record: versions, machine, command line and time of the start; and of each resume, under "resumed".
    """

    batches: Batches

    def __init__(self, path: str | os.PathLike[str], resume: bool) -> None:
        """Nothing is created or read yet.

        Args:
          path: the folder, which is created if need be.
          resume: whether results that it holds are to be continued.
        """
        self.path, self.resume = Path(path), resume
        self.record: dict[str, Any] = {}
        self._results = Lines(self.path / RESULTS)
        self._complete = False

    def __enter__(self) -> "Folder":
        """Creates the folder, and makes sure that it can be written to and that no other race writes to it.

        Raises:
          RaceError: if it cannot, if another race does, or if it holds results that are not to be resumed.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(self.path))
            self._open()
            self._held = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Releases the folder; one that was created for nothing is removed."""
        self._held.close()

    def _open(self) -> None:
        files = [self.path / name for name in (RACE, RESULTS, TRIALS)]
        try:
            for file in files:
                if file.exists():
                    file.open("r+").close()
            self.occupied = _occupied(self.path)
            if not self.resume:
                refuse_occupied([self.path])
            self.batches = Batches(self.path / TRIALS)
        except OSError as error:
            raise RaceError(f"cannot write to {error.filename!r}: {error.strerror or error}.") from None

    def finished(self, settings: Settings) -> dict[str, Row]:
        """The rows that are there, by optimizer.

        Raises:
          RaceError: if settings or versions differ from those of `race.json`, or if a file is not a record of a race.
        """
        if not self.occupied:
            return {}
        with naming("resume", self.path / RACE, "is not a record of a race"):
            before, self.record = read_race(self.path / RACE)
            now = json.loads(json.dumps(dataclasses.asdict(settings)))
            changes = [*differences(before, now), *differences(self.record["versions"], environment.versions())]
        if changes:
            raise RaceError(f"cannot resume in {str(self.path)!r}: {'; '.join(changes)}.")
        rows = {row.optimizer: row for row in read_rows("resume", self._results)}
        self._complete = {name for name, row in rows.items() if not row.failure} >= set(settings.optimizers)
        return rows

    def begin(self, settings: Settings) -> None:
        """Writes `race.json`; on a resume that has something left to do, adds this run to it.

        Raises:
          RaceError: if it cannot be written.
        """
        if not self.occupied:
            self.record = environment.record()
        elif not self._complete:
            self.record = {**self.record, "resumed": [*self.record.get("resumed", []), environment.run()]}
        else:
            return
        described = {"settings": dataclasses.asdict(settings), **self.record}
        write(self.path / RACE, json.dumps(described, indent=2) + "\n")

    def append(self, row: Row) -> None:
        """Adds a row, which is on the disk when this returns.

        Raises:
          RaceError: if it cannot be written; earlier rows are kept.
        """
        self._results.add(json.dumps(dataclasses.asdict(row), allow_nan=False))


def steps_in(path: str | os.PathLike[str], settings: Settings) -> dict[str, int]:
    """The steps of a race of these optimizers with this budget in time; empty if the folder has no such race.

    Raises:
      RaceError: if there is something else in race.json.
    """
    file = Path(path) / RACE
    if not file.exists():
        return {}
    with naming("resume", file, "is not a record of a race"):
        before = read_race(file)[0]
        alike = before["time_budget"] == settings.time_budget and before["optimizers"] == list(settings.optimizers)
        return {str(name): int(steps) for name, steps in before["own_steps"]} if alike else {}


def refuse_occupied(folders: Iterable[Path]) -> None:
    """Makes sure that there are no results in any of these folders.

    Raises:
      RaceError: if there are.
    """
    for folder in folders:
        if _occupied(folder):
            raise RaceError(
                f"{str(folder)!r} holds results already; continue them with --resume (resume=True), "
                f"or choose another folder with --out (out=...)."
            )


def _occupied(folder: Path) -> bool:
    files = [folder / name for name in (RESULTS, TRIALS)]
    return any(file.exists() and file.stat().st_size > 0 for file in files)
