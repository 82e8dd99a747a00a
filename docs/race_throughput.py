"""How fast a race trains: `python docs/race_throughput.py [loops] [mapping] [estimate] [--write docs/performance.md]`.

`loops` compares ways to train the same trials of digits_mlp, `mapping` trials one after the other with vectorized ones
on several tasks, and `estimate` says how long all optimizers take on all tasks. All take turns in one process.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np
from pages import fill
from race_throughput_loops import (
    Timed,
    Work,
    choose_torch_threads,
    jitted_step,
    jitted_trial,
    race_program,
    torch_loop,
)
from race_throughput_tasks import COSTLY, COSTLY_STEPS, MAPPED_STEPS, TRIALS, estimate_rows, mapping_rows

from optax_zoo.race.tasks import create_task

STEPS = 600
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RACE, STEP, TRIAL = "the race", "Python loop, step jitted for each trial", "one jitted loop, compiled for each trial"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def setting() -> str:
    """Versions, machine, and what else it did."""
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("jax", "optax", "flax"))
    load = f", load average {os.getloadavg()[1]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{versions}, Python {platform.python_version()}, {CORES} CPU cores{load}."


def loops(rounds: int) -> str:
    """Trials per second of each way; the ways take turns, and the best round of each counts."""
    work = Work.of(create_task("digits_mlp"), STEPS)
    ways: dict[str, Callable[[Work], Timed]] = {
        RACE: race_program("map"),
        "the race on one device": race_program("map", devices=1),
        "the race, vectorized": race_program("vmap"),
        STEP: jitted_step,
        TRIAL: jitted_trial,
    }
    if importlib.util.find_spec("torch"):
        threads = choose_torch_threads(work, CORES)
        ways[f"PyTorch {importlib.metadata.version('torch')}, {threads} thread{'s' if threads > 1 else ''}"] = (
            torch_loop
        )
    else:
        print("no row for PyTorch: torch is not installed (extra peers).", file=sys.stderr)
    found: dict[str, list[Timed]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            found[name].append(way(work))
            last = found[name][-1]
            print(f"round {number}: {name}: {last.compiling:.3f} + {last.training:.4f} s", file=sys.stderr, flush=True)
    heads = ["way", "trials timed", "compiling, s per trial", "training, s per trial"]
    heads += ["trials/s without compiling", "trials/s with compiling", "test accuracy"]
    best = {name: _best(each) for name, each in found.items()}
    rows = [_loop_row(name, timed) for name, timed in best.items()]
    return f"{markdown(heads, rows)}\n\n{_gains(best)}\n\nBest of {rounds} rounds; {setting()}"


def _best(rounds: Sequence[Timed]) -> Timed:
    compiling, training = (min(getattr(each, part) for each in rounds) for part in ("compiling", "training"))
    return Timed(compiling, training, rounds[0].trials, rounds[0].accuracies)


def _loop_row(name: str, timed: Timed) -> list[str]:
    compiling = f"{timed.compiling:.3f}" if timed.compiling else ""
    speeds = (1 / timed.training, 1 / (timed.compiling + timed.training))
    shown = [f"{speed:.3g}" for speed in speeds]
    return [name, str(timed.trials), compiling, f"{timed.training:.4f}", *shown, f"{np.mean(timed.accuracies):.3f}"]


def _gains(best: dict[str, Timed]) -> str:
    """How many times as many trials the race does as each of the others."""
    race = best.pop(RACE)
    parts = []
    for name, other in best.items():
        alone, whole = other.training / race.training, (other.compiling + other.training)
        parts.append(f"{whole / (race.compiling + race.training):.1f} ({alone:.1f} without compiling) of {name}")
    return f"Times as many trials per second of the race: {'; '.join(parts)}."


def mapping(rounds: int) -> str:
    """Milliseconds per step and trial of `map` and `vmap`."""
    heads = ["task", "trials at once, map", "ms per step and trial", "trials at once, vmap", "ms per step and trial"]
    table = markdown([*heads, "vmap / map"], list(mapping_rows(rounds)))
    return f"{table}\n\nAdam, {MAPPED_STEPS} steps, medians of {rounds + 1} batches that take turns; {setting()}"


def estimate(rounds: int) -> str:
    """How long all optimizers take on all tasks."""
    heads = ["task", "steps", "Adam, ms per step and trial", f"`{COSTLY}`, ms", "compiling, s per optimizer"]
    table = markdown([*heads, "all but it", f"`{COSTLY}`", "together"], list(estimate_rows()))
    reckoned = f"{TRIALS} trials per optimizer; `{COSTLY}` is timed over {COSTLY_STEPS} steps"
    return f"{table}\n\n{reckoned}; {setting()}"


PARTS: dict[str, Callable[[int], str]] = {"loops": loops, "mapping": mapping, "estimate": estimate}


def main() -> int:
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(description="How fast a race trains.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; by default all")
    parser.add_argument("--rounds", type=int, default=3, help="how often the ways take turns (3)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown or arguments.rounds < 1:
        parser.error(f"PART is one of {', '.join(PARTS)}, and --rounds is at least 1.")
    jax.config.update("jax_num_cpu_devices", CORES)
    for part in arguments.parts or PARTS:
        body = PARTS[part](arguments.rounds)
        print(body, flush=True)
        if arguments.write:
            try:
                arguments.write.write_text(fill(arguments.write.read_text(), f"race-{part}", body))
            except (OSError, ValueError) as error:
                parser.error(f"{arguments.write}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
