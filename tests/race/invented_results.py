"""Results that nobody raced, for tests of the report."""

import dataclasses
import math

import numpy as np

from optax_zoo.race.engine import finals
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row, rank
from optax_zoo.race.settings import RATES, Dimension, Settings
from optax_zoo.race.statistics.estimates import bootstrap_interval, interquartile_mean
from optax_zoo.running.entrants import BASELINES, DEFAULT, resolve
from optax_zoo.running.errors import EntrantError

NAMES = (
    "sgd",
    "momentum",
    "nag",
    "adam",
    "expectigrad",
    "novograd",
    "gravity",
    "own <script>alert(1)</script>",
    "optax.adam",
    "optax.sgd",
)
HOPELESS, SHAKY, RATELESS, LAST = "gravity", "novograd", "expectigrad", "optax.lbfgs"
OURS = (
    *("adabelief", "adabound", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "adan", "adasecant"),
    *("amsbound", "amsgrad", "cautious_adamw", "clipped", "dadapt_adam", "eve", "expectigrad", "gravity", "lamb"),
    *("learned_lstm", "lion", "lookahead", "momentum", "muon", "nadam", "nag", "normalized", "novograd", "prodigy"),
    *("radam", "rmsprop", "rmsprop_graves", "santa_e", "santa_sss", "schedule_free_adamw", "sgd", "smorms3", "soap"),
)
BEST_RATES = dict(zip(NAMES, (0.3, 0.1, 0.1, 0.01, 0.03, 0.03, 0.1, 0.03, 0.01, 0.3), strict=True))
QUALITY = dict(zip(NAMES, (0.955, 0.974, 0.976, 0.979, 0.981, 0.9, 0.8, 0.962, 0.978, 0.956), strict=True))
STEPS = np.linspace(0, 600, 24).round().astype(int)
RECORD = {
    "versions": {"python": "3.11.2", "jax": "0.10.2", "jaxlib": "0.10.2", "optax": "0.2.8", "optax_zoo": "0.5.0"},
    "machine": {"platform": "Linux-6.1-x86_64", "cores": 2, "device": "cpu", "backend": "cpu"},
    "command": "optax-zoo race --task digits_mlp --out 'my race </script>'",
}


def settings(names=NAMES, **changes):
    """Settings of a race that could have been."""
    usual = dict(
        optimizers=tuple(names),
        task="digits_mlp",
        examples=(1077, 360, 360),
        metric="accuracy",
        batch_size=64,
        target=0.95,
        rates=RATES,
        seeds=3,
        final_seeds=10,
        steps=600,
        seed=0,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        search=(Dimension("b1", 0.8, 0.99, False), Dimension("eps", 1e-10, 1e-4, True)),
        samples=4,
        mapping="vmap",
    )
    return Settings(**{**usual, **changes})


