"""The tables of results.md of races, from saved results."""

import numpy as np
from results_replay_tables import markdown

from optax_zoo.race import load, summarize
from optax_zoo.race.analysis.comparisons import differences
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.race.terminal.formats import column_places, number, with_interval


def race_table(saved, name):
    """The rows of a race without wall times, and whether each differs from the best."""
    result = load(saved / name)
    found = {
        pair.second: "worse" if pair.found else "no difference found"
        for pair in differences(result)
        if pair.first == result.rows[0].optimizer
    }
    places = column_places([row.test_metric_interval for row in result.rows])
    rows = [
        [
            row.optimizer if ", " in row.optimizer else f"`{row.optimizer}`",
            "none" if row.best_rate is None else f"{row.best_rate:.2g}",
            "diverged" if row.test_metric is None else with_interval(row.test_metric, row.test_metric_interval, digits),
            *([] if name == "deep_mlp" else [_at_defaults(row, digits)]),
            "never" if row.steps_to_target is None else f"{row.steps_to_target:g}",
            found.get(row.optimizer, "-"),
        ]
        for row, digits in zip(result.rows, places, strict=True)
    ]
    target = f"steps to {result.settings.target:g}"
    defaults = [] if name == "deep_mlp" else ["at default rate"]
    heads = ["optimizer", "best rate", "test accuracy, IQM [95 %]", *defaults, target, "against the best"]
    notes = [f"`{row.optimizer}`: {note}." for row in result.rows for note in row.notes]
    return "\n\n".join([markdown(heads, rows), *([" ".join(notes)] if notes else [])])


def _at_defaults(row, digits):
    values = row.default_test_metric
    if not values:
        return "-"
    return "diverged" if None in values else number(float(interquartile_mean(np.array(values))), digits)


def against_adam(saved):
    """The race of the norms, and how each differs from Adam without a norm."""
    result = load(saved / "deep_mlp")
    words = []
    for pair in differences(result):
        if "adam" in (pair.first, pair.second):
            other, sign = (pair.second, -1) if pair.first == "adam" else (pair.first, 1)
            verdict = "" if pair.found else "no difference found, "
            words.append(f"{other} {sign * pair.difference:+.3f} ({verdict}p = {pair.p_value:.2g})")
    return f"{race_table(saved, 'deep_mlp')}\n\nMean difference from `adam`: {'; '.join(words)}."


THRESHOLDS = (0.9, 0.95, 0.99)


def across(saved):
    """Normalized scores, ranks and profiles over both tasks."""
    summary = summarize([load(saved / name) for name in ("digits_mlp", "mnist1d_mlp")])
    best = summary.optimizers[0]
    rows = []
    for name, scores in summary.scores.items():
        profile, overall = summary.profile_of_scores[name], scores.overall
        beats = "-" if name == best else with_interval(*_split(summary.improvement[name, best]), 2)
        steps = [f"{ratio:.1f}" if np.isfinite(ratio) else "never" for ratio in summary.profile_of_steps[name].by_task]
        rows.append(
            [
                name if ", " in name else f"`{name}`",
                with_interval(*_split(overall), 3),
                f"{summary.mean_rank[name]:.1f}",
                beats,
                *(f"{100 * profile.share[profile.thresholds.index(x)]:.0f} %" for x in THRESHOLDS),
                *steps,
            ]
        )
    shares = [f"runs above {x:g}" for x in THRESHOLDS]
    steps = [f"steps, {name}" for name in summary.timed_tasks]
    heads = ["optimizer", "score, IQM [95 %]", "mean rank", f"P(beats `{best}`)", *shares, *steps]
    return markdown(heads, rows)


def _split(estimate):
    return estimate.value, (estimate.low, estimate.high)


RACE_TABLES = {
    "deep_mlp": against_adam,
    "digits_mlp": lambda saved: race_table(saved, "digits_mlp"),
    "santa": lambda saved: race_table(saved, "santa"),
    "mnist1d_mlp": lambda saved: race_table(saved, "mnist1d_mlp"),
    "across": across,
}
