"""The tables of choose.md, from the races saved in docs/results/choose."""

import functools
import json
import math

import numpy as np
from choose_races import AT_DEFAULTS, ENTRANTS, FALLING, OF_SCHEDULES, OF_SIZES, SIZES, TASKS
from results_replay_tables import markdown

from optax_zoo.race import load, summarize
from optax_zoo.race.analysis.comparisons import differences
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.race.terminal.formats import column_places, with_interval

KEPT = 0.95  # of a score, by which rates are counted


def links(name):
    return f"[`{name}`](algorithms/{name}.md)" if name in ENTRANTS else f"`{name}`"


@functools.cache
def results_of(saved):
    """The race on each task."""
    return {task: load(saved / task) for task in TASKS}


@functools.cache
def summary_of(saved):
    """Over all tasks."""
    return summarize(list(results_of(saved).values()))


def rates_kept(saved, name):
    """How many rates of the grid keep `KEPT` of the best one's score, the mean over tasks."""
    return float(np.mean([_rates_kept(result, name) for result in results_of(saved).values()]))


def _rates_kept(result, name):
    row = result[name]
    scores = np.array(row.tuning_validation_metric, float).mean(axis=1)
    scores = np.where(np.array(row.tuning_diverged).any(axis=1), -np.inf, scores)
    gained = scores - row.untrained_test_metric
    return int(np.sum(gained >= KEPT * np.nanmax(gained)))


def times_of(saved):
    """How many times as long as Adam's a training step takes on char_lm."""
    path = saved / "times.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def state_bytes(saved, name):
    """Bytes of state a parameter: the median over tasks."""
    return float(np.median([result[name].state_bytes for result in results_of(saved).values()]))


def overall(saved):
    """Every optimizer over all tasks."""
    summary, times = summary_of(saved), times_of(saved)["ratios"]
    tasks = sorted(TASKS)
    rows = []
    for name, scores in summary.scores.items():
        value, low, high = scores.overall
        tiers = [summary.standing[task][name].tier for task in tasks]
        ratios = summary.profile_of_steps[name].by_task
        rows.append(
            [
                links(name),
                with_interval(value, (low, high), 3),
                str(sum(tier == 1 for tier in tiers)),
                f"{min(scores.by_task):.2f} ({tasks[int(np.argmin(scores.by_task))]})",
                _ratio(ratios),
                f"{rates_kept(saved, name):.1f}",
                f"{state_bytes(saved, name):.1f}",
                f"{times[name]:.2f}",
            ]
        )
    heads = ["optimizer", "score, IQM [95 %]", "tasks in the first tier", "lowest score", "steps to target"]
    return markdown([*heads, "rates that keep 95 %", "bytes a parameter", "time of a step"], rows)


def _ratio(ratios):
    missed = sum(not math.isfinite(ratio) for ratio in ratios)
    reached = [ratio for ratio in ratios if math.isfinite(ratio)]
    text = f"{np.exp(np.mean(np.log(reached))):.1f}" if reached else "-"
    return f"{text} (misses {missed})" if missed else text


def by_task(saved):
    """The first tier of each task, and how many were told apart."""
    rows = []
    for task, result in results_of(saved).items():
        standing = summary_of(saved).standing[task]
        found, pairs = standing.told_apart
        best = result[standing.tiers[0][0]]
        (places,) = column_places([best.test_metric_interval])
        rows.append(
            [
                f"`{task}`",
                f"{TASKS[task]}",
                result.settings.metric,
                with_interval(best.test_metric, best.test_metric_interval, places),
                ", ".join(f"`{name}`" for name in standing.tiers[0]),
                f"{len(standing.tiers)}",
                f"{found} of {pairs}",
            ]
        )
    heads = ["task", "steps", "metric", "the best", "first tier, the best first", "tiers", "pairs told apart"]
    return markdown(heads, rows)


def at_defaults(saved):
    """Rates by default against tuned ones, as shares of the score of tuned AdamW."""
    rows = []
    for task, result in results_of(saved).items():
        adamw = result["adamw"]
        base, best = adamw.untrained_test_metric, adamw.test_metric
        cells = [f"`{task}`"]
        for name in AT_DEFAULTS:
            row = result[name]
            values = np.array([np.nan if x is None else x for x in row.default_test_metric], float)
            default = (interquartile_mean(values) - base) / (best - base) if np.isfinite(values).all() else np.nan
            tuned = np.nan if row.test_metric is None else (row.test_metric - base) / (best - base)
            cells += [_share(default), _share(tuned)]
        rows.append(cells)
    heads = [each for name in AT_DEFAULTS for each in (f"{name}, default", f"{name}, tuned")]
    return markdown(["task", *heads], rows)


