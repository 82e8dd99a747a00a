"""What makes Expectigrad work: the arithmetic mean, the sparse counter, or outer momentum?

Expectigrad differs from Adam in three ways. It divides by the root of the arithmetic mean of all squared gradients,
where Adam takes an exponential moving average. It counts, for each element, only the steps whose gradient is not 0.
And it averages what has been divided ("outer" momentum), where Adam averages the gradient before ("inner" momentum).

All twelve combinations of these parts are raced on scikit-learn's digits, Adam among them, each at the rate of one
grid that suits it. Images of digits have pixels that are 0 in most images, or in all, and ReLU units that are off, so
that there are gradients of exactly 0 for the sparse counter to leave out. All combinations start from the same
parameters and see the same batches, so that they are compared seed by seed. What comes out holds for this task and
this budget of steps: a mean that never forgets has little to forget in a few hundred steps.

`python examples/study_expectigrad.py --steps 600` takes twice as long.
"""

import sys

import numpy as np
from digits import steps_from_command_line

import optax_zoo as zoo
from optax_zoo import arithmetic_mean, debiased, ema, root, square
from optax_zoo.race.ablation import ablate

SLOTS = {
    "numerator": {"inner momentum": debiased(ema(0.9))},
    "denominator": {
        "dense counter": root(arithmetic_mean(of=square)),
        "EMA": root(debiased(ema(0.999, of=square))),
    },
    "momentum": {"none": None},
}


def said(effect):
    """An effect in words."""
    if effect.mean is None:
        return "nothing is left to compare, combinations diverged"
    return f"{effect.mean:+.4f} ± {effect.half_width:.4f}, {effect.verdict}"


def main():
    steps = steps_from_command_line(__doc__, default=300)
    result = ablate(
        "expectigrad",
        **SLOTS,
        rates=np.geomspace(1e-3, 1e-1, 5),
        seeds=3,
        final_seeds=20,
        steps=steps,
        progress=sys.stderr.isatty(),
    )
    print(result)

    outer = {"numerator": "base", "momentum": "base"}
    nothing = {"numerator": "base", "momentum": "none"}
    inner = {"numerator": "inner momentum", "momentum": "none"}
    both = {"numerator": "inner momentum", "momentum": "base"}
    parts = {
        "The arithmetic mean, with a dense counter": result.compare(
            {"denominator": "EMA"}, {"denominator": "dense counter"}
        ),
        "The sparse counter": result.effect(denominator="dense counter"),
        "Outer momentum": result.compare(nothing, outer),
    }
    instead = ("an EMA", "a dense counter", "no momentum")
    print("\nWhat the three parts are worth in test accuracy, on average over the other slots:")
    for (part, removed), other in zip(parts.items(), instead, strict=True):
        print(f"- {part}: with {other} instead {said(removed)}.")
    print(f"- Momentum inside instead of outside of the ratio: {said(result.compare(inner, outer))}.")
    print(f"- Both momenta instead of the outer one alone: {said(result.compare(both, outer))}.")

    found = {part: effect for part, effect in parts.items() if effect.found and effect.mean < 0}
    if found:
        strongest = min(found, key=lambda part: found[part].mean)
        print(f"\nWhat Expectigrad loses most without, of the three, on this task: {strongest.lower()}.")
    else:
        print("\nNone of the three is found to help on this task; that is no proof that they never do.")
    if result.effect(numerator="inner momentum", momentum="none").found:
        print("The two momenta interact, so that the main effect of either, an average over the other, says little.")
    published = result.combination()
    adam = result.combination(numerator="inner momentum", denominator="EMA", momentum="none")
    assert adam.composition == repr(zoo.adam()).replace("0.001", "learning_rate")
    for name, combination in {"Expectigrad as published": published, "Adam": adam}.items():
        row = combination.row
        shown = (
            "diverged"
            if combination.diverged
            else "{:.4f} [{:.4f}, {:.4f}]".format(row.test_metric, *row.test_metric_interval)
        )
        place = result.combinations.index(combination) + 1
        print(f"{name}: {shown}, number {place} of {len(result.combinations)} combinations.")
    every = {slot: "base" for slot in SLOTS}
    print(f"Adam instead of Expectigrad, seed by seed: {said(result.compare(adam.levels, every))}.")


if __name__ == "__main__":
    main()
