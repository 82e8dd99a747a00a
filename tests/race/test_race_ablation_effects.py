"""The effects of an ablation: known ones are found, and nothing else is."""

import itertools

import numpy as np
import pytest
from factorials import LEVELS, SEEDS, factorial
from scipy import stats

from optax_zoo.race.ablation import Ablation
from optax_zoo.race.ablation.effects import effects_of
from optax_zoo.race.analysis.comparisons import holm


def one_of(effects, **changes):
    return next(effect for effect in effects if effect.changes == changes)


def test_effects_that_add_up_are_found_exactly_and_nothing_else_is():
    worth = {"ema": 0.5, "max": -0.25, "none": -1.0, "on": 0.0, "base": 0.0}
    effects, interactions = effects_of(LEVELS, factorial(lambda at: SEEDS + sum(worth[x] for x in at.values())))
    assert [(*effect.changes.values(),) for effect in effects] == [("ema",), ("max",), ("none",), ("on",)]
    for effect in effects:
        (label,) = effect.changes.values()
        np.testing.assert_allclose(effect.by_seed, worth[label], atol=1e-12)
        assert effect.verdict == {1: "better", -1: "worse", 0: "no difference found"}[np.sign(worth[label])]
    assert [effect.compared for effect in effects] == [4, 4, 6, 6]
    assert len(interactions) == 2 + 2 + 1
    for effect in interactions:
        np.testing.assert_allclose(effect.by_seed, 0, atol=1e-12)
        assert effect.verdict == "no difference found"


def test_an_interaction_is_found_with_its_sign():
    def metric(at):
        return SEEDS + 0.5 * (at["denominator"] == "ema" and at["momentum"] == "none")

    effects, interactions = effects_of(LEVELS, factorial(metric))
    np.testing.assert_allclose(one_of(effects, denominator="ema").mean, 0.25)
    np.testing.assert_allclose(one_of(effects, momentum="none").mean, 0.5 / 3)
    both = one_of(interactions, denominator="ema", momentum="none")
    np.testing.assert_allclose(both.mean, 0.5)
    assert both.verdict == "more than the sum of both" and both.compared == 2
    assert not one_of(interactions, denominator="max", momentum="none").found


def test_seeds_are_paired_and_the_interval_is_the_t_interval():
    noise = {label: np.random.default_rng(number).normal(size=8) for number, label in enumerate(["base", "on"])}
    effects, _ = effects_of(
        {"decay": ["base", "on"]}, factorial(lambda at: 100 * SEEDS + noise[at["decay"]], {"decay": ["base", "on"]})
    )
    expected = stats.ttest_rel(100 * SEEDS + noise["on"], 100 * SEEDS + noise["base"]).confidence_interval(0.95)
    (effect,) = effects
    np.testing.assert_allclose((effect.mean - effect.half_width, effect.mean + effect.half_width), expected)
    assert effect.found == (expected.low > 0 or expected.high < 0)


def test_p_values_are_corrected_over_all_effects_and_interactions_together():
    random = np.random.default_rng(7)  # by itself, the interval of one effect that is chance leaves 0 out
    noise = {levels: random.normal(size=8) for levels in itertools.product(*LEVELS.values())}
    effects, interactions = effects_of(
        LEVELS, factorial(lambda at: noise[tuple(at.values())] + 2 * (at["momentum"] == "none"))
    )
    found = [*effects, *interactions]
    alone = [stats.ttest_1samp(effect.by_seed, 0).pvalue for effect in found]
    np.testing.assert_allclose([effect.p_value for effect in found], holm(alone))
    assert one_of(effects, momentum="none").found
    assert sum(effect.found for effect in found) == 1
    assert sum(abs(effect.mean) > effect.half_width for effect in found) == 2


def test_a_combination_that_diverged_is_left_out_with_all_that_needs_it():
    def metric(at):
        if at["denominator"] == "max" and (at["momentum"] == "none" or at["decay"] == "on"):
            return None
        return SEEDS + (at["denominator"] == "max") + 10 * (at["momentum"] == "none")

    effects, interactions = effects_of(LEVELS, factorial(metric))
    effect = one_of(effects, denominator="max")
    assert (effect.compared, effect.combinations) == (1, 4)
    np.testing.assert_allclose(effect.mean, 1)
    effect = one_of(effects, momentum="none")
    assert (effect.compared, effect.combinations) == (4, 6)
    np.testing.assert_allclose(effect.mean, 10)
    lost = one_of(interactions, denominator="max", momentum="none")
    assert lost.mean is None and not lost.found and lost.verdict == "nothing left to compare"
    assert str(lost) == "denominator=max, momentum=none, nothing left to compare"


def test_levels_can_be_compared_with_each_other():
    worth = {"ema": 0.5, "max": -0.25, "none": -1.0, "on": 0.0, "base": 0.0}
    combinations = factorial(lambda at: SEEDS + sum(worth[x] for x in at.values()))
    ablation = Ablation("x", {s: dict.fromkeys(x, "") for s, x in LEVELS.items()}, tuple(combinations), (), (), None)
    effect = ablation.compare({"denominator": "ema"}, {"denominator": "max"})
    np.testing.assert_allclose(effect.by_seed, 0.75)
    assert effect.combinations == 4
    assert str(effect) == "denominator=ema instead of denominator=max: +0.7500 ± 0.0000, better"
    held = ablation.compare({"denominator": "max", "momentum": "none"}, {"denominator": "base", "momentum": "base"})
    np.testing.assert_allclose(held.by_seed, -1.25)
    assert held.combinations == 2 and held.verdict == "worse"
    for levels, instead_of in [
        ({"denominator": "nothing"}, {"denominator": "ema"}),
        ({"nothing": "ema"}, {"nothing": "ema"}),
        ({"momentum": "none"}, {"denominator": "ema"}),
    ]:
        with pytest.raises(KeyError):
            ablation.compare(levels, instead_of)
