"""What low precision costs in training: narrow parameters with and without a wrapper, and narrow states.

`python docs/precision_trials.py --run parameters --run states` trains (half an hour on two cores; what is in
docs/results/precision.json is kept), and `--write docs/precision.md` makes the tables of it. The rate of each optimizer
is the best of a grid in float32, by the validation loss of another seed, and serves for all its rows; it falls to 0 by
half a cosine. Models compute in float32 from the parameters as they are.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from pages import fill

import optax_zoo as zoo
from optax_zoo import precision
from optax_zoo.race import settings as checks
from optax_zoo.race.engine import processes
from optax_zoo.race.statistics.estimates import half_width

FILE = Path(__file__).parent / "results" / "precision.json"
TASKS = ("char_lm", "mnist5k_cnn")
OPTIMIZERS = ("adam", "expectigrad", "novograd", "muon")
RATES = tuple(10 ** (exponent / 2) for exponent in range(-6, -1))
STEPS = 200
TUNING, FINAL = range(1), range(1, 6)

PARAMETERS = {
    "float32": lambda tx: tx,
    "bfloat16": lambda tx: tx,
    "bfloat16, master weights": precision.with_master_weights,
    "bfloat16, Kahan summation": precision.with_kahan_summation,
    "bfloat16, stochastic rounding": precision.with_stochastic_rounding,
}
STATES = {
    f"state in {dtype}{', stochastic' if key is not None else ''}": (dtype, key)
    for dtype in ("int8", "float8_e4m3fn")
    for key in (None, 0)
}


def narrow(task):
    """A task whose parameters are in bfloat16."""

    def widened(function):
        return lambda params, *rest: function(jax.tree.map(lambda p: p.astype(jnp.float32), params), *rest)

    return dataclasses.replace(
        task,
        init=lambda key: jax.tree.map(lambda p: p.astype(jnp.bfloat16), task.init(key)),
        loss=widened(task.loss),
        metric=widened(task.metric),
    )


def wrapper(row):
    """What is put around the optimizer in a row."""
    if row in PARAMETERS:
        return PARAMETERS[row]
    dtype, key = STATES[row]
    return lambda tx: precision.with_quantized_state(tx, dtype, min_size=256, key=key)


def trained(task, name, row, rates, seeds):
    """The test losses of an optimizer, a row for each rate, and its validation losses late in training."""
    from optax_zoo.race.engine.layout import layout_of
    from optax_zoo.race.engine.program import Point, Program
    from optax_zoo.race.engine.trials import prepare
    from optax_zoo.race.storage.batches import Batches
    from optax_zoo.running.entrants import resolve

    around = wrapper(row)
    entrants = {row: lambda learning_rate: around(zoo.create(name, learning_rate=learning_rate))}
    rules = {"seed": 0, "schedule": "cosine", "warmup": 0.0, "weight_decay": 0.0, "search": {}, "samples": 0}
    counts = {"rates": rates, "seeds": len(seeds), "final_seeds": 2, "steps": STEPS, "mapping": "auto"}
    settings = checks.check(entrants, task, **counts, **rules)
    layout = layout_of(settings)
    start = layout.replicate(prepare(task, 0, max(FINAL) + 1))
    (entrant,) = resolve(entrants).values()
    program = Program(task, entrant, settings, start, Batches(None), layout)
    quiet = SimpleNamespace(advance=lambda trials: None, skip=lambda trials: None)
    trials = program.run([Point(rate) for rate in rates for _ in seeds], [*seeds] * len(rates), quiet)
    late = trials.validation_loss[:, -max(1, trials.validation_loss.shape[1] // 4) :].mean(axis=1)
    shape = (len(rates), len(seeds))
    return trials.test_loss.reshape(shape), late.reshape(shape), program.state_bytes


def run(rows):
    """Trains what is missing, and saves after each row."""
    from optax_zoo.race.tasks import create_task

    processes.use_all_cores(2)
    found = json.loads(FILE.read_text()) if FILE.exists() else {}
    for task_name in TASKS:
        task = create_task(task_name)
        for name in OPTIMIZERS:
            kept = found.setdefault(f"{task_name}/{name}", {})
            if "rate" not in kept:
                _, late, _ = trained(task, name, "float32", RATES, TUNING)
                kept["rate"] = RATES[int(np.nanargmin(np.where(np.isfinite(late), late, np.nan).mean(axis=1)))]
            for row in rows:
                if row not in kept:
                    of = narrow(task) if row.startswith("bfloat16") else task
                    losses, _, state_bytes = trained(of, name, row, [kept["rate"]], FINAL)
                    kept[row] = {"losses": [float(x) for x in losses[0]], "state_bytes": state_bytes}
                    FILE.write_text(json.dumps(found, indent=1) + "\n")
                    print(task_name, name, row, np.round(losses[0], 4), f"{state_bytes:.2f}", flush=True)


def table(found, task_name, rows):
    """Test losses of what has been trained: means and paired differences to float32, with their 95 % intervals."""
    names = [name for name in OPTIMIZERS if found.get(f"{task_name}/{name}", {}).keys() >= set(rows)]
    if not names:
        return ""
    lines = ["| | " + " | ".join(f"`{name}`" for name in names) + " |", "| --- |" + " ---: |" * len(names)]
    for row in rows:
        cells = [_cell(found[f"{task_name}/{name}"], row) for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(kept, row):
    losses, wide = (np.array(kept[each]["losses"]) for each in (row, "float32"))
    if row == "float32":
        return f"{losses.mean():.4f} ± {half_width(losses):.4f}"
    lost = 100 * (losses - wide) / wide.mean()
    return f"{losses.mean():.4f} ({lost.mean():+.2f} ± {half_width(lost):.2f} %)"


def write(page):
    """Rewrites the tables in a page."""
    found = json.loads(FILE.read_text())
    text = page.read_text(encoding="utf-8")
    for kind, rows in {"parameters": list(PARAMETERS), "states": ["float32", *STATES]}.items():
        tables = {task: table(found, task, rows) for task in TASKS}
        parts = [f"`{task}`:\n\n{body}" for task, body in tables.items() if body]
        text = fill(text, f"precision-{kind}", "\n\n".join(parts))
    page.write_text(text, encoding="utf-8")


def main():
    """Trains, or writes the tables."""
    parser = argparse.ArgumentParser(description="What low precision costs in training.")
    parser.add_argument("--run", choices=["parameters", "states"], action="append", default=[], help="train these")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    rows = {"parameters": PARAMETERS, "states": {"float32": None, **STATES}}
    for kind in arguments.run:
        run(list(rows[kind]))
    if arguments.write:
        write(arguments.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
