"""Statistics over seeds: against values worked out by hand, and by their properties."""

import dataclasses
import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from optax_zoo.race import race
from optax_zoo.race.comparisons import (
    holm,
    pairwise,
    probability_of_improvement,
)
from optax_zoo.race.report import render


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
    assert first.found and first.p_value == pytest.approx(3 * 2 / 2**10)
    assert str(first) == "b is better than a by 0.01 (p = 0.0059)"
    assert not second.found and str(second) == "a, c: no difference found (p = 1)"
    assert third.difference == pytest.approx(0.01) and third.found


def test_a_single_pair_is_not_corrected():
    scores = {"a": np.arange(10.0), "b": np.arange(10.0) + 1, "c": np.arange(10.0)}
    (only,) = pairwise(scores, [("a", "b")])
    assert only.p_value == pytest.approx(2 / 2**10)


def test_the_table_says_from_which_optimizers_the_best_differs(regression):
    finished = race(["sgd"], task=regression, rates=[0.1], seeds=1, final_seeds=2, steps=2, progress=False)
    rows = finished.rows
    seeds = np.linspace(0.5, 0.6, 10)
    scores = {"best": seeds, "alike": seeds - 0.001 * (-1) ** np.arange(10), "worse": seeds - 0.1}
    made = tuple(
        dataclasses.replace(
            rows[0], optimizer=name, test_metric=float(values.mean()), final_test_metric=tuple(values.tolist())
        )
        for name, values in scores.items()
    )
    text = " ".join(render(dataclasses.replace(finished, rows=made)).split())
    assert "Worse than best (paired permutation tests" in text and "Holm): worse." in text
    assert "No difference from best found: alike." in text
