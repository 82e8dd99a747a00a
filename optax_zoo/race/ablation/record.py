"""ablation.json."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optax_zoo.race import records
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.errors import RaceError

FILE = "ablation.json"


class Record:
    """ablation.json: what the levels are, from the start on, so that another ablation does not resume this one."""

    def __init__(self, out: str | os.PathLike[str], resume: bool, described: dict[str, Any]) -> None:
        """Writes the file, unless the race will refuse the folder.

        Raises:
          RaceError: if the folder cannot be written to, or holds another ablation that is to be resumed.
        """
        self.path, self.described = Path(out) / FILE, described
        results = self.path.with_name("results.jsonl")
        self.fresh, self.new_folders = False, list[Path]()
        try:
            occupied = results.exists() and results.stat().st_size > 0
            if self.path.exists() and resume:
                self._compare()
            elif not occupied:
                self.new_folders = [folder for folder in self.path.parents if not folder.exists()]
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.fresh = not self.path.exists()
                self._write(described)
        except OSError as error:
            raise RaceError(f"cannot write to {str(out)!r}: {error.strerror or error}.") from None

    def withdraw(self) -> None:
        """Removes the file again, and its folder, if they were made for a race that has been refused."""
        if self.fresh:
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty
            for folder in self.new_folders:
                folder.rmdir()

    def finish(self, ablation: Ablation) -> None:
        """Writes the combinations and effects."""
        combinations = [
            {"name": each.name, "levels": each.levels, "composition": each.composition, "diverged": each.diverged}
            for each in ablation.combinations
        ]
        effects = {
            kind: [{**dataclasses.asdict(e), "verdict": e.verdict} for e in getattr(ablation, kind)]
            for kind in ("effects", "interactions")
        }
        self._write({**self.described, "combinations": combinations, **effects})

    def _compare(self) -> None:
        try:
            before = json.loads(self.path.read_text())
            same = {key: before[key] for key in self.described} == self.described
        except (ValueError, KeyError, TypeError) as error:
            raise RaceError(f"cannot resume: {str(self.path)!r} is no record of an ablation ({error}).") from None
        if not same:
            raise RaceError(f"cannot resume: {str(self.path)!r} has another base or other levels.")

    def _write(self, content: Mapping[str, Any]) -> None:
        records.write(self.path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
