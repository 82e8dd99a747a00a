"""The summary across tasks: against values worked out by hand, and by its properties."""

import dataclasses
import itertools

import hypothesis
import hypothesis.strategies as st
import invented_results
import numpy as np
import pytest
from scipy import stats

from optax_zoo.race.analysis.summary import summarize
from optax_zoo.race.results import Result
from optax_zoo.race.rows import rank
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.running.errors import RaceError

ROW = invented_results.row("sgd", invented_results.settings())


def result(task, metrics, untrained=0.0, steps=None):
    """A race with the test metric by final seed, None where training diverged, and the steps to the target by name."""
    given = invented_results.settings(
        tuple(metrics), task=task, target=None if steps is None else 0.95, final_seeds=len(next(iter(metrics.values())))
    )
    rows = []
    for name, metric in metrics.items():
        diverged = None in metric
        changes = {
            "optimizer": name,
            "test_metric": None if diverged else float(interquartile_mean(np.array(metric))),
            "untrained_test_metric": untrained,
            "final_test_metric": tuple(metric),
            "steps_to_target": steps and steps[name],
        }
        rows.append(dataclasses.replace(ROW, **changes))
    return Result(given, tuple(sorted(rows, key=rank)), {})


def test_scores_are_0_untrained_and_1_like_the_best():
    summary = summarize([result("t", {"good": [0.5, 0.9], "poor": [0.2, 0.45], "bad": [-3.0, 0.2]}, untrained=0.2)])
    assert summary.scores["good"].runs == (pytest.approx((0.6, 1.4)),)
    assert summary.scores["poor"].runs == (pytest.approx((0.0, 0.5)),)
    assert summary.scores["bad"].runs == ((0.0, 0.0),)
    assert summary.optimizers == ("good", "poor", "bad")
    assert summary.scores["good"].overall == pytest.approx((1.0, 0.6, 1.4))
    assert summary.scores["poor"].by_task == pytest.approx((0.25,))


def test_all_runs_of_all_tasks_make_one_interquartile_mean():
    first = result("a", {"x": [0.0, 1.0], "best": [1.0, 1.0]})
    second = result("b", {"x": [20.0, 90.0, 100.0, 70.0], "best": [100.0] * 4})
    summary = summarize([second, first])
    assert summary.tasks == ("a", "b")
    assert summary.scores["x"].runs == ((0.0, 1.0), pytest.approx((0.2, 0.9, 1.0, 0.7)))
    assert summary.scores["x"].overall.value == pytest.approx((0.2 + 0.7 + 0.9 + 1.0) / 4)


def test_a_run_that_diverged_scores_0_and_ranks_last():
    summary = summarize([result("t", {"a": [5.0, 5.0], "b": [9.0, None], "c": [1.0, 1.0], "d": [None, None]})])
    assert summary.scores["b"].runs == (pytest.approx((9 / 5, 0.0)),)
    assert {name: summary.mean_rank[name] for name in "abcd"} == {"a": 1, "c": 2, "b": 3.5, "d": 3.5}
    assert summary.improvement["b", "a"].value == 0.5
    assert summary.improvement["d", "b"].value == 0.25


def test_an_optimizer_without_a_rate_diverged_at_all_seeds():
    summary = summarize([invented_results.result()])
    assert summary.scores["gravity"].runs == ((0.0,) * 10,)
    assert summary.optimizers[-1] == "gravity"


@pytest.mark.parametrize("metric", [[1.0, 1.0], [0.5, 0.5], [None, None]])
def test_where_nobody_learned_all_score_0(metric):
    summary = summarize([result("t", {"a": metric, "b": metric}, untrained=1.0)])
    assert all(scores.runs == ((0.0, 0.0),) for scores in summary.scores.values())
    assert summary.scores["a"].ranks == summary.scores["b"].ranks == (1.5,)


def test_ranks_are_means_over_tasks_with_ties_shared():
    races = [
        result("a", {"x": [1.0, 1.0], "y": [1.0, 1.0 + 1e-9], "z": [0.0, 0.0]}),
        result("b", {"x": [3.0, 3.0], "y": [2.0, 2.0], "z": [1.0, 1.0]}),
    ]
    summary = summarize(races)
    assert summary.scores["x"].ranks == (1.5, 1.0)
    assert summary.mean_rank == {"x": 1.25, "y": 1.75, "z": 3.0}


def test_the_profile_of_scores_by_hand():
    summary = summarize([result("a", {"x": [0.5, 1.0], "best": [1.0, 1.0]}), result("b", {"x": [0.0], "best": [4.0]})])
    profile = summary.profile_of_scores["x"]
    share = dict(zip(profile.thresholds, profile.share, strict=True))
    assert {at: share[at] for at in (0.0, 0.49, 0.5, 0.99, 1.0)} == pytest.approx(
        {0.0: 2 / 3, 0.49: 2 / 3, 0.5: 1 / 3, 0.99: 1 / 3, 1.0: 0.0}
    )
    low = dict(zip(profile.thresholds, profile.low, strict=True))
    high = dict(zip(profile.thresholds, profile.high, strict=True))
    assert (low[0.0], high[0.0]) == pytest.approx((2 / 3, 2 / 3))  # each task by itself has no spread there
    assert (low[0.5], high[0.5]) == pytest.approx((0.0, 2 / 3))


