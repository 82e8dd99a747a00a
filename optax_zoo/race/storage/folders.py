"""The races in several folders, those on the same task as one."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optax_zoo.race.results import Result
from optax_zoo.race.rows import rank
from optax_zoo.race.storage.reading import load
from optax_zoo.running.errors import RaceError

Found = tuple[Path, Result]


def collect(folders: Iterable[str | os.PathLike[str]]) -> tuple[Result, ...]:
    """Reads races back, in the order of the folders.

    Args:
      folders: each the folder of a race, or one that holds such folders, as a race over several tasks writes it.

    Returns:
      A result for each task. Rows of the same task from several folders are merged and ranked anew; the record is that
      of the first folder, with the others' commands.

    Raises:
      RaceError: if a folder holds no race or no result yet, or if races on the same task differ in their settings or
        in the row of an optimizer.
    """
    merged: dict[str, Found] = {}
    for path in (race for folder in folders for race in _races(Path(folder))):
        found = path, _load(path)
        task = found[1].settings.task
        merged[task] = _merge(merged[task], found) if task in merged else found
    if not merged:
        raise RaceError("folders is empty, but must name at least one.")
    return tuple(result for _, result in merged.values())


def _load(path: Path) -> Result:
    result = load(path)
    if not result.rows:
        raise RaceError(f"{str(path)!r} holds no result yet: no optimizer has finished.")
    return result


def _races(folder: Path) -> list[Path]:
    """The folder itself if it is one of a race, else those in it that are."""
    if (folder / "race.json").exists():
        return [folder]
    inner = sorted(path.parent for path in folder.glob("*/race.json"))
    if not inner:
        raise RaceError(f"{str(folder)!r} holds no race: there is no race.json in it, nor in a folder in it.")
    return inner


def _merge(first: Found, second: Found) -> Found:
    (path, one), (other_path, two) = first, second
    where = f"cannot merge {str(path)!r} and {str(other_path)!r}"
    _check_settings(where, one, two)
    rows = {row.optimizer: row for row in one.rows}
    for row in two.rows:
        if rows.setdefault(row.optimizer, row) != row:
            raise RaceError(f"{where}: they have different results of {row.optimizer!r}.")
    settings = dataclasses.replace(one.settings, optimizers=tuple(rows))
    return path, Result(settings, tuple(sorted(rows.values(), key=rank)), _record(one, two))


def _check_settings(where: str, one: Result, two: Result) -> None:
    first, second = (dataclasses.asdict(result.settings) for result in (one, two))
    for name in first:
        if name != "optimizers" and first[name] != second[name]:
            raise RaceError(f"{where}: {name} is {_shown(first[name])} and {_shown(second[name])}.")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{x:.3g}" if isinstance(x, float) else str(x) for x in value) or "empty"
    return str(value)


def _record(one: Result, two: Result) -> dict[str, Any]:
    """The first record, and what the second has that differs, under the same names with a number."""
    merged = dict(one.record)
    others = {name: value for name, value in two.record.items() if value not in merged.values()}
    for name, value in others.items():
        number = next(n for n in range(2, len(merged) + 3) if f"{name} ({n})" not in merged)
        merged[f"{name} ({number})"] = value
    return merged
