"""How a race was run, in words."""

from markupsafe import Markup

from optax_zoo.race.engine.halving import rungs
from optax_zoo.race.engine.schedules import WORDS
from optax_zoo.race.engine.trials import evaluation_steps
from optax_zoo.race.engine.tuning import FACTOR, MAX_EXTENSIONS, MOST_SEEDS
from optax_zoo.race.html import words
from optax_zoo.race.settings import Dimension, Settings


def protocol(settings: Settings) -> list[tuple[str, str]]:
    """The rules of a race, each as a term and its meaning."""
    return [
        ("Task", _task(settings)),
        ("Budget of a trial", _budget(settings)),
        ("Learning rates", _rates(settings)),
        ("Random search", _search(settings)),
        ("Choice", _choice(settings)),
        ("Schedule", _schedule(settings)),
        ("Weight decay", _decay(settings)),
        ("Report", _report(settings)),
        ("Seeds", _seeds(settings)),
    ]


DEFINITIONS = [
    (
        "Interquartile mean (IQM)",
        "the mean of what is left without the lowest and the highest quarter of the values; less sensitive to a single "
        "run than the mean, and less wasteful than the median",
    ),
    (
        "95 % interval",
        "percentile bootstrap over the final seeds: they are drawn anew with replacement thousands of times, and the "
        "interval holds the middle 95 % of the interquartile means. Chance in the choice of the rate is not in it, but "
        "in the intervals of differences and their p-values",
    ),
    (
        "No difference found",
        "p is 0.05 or more in the paired permutation test over the final seeds, corrected for the comparison of all "
        "pairs of optimizers (Westfall and Young's step-down maximum) and for chance in the choice of the rates. It "
        "does not say that there is no difference",
    ),
    (
        "Tier",
        "all that were not found worse than the first of the tier; those found worse than the best of tier 1 are in a "
        "later one",
    ),
    (
        "Noise floor",
        "by how much optimizers differ that are one algorithm: they answer the same gradients with the same steps, and "
        "diverge by rounding. A difference between algorithms counts for all their copies or for none",
    ),
    (
        "Steps to target",
        "the number of steps after which an evaluation first shows the target; the median over the final seeds, “not "
        "reached” if half of them or more do not reach it",
    ),
    ("Diverged", "NaN or infinity in a loss or in a parameter. It is a result, and ranks last"),
    (
        "Score",
        "the test metric of a run, as a share of the way from the untrained model (0) to the highest interquartile "
        "mean of the task (1); 0 if it diverged",
    ),
    (
        "Probability of improvement",
        "that a run of one optimizer beats a run of the other, whatever their seeds, ties counted half",
    ),
]


def _task(settings: Settings) -> str:
    train, validation, test = settings.examples
    return (
        f"{settings.task}, with {words.count(train, 'example')} for training, {words.count(validation, 'example')} for "
        f"validation and {words.count(test, 'example')} for test. The metric is {settings.metric}; larger is better."
    )


def _budget(settings: Settings) -> str:
    steps, size = words.count(settings.steps, "step"), words.count(settings.batch_size, "example")
    if not settings.own_steps:
        return f"{steps} of {size}, the same for every optimizer."
    own = ", ".join(f"{name} {count}" for name, count in settings.own_steps)
    return (
        f"{settings.time_budget:g} seconds of training and evaluation, the same for every optimizer, by what steps of "
        f"{size} took before the race on this machine. Steps: {own}."
    )


def _rates(settings: Settings) -> str:
    rates = ", ".join(words.rate(rate) for rate in settings.rates)
    if len(settings.rates) == 1:
        return f"{rates}, for every optimizer."
    return (
        f"one grid for all: {rates}. If the best rate is the lowest or the highest, one more is tried beyond it, at "
        f"most {MAX_EXTENSIONS} times. An optimizer that finds a rate itself, and takes a factor on it that is "
        f"{FACTOR:g} or more by default, has the grid around that default where it would lie above."
    )


def _search(settings: Settings) -> str:
    if not settings.samples:
        return "none: all other hyperparameters are at their defaults."
    space = words.listed(_dimension(each) for each in settings.search)
    return (
        f"{words.count(settings.samples, 'candidate')} for each optimizer, drawn at random from {space}, where the "
        "optimizer has such a hyperparameter, each with a learning rate within a step of the grid around the best."
        f"{_halving(settings)}"
    )


def _halving(settings: Settings) -> str:
    if not settings.halving:
        return ""
    at = evaluation_steps(settings.steps)
    shares = [at[stop - 1] / settings.steps for stop in rungs(settings.halving, len(at))]
    after = " and ".join(f"{100 * share:.0f} %" for share in shares)
    return f" After {after} of the steps the best 1 in {settings.halving} of them go on, the last ones to the end."


def _dimension(each: Dimension) -> str:
    name, low, high, log = each
    return f"{name} from {low:g} to {high:g}{' (logarithmic)' if log else ''}"


def _choice(settings: Settings) -> str:
    more = f"Rates that cannot be told apart get up to {MOST_SEEDS * settings.seeds}. " if settings.seeds > 1 else ""
    return (
        f"by the validation {settings.metric}: its mean over the last quarter of the evaluations and over "
        f"{words.count(settings.seeds, 'tuning seed')}. {more}A tie goes to the lower validation loss, then to the "
        "lower rate; a rate at which a seed diverged loses to every other."
    )


def _schedule(settings: Settings) -> str:
    rise = f"rises linearly over the first {settings.warmup:.3g} of the steps, then "
    if settings.schedule == "one_cycle" or not settings.warmup:
        rise = ""
    return f"{settings.schedule}: the learning rate {rise}{WORDS[settings.schedule]}, for every optimizer."


def _decay(settings: Settings) -> str:
    if not settings.weight_decay:
        return "none is added; an optimizer whose defaults have one keeps it."
    return (
        f"{settings.weight_decay:g}, decoupled, for every optimizer in place of its own: each step also subtracts the "
        "weight decay times the learning rate times the parameters."
    )


def _report(settings: Settings) -> str:
    return (
        f"each optimizer is retrained with {words.count(settings.final_seeds, 'fresh seed')}, at the rate that was "
        f"chosen and at its defaults; the figures are those on the test part after the last step."
    )


def _seeds(settings: Settings) -> str:
    return (
        f"all follow from seed {settings.seed}. A seed sets the initial parameters and the order of the batches, "
        "whatever the optimizer."
    )


def definitions() -> list[tuple[str, Markup]]:
    """The statistics and what they mean."""
    return [(term, Markup("{}.").format(meaning)) for term, meaning in DEFINITIONS]