def test_the_profile_of_steps_by_hand():
    metrics = {name: [1.0, 1.0] for name in "abc"}
    races = [
        result("p", metrics, steps={"a": 100, "b": 150, "c": None}),
        result("q", metrics, steps={"a": 400, "b": 200, "c": 600}),
        result("nobody", metrics, steps=dict.fromkeys("abc")),
        result("untimed", metrics),
    ]
    summary = summarize(races)
    assert summary.timed_tasks == ("p", "q")
    profiles = summary.profile_of_steps
    assert {name: profiles[name].by_task for name in "abc"} == {"a": (1, 2), "b": (1.5, 1), "c": (np.inf, 3)}
    assert profiles["a"].ratios == (1.0, 1.5, 2.0, 3.0)
    assert profiles["a"].share == (0.5, 0.5, 1.0, 1.0)
    assert profiles["b"].share == (0.5, 1.0, 1.0, 1.0)
    assert profiles["c"].share == (0.0, 0.0, 0.0, 0.5)
    assert summary.scores["c"].reached == (False, False, True, None)
    assert summarize(races[2:]).profile_of_steps == {}


def test_improvement_is_that_of_mann_and_whitney():
    random = np.random.default_rng(0)
    metrics = [{name: random.integers(0, 5, size=6).astype(float).tolist() for name in "xy"} for _ in range(3)]
    summary = summarize([result(str(task), each) for task, each in enumerate(metrics)])
    expected = np.mean([stats.mannwhitneyu(each["x"], each["y"]).statistic / 36 for each in metrics])
    value, low, high = summary.improvement["x", "y"]
    assert value == pytest.approx(expected) and low < value < high


def test_a_difference_of_every_seed_is_certain_and_one_of_none_is_even():
    seeds = [1.0, 2.0, 3.0, 4.0]
    summary = summarize([result("t", {"a": seeds, "same": seeds, "above": [seed + 9 for seed in seeds]})])
    assert summary.improvement["above", "a"] == (1.0, 1.0, 1.0)
    assert summary.improvement["a", "same"] == pytest.approx((0.5, 0.5, 0.5))  # the same seeds are drawn for both


def test_who_misses_a_task_is_left_out_and_changes_nothing():
    common = {"x": [0.5, 0.6], "y": [0.7, 0.9]}
    alone = summarize([result("a", common), result("b", common)])
    races = [result("a", {**common, "z": [5.0, 5.0]}), result("b", {"w": [3.0, 3.0], **common})]
    assert summarize(races) == dataclasses.replace(alone, left_out=("w", "z"))


@pytest.mark.parametrize(
    "races, message",
    [
        ([], "results is empty"),
        ([result("a", {"x": [1.0, 2.0]})] * 2, "results has 2 races on a, but"),
        ([result("a", {"x": [1.0, 2.0]}), result("b", {"y": [1.0, 2.0]})], "no optimizer took part in all 2 races"),
    ],
)
def test_what_cannot_be_summarized_is_refused(races, message):
    with pytest.raises(RaceError, match=message):
        summarize(races)


def test_a_single_optimizer_has_nobody_to_beat():
    summary = summarize([result("a", {"x": [1.0, 2.0]})])
    assert summary.improvement == {} and summary.mean_rank == {"x": 1.0}


RUNS = st.integers(-20, 20).map(float) | st.none()
TASK = st.lists(st.tuples(RUNS, RUNS, RUNS), min_size=3, max_size=3).map(
    lambda runs: dict(zip("xyz", runs, strict=True))
)
RACES = st.lists(TASK, min_size=1, max_size=3).map(
    lambda tasks: [result(str(number), metrics, untrained=-10.0) for number, metrics in enumerate(tasks)]
)
SOME = hypothesis.settings(max_examples=10, deadline=None)


@SOME
@hypothesis.given(RACES, st.randoms())
def test_the_order_of_optimizers_and_tasks_is_nothing(races, random):
    shuffled = [
        dataclasses.replace(race, rows=tuple(random.sample(race.rows, len(race.rows))))
        for race in random.sample(races, len(races))
    ]
    assert summarize(shuffled) == summarize(races)


@SOME
@hypothesis.given(RACES)
def test_profiles_are_monotone_and_within_their_bands(races):
    for profile in summarize(races).profile_of_scores.values():
        for line in (profile.share, profile.low, profile.high):
            assert list(line) == sorted(line, reverse=True) and min(line) >= 0 and max(line) <= 1
        assert all(low - 1e-9 <= high for low, high in zip(profile.low, profile.high, strict=True))


@SOME
@hypothesis.given(RACES)
def test_two_improvements_add_up_to_one(races):
    improvement = summarize(races).improvement
    assert len(improvement) == 6
    for first, second in itertools.combinations("xyz", 2):
        there, back = improvement[first, second], improvement[second, first]
        assert there.value + back.value == pytest.approx(1)
        assert there.low + back.high == pytest.approx(1) and there.high + back.low == pytest.approx(1)


@SOME
@hypothesis.given(RACES, st.sampled_from([0.25, 4.0]), st.integers(-64, 64))
def test_scaling_and_shifting_a_metric_changes_nothing(races, scale, shift):
    def changed(value):
        return None if value is None else scale * value + shift

    first = races[0]
    rows = tuple(
        dataclasses.replace(
            row,
            test_metric=changed(row.test_metric),
            untrained_test_metric=changed(row.untrained_test_metric),
            final_test_metric=tuple(map(changed, row.final_test_metric)),
        )
        for row in first.rows
    )
    before, after = summarize(races), summarize([dataclasses.replace(first, rows=rows), *races[1:]])
    assert after.mean_rank == before.mean_rank and after.improvement == before.improvement
    for name, scores in before.scores.items():
        assert np.allclose(after.scores[name].runs, scores.runs, atol=1e-12)
