"""The tables of results.md of what is no race, from saved results."""

import json

import numpy as np

from optax_zoo.race import load
from optax_zoo.race.statistics.estimates import bootstrap_interval, interquartile_mean
from optax_zoo.race.terminal.formats import places_of, with_interval


def markdown(heads, rows):
    """A table whose first column is aligned left, the others right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replay(saved, name):
    return json.loads((saved / name / "replay.json").read_text(encoding="utf-8"))


def interval(values):
    """The interquartile mean with its interval; "diverged" if a value is absent."""
    if None in values:
        return "diverged"
    values = np.array(values)
    if np.ptp(values) == 0:
        return f"{values[0]:.4g}"
    found = bootstrap_interval(values)
    return with_interval(float(interquartile_mean(values)), found, max(0, min(places_of(found), 4)))


# Mean over ten seeds; what follows the sign is not said to be a standard deviation, but is close to one.
DEEPOBS = {"adam": "87.11 ± 0.02", "momentum 0.99": "87.05 ± 0.02", "sgd": "87.40 ± 0.16"}


def quadratic_deep(saved):
    """The three optimizers of DeepOBS at the published rates, by order of the batches, and tuned anew."""
    same, new = (np.array(list(each.values())) for each in replay(saved, "quadratic_deep").values())
    tuned = load(saved / "quadratic_deep")
    rows = []
    for number_, (name, published) in enumerate(DEEPOBS.items()):
        last, row = same[number_, :, -1], tuned[name]
        rows.append(
            [
                f"`{name}`",
                published,
                f"{last.mean():.2f} ± {last.std(ddof=1):.2f}",
                interval(last.tolist()),
                interval(new[number_, :, -1].tolist()),
                interval(new[number_].min(axis=1).tolist()),
                f"{row.best_rate:.2g}",
                interval([-x for x in row.final_test_metric]),
            ]
        )
    heads = [
        "optimizer",
        "published",
        "same order: mean ± sd",
        "same order, IQM [95 %]",
        "new order, IQM [95 %]",
        "new order, best epoch",
        "tuned rate",
        "new order, tuned",
    ]
    return markdown(heads, rows)


LONG_PUBLISHED = {"adam, max": 0.9460, "adam": 0.9432, "nag, max": 0.7722}


def deep_mlp_long(saved):
    """The three optimizers of the published plot: test accuracy at the end, and validation after each stage."""
    rows = []
    for name, found in replay(saved, "deep_mlp_long").items():
        last, along = np.array(found["test_metric"]), np.array(found["validation_metric"])
        stages = along.reshape(len(last), 3, -1)[:, :, -1].mean(axis=0)
        rows.append(
            [
                name if ", " in name else f"`{name}`",
                f"{LONG_PUBLISHED[name]:.4f}",
                interval(last.tolist()),
                f"{last.min():.3f} to {last.max():.3f}",
                *(f"{stage:.3f}" for stage in stages),
            ]
        )
    stages = [f"validation at the end of rate {rate}" for rate in ("0.01", "0.001", "0.0001")]
    return markdown(["optimizer", "published", "test accuracy, IQM [95 %]", "of five seeds", *stages], rows)


def reddi(saved):
    """Mean x at the end, with the large gradient in turn and at random, by rate."""
    found = replay(saved, "reddi")
    rates = list(found["paths"])
    heads = ["optimizer", *(f"in turn, rate {rate}" for rate in rates), *(f"at random, rate {rate}" for rate in rates)]
    rows = [
        [
            name,
            *(f"{found['paths'][rate][name]['x'][-1]:+.3f}" for rate in rates),
            *(interval(found["random"][rate][name]) for rate in rates),
        ]
        for name in found["paths"][rates[0]]
    ]
    return markdown(heads, rows)


def convex(saved):
    """The loss after 1000 steps on the published problem, and the gap that is left over ten problems."""
    found = replay(saved, "convex")
    rates = list(next(iter(found["losses"].values())))
    first = [
        [name, *("diverged" if by[rate][0][-1] is None else f"{by[rate][0][-1]:.1f}" for rate in rates)]
        for name, by in found["losses"].items()
    ]
    second = [[name, *(interval(gaps(found, name, rate)) for rate in rates)] for name in found["losses"]]
    return "\n\n".join(
        [
            f"Loss after 1,000 steps on the published problem, whose minimum is {found['minimum'][0]:.1f}:",
            markdown(["optimizer", *(f"rate {rate}" for rate in rates)], first),
            "Part of the initial gap to the minimum that is left after 1,000 steps, in %, on ten problems, IQM [95 %]:",
            markdown(["optimizer", *(f"rate {rate}" for rate in rates)], second),
        ]
    )


def gaps(found, name, rate):
    """By problem, the gap to the minimum at the end, in percent of that at the start."""
    runs = zip(found["losses"][name][rate], found["minimum"], strict=True)
    return [None if run[-1] is None else 100 * max(run[-1] - low, 0) / (run[0] - low) for run, low in runs]


REPLAY_TABLES = {"quadratic_deep": quadratic_deep, "reddi": reddi, "convex": convex, "deep_mlp_long": deep_mlp_long}
