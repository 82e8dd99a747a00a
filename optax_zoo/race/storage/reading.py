"""Reading the folder of a race."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row, rank
from optax_zoo.race.settings import Dimension, Settings
from optax_zoo.race.storage.lines import Lines
from optax_zoo.running.errors import RaceError

RACE, RESULTS, TRIALS = "race.json", "results.jsonl", "trials.jsonl"


def load(folder: str | os.PathLike[str]) -> Result:
    """Reads the folder of a race, which may still be running: what is finished by now, the best first.

    Raises:
      RaceError: if there is no such folder, or if a file in it is not a record of a race.
    """
    path = Path(folder)
    if not path.is_dir():
        raise RaceError(f"there is no folder {str(path)!r}.")
    with naming("read", path / RACE, "is not a record of a race"):
        settings, record = read_race(path / RACE)
    rows = {row.optimizer: row for row in read_rows("read", Lines(path / RESULTS))}.values()
    return Result(_settings(settings), tuple(sorted(rows, key=rank)), record)


def read_race(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings as JSON gives them back, and the rest of race.json.

    Raises:
      RaceError: if they are those of another version of optax_zoo.
      OSError, ValueError, TypeError, KeyError: if the file is something else.
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    fields = dataclasses.fields(Settings)
    later = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    settings = {**later, **record.pop("settings")}
    strange = sorted({field.name for field in fields} ^ set(settings))
    if strange:
        raise RaceError(
            f"{str(path)!r} was written by another version of optax_zoo, whose results cannot be used "
            f"(settings that only one of them has: {', '.join(strange)})."
        )
    return settings, {**record, "versions": dict(record["versions"])}


def read_rows(purpose: str, lines: Lines) -> list[Row]:
    """The rows of results.jsonl; "cannot `purpose`" is how the sentence begins if that is not what it holds."""
    with naming(purpose, lines.path, "holds a line that is not a result"):
        return [Row.of(json.loads(line)) for line in lines.read()]


@contextlib.contextmanager
def naming(purpose: str, path: Path, fault: str) -> Iterator[None]:
    """Turns whatever goes wrong in reading a file into one sentence."""
    try:
        yield
    except RaceError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RaceError(f"cannot {purpose}: {str(path)!r} {fault} ({error}).") from None


def _settings(plain: Mapping[str, Any]) -> Settings:
    """Settings from what JSON gives back."""
    search = tuple(Dimension(*dimension) for dimension in plain["search"])
    return Settings(**{**{name: _tuples(value) for name, value in plain.items()}, "search": search})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