def _share(value):
    return "diverged" if not np.isfinite(value) else f"{max(value, 0):.2f}"


def versus(result, first, second):
    """The mean difference of two rows over the same seeds with its interval, and whether it was found."""
    for pair in differences(result):
        if {pair.first, pair.second} == {first, second}:
            sign = 1 if pair.first == first else -1
            low, high = sorted(sign * end for end in pair.interval)
            word = "found" if pair.found else "not found"
            return f"{sign * pair.difference:+.3f} [{low:+.3f}, {high:+.3f}], {word} (p = {pair.p_value:.2g})"
    return "not compared: one diverged"


def language(saved):
    """AdamW, Muon and SOAP on characters, by what was tuned."""
    tuned, guide = load(saved / "language"), results_of(saved)["char_lm"]
    default = interquartile_mean(np.array(guide["adamw"].default_test_metric, float))
    rows = [["`adamw`", "nothing: rate 0.001", "1", f"{default:.3f}", "-"]]
    for name in ("adamw", "muon", "soap"):
        for result, what in ((guide, "rate and decay"), (tuned, "rate, decay and averages")):
            row = result[name]
            trials = len(row.rates) + len(row.search_rates)
            apart = "-" if name == "adamw" else versus(result, name, "adamw")
            rows.append([f"`{name}`", what, str(trials), _figure(row), apart])
    return markdown(["optimizer", "tuned", "trials", "negative bits a character", "more than AdamW, tuned alike"], rows)


def _figure(row):
    if row.test_metric is None:
        return "diverged"
    (places,) = column_places([row.test_metric_interval])
    return with_interval(row.test_metric, row.test_metric_interval, places)


def batches(saved):
    """Test loss and best rate by batch size."""
    rows = []
    for size in SIZES:
        result = load(saved / f"batch_{size}")
        cells = [str(size)]
        for name in OF_SIZES:
            cells += [f"{result[name].best_rate:.2g}", _figure(result[name])]
        rows.append(cells)
    return markdown(["batch", *(each for name in OF_SIZES for each in (f"{name}, rate", "negative loss"))], rows)


def exponents(saved):
    """How the best rate grows with the batch: the slope of its logarithm."""
    rates = {name: [load(saved / f"batch_{size}")[name].best_rate for size in SIZES] for name in OF_SIZES}
    slopes = {name: np.polyfit(np.log(SIZES), np.log(found), 1)[0] for name, found in rates.items()}
    return "; ".join(f"`{name}` {slope:.2f}" for name, slope in slopes.items()) + "."


def schedules(saved):
    """Constant and falling rates, and schedule-free, after the same warm-up."""
    rows = []
    for task in OF_SCHEDULES:
        constant, cosine = (load(saved / f"{schedule}_{task}") for schedule in ("constant", "cosine"))
        for name in FALLING:
            rows.append([f"`{task}`", f"`{name}`", _figure(constant[name]), _figure(cosine[name])])
    return markdown(["task", "optimizer", "constant rate", "cosine"], rows)


def sharpness(saved):
    """SAM and momentum with as many gradients."""
    result = load(saved / "sam")
    rows = []
    for row in result.rows:
        rho = row.best_values.get("rho")
        trials = len(row.rates) + len(row.search_rates)
        values = "-" if rho is None else f"{rho:.2g}"
        rows.append([f"`{row.optimizer}`", f"{row.best_rate:.2g}", values, str(trials), _figure(row)])
    table = markdown(["optimizer", "rate", "rho", "trials", "test accuracy"], rows)
    return f"{table}\n\nSAM more than momentum: {versus(result, 'sam(momentum)', 'momentum')}."


TABLES = {
    "overall": overall,
    "by-task": by_task,
    "at-defaults": at_defaults,
    "language": language,
    "batches": batches,
    "exponents": exponents,
    "schedules": schedules,
    "sharpness": sharpness,
}
