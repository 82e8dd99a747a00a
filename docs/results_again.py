"""A quick row of each section of results.md, computed again and compared with what is saved: results.py --again."""

import json

import numpy as np
import results_replays as replays
from results_races import RACED, RACES
from results_replays import reddi

from optax_zoo.race import load

ROWS = {"quadratic_deep": "sgd", "digits_mlp": "adamw", "mnist1d_mlp": "novograd"}  # of races; each takes seconds
TOLERANCE = 0.01  # of a metric: rounding, which training magnifies, differs from machine to machine


def differences(saved, names):
    """Sentences on what comes out otherwise than saved."""
    found = []
    for name in names:
        if name in REPLAYED:
            found += [
                f"{name}: {each}" for each in REPLAYED[name](json.loads((saved / name / replays.REPLAY).read_text()))
            ]
        if name in ROWS:
            found += [f"{name}, race: {each}" for each in _raced(name, saved / name)]
    return found


def _raced(name, folder):
    """How the row of a race differs."""
    arguments, wanted = RACES[name](), ROWS[name]
    chosen = [each for each in arguments.pop("optimizers") if each == wanted or each[0] == wanted]
    (row,) = RACED(chosen, **arguments, progress=False).rows
    (before,) = [each for each in load(folder).rows if each.optimizer == wanted]
    if not np.isclose(row.best_rate, before.best_rate):
        yield f"{wanted} has the rate {row.best_rate:.3g}, saved is {before.best_rate:.3g}"
    scale = max(1.0, abs(before.test_metric))
    if abs(row.test_metric - before.test_metric) > TOLERANCE * scale:
        yield f"{wanted} has the test metric {row.test_metric:.4f}, saved is {before.test_metric:.4f}"


def _near(what, found, expected, atol):
    """A sentence if numbers differ."""
    found, expected = (np.asarray(replays.plain(np.asarray(x)), float) for x in (found, expected))
    off = np.max(np.abs(found - expected))
    return [] if off <= atol else [f"{what} is off by {off:.3g}, more than {atol:.3g}"]


def _quadratic_deep(saved):
    (order,) = [order for order in saved if order.startswith("same")]
    found = replays.quadratic_deep(optimizers=["sgd"])[order]["sgd"]
    return _near("sgd", found, saved[order]["sgd"], 0.02)


def _convex(saved):
    found, expected = replays.convex(optimizers=["sgd"])["losses"]["sgd"]["0.01"], saved["losses"]["sgd"]["0.01"]
    return _near("sgd at 0.01", found, expected, 1e-3 * np.max(np.abs(expected)))


def _reddi(saved):
    name, rate = "amsgrad", "0.001"
    _, means = reddi.path(reddi.OPTIMIZERS[name](reddi.RATES[rate]), 1_000_000)
    expected = saved["paths"][rate][name]["x"]
    return _near(name, means[3::4], expected, 0.01)


REPLAYED = {"quadratic_deep": _quadratic_deep, "convex": _convex, "reddi": _reddi}
