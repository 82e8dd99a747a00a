"""The folder of a race: settings and results that survive a kill."""

import dataclasses
import importlib.metadata
import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

import optax_zoo
from optax_zoo.race.errors import RaceError
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings

PACKAGES = ("jax", "jaxlib", "optax", "flax", "numpy")


class Folder:
    """Where a race is written: `race.json` at its start, a line of `results.jsonl` for each finished optimizer."""

    def __init__(self, path: str | os.PathLike[str], resume: bool) -> None:
        """Makes the folder and makes sure that it can be written to.

        Raises:
          RaceError: if it cannot, or if it holds results that are not to be resumed.
        """
        self.path = Path(path)
        self.race, self.results = self.path / "race.json", self.path / "results.jsonl"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            occupied = self.results.exists() and self.results.stat().st_size > 0
        except OSError as error:
            raise RaceError(f"cannot write to {str(self.path)!r}: {error.strerror or error}.") from None
        if occupied and not resume:
            raise RaceError(
                f"{str(self.path)!r} holds results already; continue them with --resume (resume=True), "
                f"or choose another folder with --out (out=...)."
            )
        self.occupied = occupied

    def begin(self, settings: Settings) -> None:
        """Writes `race.json`."""
        described = {
            "settings": dataclasses.asdict(settings),
            "versions": _versions(),
            "machine": _machine(),
            "command": shlex.join(sys.orig_argv),
        }
        write(self.race, json.dumps(described, indent=2) + "\n")

    def finished(self, settings: Settings) -> dict[str, Row]:
        """The rows that are there, by optimizer; a line that a kill has torn is cut off.

        Raises:
          RaceError: if settings or versions differ from those of `race.json`, or if a file is no record of a race.
        """
        if not self.occupied:
            return {}
        try:
            before = json.loads(self.race.read_text())
            now = json.loads(json.dumps({"settings": dataclasses.asdict(settings), "versions": _versions()}))
            differences = [*_differ(before["settings"], now["settings"]), *_differ(before["versions"], now["versions"])]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RaceError(f"cannot resume: {str(self.race)!r} is no record of a race ({error}).") from None
        if differences:
            raise RaceError(f"cannot resume in {str(self.path)!r}: {'; '.join(differences)}.")
        return {row.optimizer: row for row in self._read()}

    def append(self, row: Row) -> None:
        """Adds a row, which is on the disk when this returns."""
        with self.results.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(row), allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> list[Row]:
        text = self.results.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write(self.results, whole)
        try:
            return [Row.of(json.loads(line)) for line in whole.splitlines()]
        except (ValueError, TypeError, AttributeError) as error:
            raise RaceError(f"cannot resume: {str(self.results)!r} holds a line that is no result ({error}).") from None


def write(path: Path, text: str) -> None:
    """Replaces a file at once: a kill leaves the old or the new."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _differ(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {_short(before.get(name))} and now is {_short(now.get(name))}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(f"{x:.3g}" if isinstance(x, float) else str(x) for x in value)
    return str(value)


def _versions() -> dict[str, str | None]:
    installed = {package: _version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **installed, "optax_zoo": optax_zoo.__version__}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "device": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
    }
