"""ablation.json."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from optax_zoo.race.ablation.effects import Combination, effects_of
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.results import Result
from optax_zoo.race.storage import lines
from optax_zoo.race.storage.locks import locked
from optax_zoo.running.errors import RaceError

FILE = "ablation.json"


@contextlib.contextmanager
def recorded(
    out: str | os.PathLike[str] | None, resume: bool, described: dict[str, Any]
) -> Iterator[Callable[[Ablation], None]]:
    """Locks the folder of an ablation, if there is one, and keeps `ablation.json` in it.

    Args:
      out: the folder.
      resume: whether an ablation that it holds is to be continued.
      described: what the base and the levels are.

    Yields:
      A function that writes the combinations and effects, at the end.

    Raises:
      RaceError: if the folder cannot be written to, is locked by another run, or holds another ablation that is to be
        resumed.
    """
    if out is None:
        yield lambda ablation: None
        return
    with locked(out):
        record = _Record(Path(out) / FILE, resume, described)
        try:
            yield record.finish
        except RaceError:
            record.withdraw()
            raise


def load(folder: str | os.PathLike[str], result: Result) -> Ablation | None:
    """The ablation that a folder holds, if it is finished; None if it holds none.

    Args:
      folder: the folder.
      result: the race in it.

    Raises:
      RaceError: if the record cannot be read.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        known = {each["name"]: each for each in record.get("combinations", [])}
        if known.keys() != {row.optimizer for row in result.rows}:
            return None
        combinations = tuple(
            Combination(row.optimizer, known[row.optimizer]["levels"], known[row.optimizer]["composition"], row)
            for row in result.rows
        )
        effects = effects_of(record["levels"], combinations)
        return Ablation(record["base"], record["levels"], combinations, *effects, result)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RaceError(f"{str(path)!r} is not a record of an ablation ({error}).") from None


class _Record:
    """ablation.json: the levels, from the start on, so that another ablation does not resume this one."""

    def __init__(self, path: Path, resume: bool, described: dict[str, Any]) -> None:
        """Writes the file, unless the race will refuse its folder.

        Raises:
          RaceError: if it cannot be written, or is that of another ablation that is to be resumed.
        """
        self.path, self.described = path, described
        results = [self.path.with_name(name) for name in ("results.jsonl", "trials.jsonl")]
        occupied = any(file.exists() and file.stat().st_size > 0 for file in results)
        self.fresh = not self.path.exists()
        if resume and not self.fresh:
            self._compare()
        elif not occupied:
            self._write(described)

    def withdraw(self) -> None:
        """Removes the file again if it was made for a race that was refused before it began."""
        if self.fresh and not self.path.with_name("race.json").exists():
            self.path.unlink(missing_ok=True)

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
            before = json.loads(self.path.read_text(encoding="utf-8"))
            same = {key: before[key] for key in self.described} == self.described
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RaceError(f"cannot resume: {str(self.path)!r} is not a record of an ablation ({error}).") from None
        if not same:
            raise RaceError(f"cannot resume: {str(self.path)!r} has another base or other levels.")

    def _write(self, content: Mapping[str, Any]) -> None:
        lines.write(self.path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