def row(name, given, shift=0.0):
    """A row whose optimizer is as good as `QUALITY` says, with noise that depends on nothing but its name."""
    random = np.random.default_rng(abs(hash_of(name)))
    shape = len(given.rates), given.seeds
    hopeless, shaky = name == HOPELESS, name == SHAKY
    off = np.log10(np.asarray(given.rates) / BEST_RATES[name])[:, None]
    tuning = QUALITY[name] + shift - 0.1 * off**2 + 0.004 * random.normal(size=shape)
    diverged = np.broadcast_to((off > 0.9) | hopeless, shape)
    best = None if hopeless else float(given.rates[int(np.argmin(abs(off)))])
    test = QUALITY[name] + shift + 0.003 * random.normal(size=given.final_seeds)
    ends = test[:, None] + 0.004 * random.normal(size=(given.final_seeds, len(STEPS)))
    curve = ends - (ends - 0.1) * np.exp(-STEPS / (60 + 40 * random.random()))
    final_diverged = np.arange(given.final_seeds) == (4 if shaky else -1)
    test = np.where(final_diverged, np.nan, test)
    curve[final_diverged, 9:] = np.nan
    reached = np.where((curve >= given.target).any(1), STEPS[(curve >= given.target).argmax(1)], np.nan)
    default = None if name == RATELESS else 1e-3
    nothing = np.empty((0, 0))
    return Row.of(
        dict(
            optimizer=name,
            composition=composition(name, given.rates[0] if best is None else best),
            best_rate=best,
            best_values={"b1": 0.93} if name == "adam" else {},
            edge="upper" if name == "sgd" else None,
            validation_metric=math.nan if hopeless else QUALITY[name],
            test_metric=math.nan if hopeless or shaky else interquartile_mean(test),
            test_metric_interval=None if hopeless or shaky else bootstrap_interval(test),
            test_loss=None if hopeless or shaky else 1 - QUALITY[name],
            untrained_test_metric=None if hopeless else 0.1,
            steps_to_target=None if hopeless or shaky else float(np.median(np.nan_to_num(reached, nan=np.inf))),
            state_bytes={"sgd": 0.0, "optax.sgd": 0.0}.get(name, 8.0 if "adam" in name else 4.0),
            seconds=4 + random.random(),
            diverged_rates=int(diverged.any(axis=1).sum()),
            diverged_final_seeds=int(final_diverged.sum()),
            default_rate=default,
            default_test_metric=() if default is None or hopeless else np.where(final_diverged, np.nan, test - 0.3),
            rates=given.rates,
            tuning_validation_metric=np.where(diverged, np.nan, tuning),
            tuning_validation_loss=np.where(diverged, np.nan, 1 - tuning),
            tuning_diverged=diverged,
            search_rates=(),
            search_values=(),
            search_validation_metric=(),
            search_validation_loss=(),
            search_diverged=(),
            final_seeds=() if hopeless else tuple(range(given.seeds, given.seeds + given.final_seeds)),
            final_test_metric=() if hopeless else test,
            final_test_loss=() if hopeless else 1 - test,
            final_diverged=() if hopeless else final_diverged,
            final_steps_to_target=() if hopeless else np.where(final_diverged, np.nan, reached),
            curve_steps=STEPS,
            curve_train_loss=nothing if hopeless else 1 - curve,
            curve_validation_loss=nothing if hopeless else 1 - curve,
            curve_validation_metric=nothing if hopeless else curve,
        )
    )


def composition(name, rate):
    """As a race writes it; of a name that nobody knows, something else."""
    if name not in (*DEFAULT, *BASELINES):
        return f"own(learning_rate={rate:.4g}) </script>"
    values = {"b1": 0.93} if name == "adam" else {}
    return resolve([name])[name].composition(rate, values)


def hash_of(name):
    """The same number for a name in every process."""
    return sum(place * ord(letter) for place, letter in enumerate(name, 1))


def result(names=NAMES, shift=0.0, **changes):
    """A race of these optimizers."""
    given = settings(names, **changes)
    return Result(given, tuple(sorted((row(name, given, shift) for name in names), key=rank)), RECORD)


def default_race(**changes):
    """A race of those that take part by default."""
    for place, name in enumerate(DEFAULT):
        BEST_RATES.setdefault(name, 0.01)
        QUALITY.setdefault(name, 0.9 + 0.005 * place)
    return result(DEFAULT, search=(), samples=0, **changes)


def two_results():
    """Races of all on two tasks."""
    return result(), result(task="noisy_digits", shift=-0.08, target=0.88, steps=300, samples=0, search=())


def crowd(count=100, **changes):
    """A race of many: ours and those of optax under their names, none as good as another, the last of which failed."""
    known = [name for name in resolve([*OURS, "optax.*"]) if name != LAST]
    names = [*known, *(f"adam [b1={0.5 + place / 1000:g}]" for place in range(count))][: count - 1]
    random = np.random.default_rng(len(names))
    for name, quality in zip(names, np.sort(random.beta(4, 2, size=len(names)))[::-1].tolist(), strict=True):
        BEST_RATES.setdefault(name, 0.01)
        QUALITY.setdefault(name, 0.8 + 0.18 * quality)
    raced = result(names, search=(), samples=0, **changes)
    failed = finals.failed(resolve([LAST])[LAST], raced.settings, EntrantError("", "", TypeError("no")))
    return dataclasses.replace(raced, rows=tuple(sorted([*raced.rows, failed], key=rank)))
