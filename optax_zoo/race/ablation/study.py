"""An ablation from beginning to end."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optax_zoo.race import html
from optax_zoo.race import settings as checks
from optax_zoo.race.ablation.effects import BASE, Changes, Combination, described, effects_of
from optax_zoo.race.ablation.levels import Base, base_of, composition_of, factory_of, levels_of, shown_of
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.ablation.page import lead
from optax_zoo.race.ablation.plots import draw_effects
from optax_zoo.race.ablation.record import recorded
from optax_zoo.race.engine.cache import kept_programs
from optax_zoo.race.engine.processes import from_first, is_first, wait_for_first
from optax_zoo.race.runner import race
from optax_zoo.race.storage.lines import writing
from optax_zoo.race.task import Task
from optax_zoo.running.errors import EntrantError, RaceError, require
from optax_zoo.running.out import check_out

REPORT = "report.html"


def ablate(
    base: Base,
    *,
    task: Task | str | None = None,
    rates: Iterable[float] = checks.RATES,
    seeds: int = checks.SEEDS,
    final_seeds: int = checks.FINAL_SEEDS,
    steps: int | None = None,
    seed: int = 0,
    schedule: str = "constant",
    warmup: float = 0.0,
    weight_decay: float = 0.0,
    mapping: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    report: bool = True,
    progress: bool = True,
    **slots: Mapping[str, Any] | Sequence[Any],
) -> Ablation:
    """Races all combinations of parts in the slots of an optimizer, and says what each part contributes.

    The rules are those of `optax_zoo.race.race`: every combination gets the rate that suits it. Effects are differences
    of the test metric between combinations that start from the same parameters and see the same batches, seed by seed,
    with a 95 % t-interval over the final seeds.

    Args:
      base: the name of one of our algorithms, a `Pipeline`, or a function from learning rate to `Pipeline`.
      task: as for `race`, like all arguments up to `progress`.
      rates: the grid of learning rates.
      seeds: seeds per rate.
      final_seeds: fresh seeds at the best rate.
      steps: steps of each trial; by default the budget of the task.
      seed: the seed that all others are derived from.
      schedule: what the rate is multiplied by.
      warmup: the share of the steps in which the rate rises.
      weight_decay: decoupled, for every combination.
      mapping: how a device runs its trials.
      out: folder for the files of the race and ablation.json; by default nothing is written.
      resume: continue the ablation in `out`.
      report: whether to write report.html.
      progress: whether to show progress on standard error.
      **slots: for each slot to vary, the levels that it takes besides the base's own part: a mapping from label to
        part, or a sequence of parts, which are then labelled by what they print as. A part may be given as a function
        from learning rate to part; None empties the slot.

    Returns:
      The outcome with a row for each combination, main effects and interactions; it prints as tables.

    Raises:
      RaceError: if the input cannot be raced or the folder cannot be written to; nothing has been computed then.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    check_out(out)
    if out is not None and report:
        require("jinja2")
    name, at_rate = base_of(base)
    parts = levels_of(name, at_rate, slots)
    grid = [dict(zip(parts, labels, strict=True)) for labels in itertools.product(*parts.values())]
    factories = {_name(name, levels): factory_of(at_rate, parts, levels) for levels in grid}
    if len(factories) < len(grid):
        raise RaceError("two combinations have the same name; choose other labels.")
    compositions = {combination: composition_of(combination, factory) for combination, factory in factories.items()}
    shown = shown_of(at_rate, parts)
    options: dict[str, Any] = {"rates": rates, "seeds": seeds, "final_seeds": final_seeds, "steps": steps, "seed": seed}
    rules: dict[str, Any] = {"schedule": schedule, "warmup": warmup, "weight_decay": weight_decay, "mapping": mapping}
    with kept_programs(), contextlib.ExitStack() as stack:
        record: list[Callable[[Ablation], None]] = []
        from_first(lambda: record.append(stack.enter_context(recorded(out, resume, {"base": name, "levels": shown}))))
        try:
            result = race(
                factories,
                task=task,
                **options,
                **rules,
                out=out,
                resume=resume,
                strict=True,
                report=False,
                progress=progress,
            )
        except EntrantError as error:
            raise RaceError(f"cannot race {name}: {error}") from error
        chosen = dict(zip(factories, grid, strict=True))
        combinations = tuple(
            Combination(row.optimizer, chosen[row.optimizer], compositions[row.optimizer], row) for row in result.rows
        )
        ablation = Ablation(name, shown, combinations, *effects_of(shown, combinations), result)
        for finish in record:
            finish(ablation)
        if out is not None and is_first():
            _present(ablation, Path(out), report)
        wait_for_first()
    return ablation


def _present(ablation: Ablation, folder: Path, report: bool) -> None:
    """Writes the picture, and the report with the ablation on top."""
    with writing(folder / REPORT):
        draw_effects(ablation, folder)
        if report:
            html.write([ablation.result], folder / REPORT, lead=lead(ablation))


def _name(base: str, levels: Changes) -> str:
    changes = {slot: level for slot, level in levels.items() if level != BASE}
    return f"{base}[{described(changes)}]" if changes else base
