"""Comparisons over the same seeds: against values worked out by hand, against scipy, and by their properties."""

import itertools

import hypothesis
import hypothesis.strategies as st
import invented_results
import numpy as np
import pytest
from scipy import stats

from optax_zoo.race.analysis.comparisons import (
    differences,
    holm,
    pairwise,
    probability_of_improvement,
)
from optax_zoo.race.statistics import permutations
from optax_zoo.race.statistics.permutations import permutation_p_values


def test_probability_of_improvement_counts_ties_half():
    assert probability_of_improvement(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == pytest.approx(0.875)


@hypothesis.given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_never_lowers_a_p_value_and_keeps_the_order(p_values):
    corrected = holm(p_values)
    assert all(c >= p for c, p in zip(corrected, p_values, strict=True)) and max(corrected) <= 1
    for (p, c), (q, d) in itertools.permutations(zip(p_values, corrected, strict=True), 2):
        assert not p < q or c <= d


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_pairs_are_tested_over_the_same_seeds():
    seeds = np.linspace(0, 1, 10)
    scores = {"a": seeds, "b": seeds + 0.01, "c": seeds}
    first, second, third = pairwise(scores)
    assert first.found and first.p_value == pytest.approx(2 / 2**10)
    assert str(first) == "b is better than a by 0.01 (p = 0.002)"
    assert not second.found and str(second) == "a, c: no difference found (p = 1)"
    assert third.difference == pytest.approx(0.01) and third.found


def test_p_values_of_two_hypotheses_by_hand():
    differences = np.array([[3.0, 3.0, 3.0], [1.0, 2.0, -1.0]])
    # The first is largest in 2 of 8 ways. The second, without the first, reaches |1 + 2 - 1| in 6 of 8.
    assert permutation_p_values(differences) == pytest.approx([2 / 8, 6 / 8])


def test_p_values_are_the_same_in_blocks(monkeypatch):
    random = np.random.default_rng(0)
    values, drift = random.normal(size=(9, 10)), random.normal(size=(permutations.WAYS, 9)) / 9
    first, second = np.triu_indices(9, 1)
    values[1] = values[0]
    whole = [permutations.pair_p_values(values, first, second, each) for each in (None, drift)]
    monkeypatch.setattr(permutations, "BLOCK", 1000)
    assert whole == [permutations.pair_p_values(values, first, second, each) for each in (None, drift)]
    assert whole[0][0] == 1.0


def test_a_copy_with_the_same_choices_is_no_evidence():
    random = np.random.default_rng(0)
    values, drift = np.ones((3, 12)) * random.normal(size=12), random.normal(size=(permutations.WAYS, 1)) * np.ones(3)
    p_values = permutations.pair_p_values(values, np.array([0, 0, 1]), np.array([1, 2, 2]), drift)
    assert p_values == [1.0, 1.0, 1.0]


def test_p_values_never_rise_with_the_evidence():
    one, other = [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.99]
    first, second = permutation_p_values(np.array([one, other]))
    assert first == second == 2 / 16


@hypothesis.given(st.integers(2, 12).flatmap(lambda n: st.lists(st.integers(-9, 9).map(float), min_size=n, max_size=n)))
@hypothesis.settings(max_examples=25, deadline=None)
def test_a_single_hypothesis_is_that_of_scipy(differences):
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    ).pvalue
    assert permutation_p_values(np.array([differences])) == pytest.approx([expected])


def test_beyond_thirteen_seeds_ways_are_drawn_and_the_same_again():
    differences = np.random.default_rng(0).normal(0.35, 1, size=(1, 30))
    p_values = permutation_p_values(differences)
    assert p_values == permutation_p_values(differences)
    assert p_values == pytest.approx([stats.ttest_1samp(differences[0], 0).pvalue], abs=0.01)


def test_any_difference_is_found_by_chance_in_about_one_race_of_twenty():
    random = np.random.default_rng(0)
    names = [str(number) for number in range(8)]
    races = [pairwise(dict(zip(names, random.normal(size=(8, 8)), strict=True))) for _ in range(200)]
    assert 2 <= sum(any(pair.found for pair in pairs) for pairs in races) <= 18


def test_a_difference_is_found_among_many_optimizers():
    """With Holm's correction and ten seeds, none could be found among more than 25 pairs."""
    seeds = np.random.default_rng(0).normal(size=(12, 10))
    seeds[0] += 5
    scores = {str(number): values for number, values in enumerate(seeds)}
    assert all(pair.found == (pair.first == "0") for pair in pairwise(scores))


def test_a_single_pair_is_not_corrected():
    scores = {"a": np.arange(10.0), "b": np.arange(10.0) + 1, "c": np.arange(10.0)}
    (only,) = pairwise(scores, [("a", "b")])
    assert only.p_value == pytest.approx(2 / 2**10)
    assert pairwise({"a": np.arange(10.0)}) == []


def test_all_pairs_of_a_race_but_those_that_diverged():
    raced = invented_results.result()
    names = [row.optimizer for row in raced.rows if row.optimizer not in ("gravity", "novograd")]
    pairs = differences(raced)
    assert [(pair.first, pair.second) for pair in pairs] == list(itertools.combinations(names, 2))
    assert "expectigrad, adam: no difference found" in str(pairs[0])
