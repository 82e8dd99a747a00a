"""The printed tables: what stands in them, and that they fit."""

import dataclasses

import invented_results
import numpy as np
import pytest

from optax_zoo.race.analysis.comparisons import least_seeds
from optax_zoo.race.rows import rank
from optax_zoo.race.statistics.estimates import bootstrap_interval, interquartile_mean
from optax_zoo.race.terminal.formats import column_places, number, with_interval
from optax_zoo.race.terminal.report import render
from optax_zoo.running import extent

TERMINALS = pytest.mark.parametrize("width", [80, 100])
NAMES = tuple("rmsprop_graves" if name.startswith("own") else name for name in invented_results.NAMES)


@pytest.fixture(autouse=True)
def named(monkeypatch):
    """One optimizer more that could be."""
    monkeypatch.setitem(invented_results.BEST_RATES, "rmsprop_graves", 0.03)
    monkeypatch.setitem(invented_results.QUALITY, "rmsprop_graves", 0.962)


def lines_of(text):
    """The cells of each line of a table by its first."""
    return {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.strip()}


def with_metric(result, change):
    """The race with the test metric changed by a function of the values by seed and the number of the row."""
    rows = []
    for place, row in enumerate(result.rows):
        if row.test_metric is not None:
            metric = change(np.array(row.final_test_metric), place)
            row = dataclasses.replace(
                row,
                test_metric=float(interquartile_mean(metric)),
                test_metric_interval=bootstrap_interval(metric),
                final_test_metric=tuple(metric.tolist()),
            )
        rows.append(row)
    return dataclasses.replace(result, rows=tuple(sorted(rows, key=rank)))


@TERMINALS
def test_each_optimizer_has_one_line(width):
    text = render(invented_results.result(NAMES), width)
    assert max(map(len, text.splitlines())) <= width
    lines = lines_of(text[: text.index("Test metric:")])
    row = invented_results.result(NAMES)["adam"]
    low, high = row.test_metric_interval
    assert f"adam 0.01 {row.test_metric:.4f} [{low:.4f}, {high:.4f}]" in lines["adam"]
    assert lines["adam"].split()[-3:] == ["0.6802", "274", "8.00"]
    assert " none diverged - never" in lines["gravity"]
    assert " 0.0316 diverged diverged never" in lines["novograd"]
    assert lines["adam"].startswith("adam adam 0.01" if width == 100 else "adam 0.01")  # the family if there is room
    assert lines["expectigrad"].split()[-3] == "-"
    assert [name for name in lines if name in NAMES] == [row.optimizer for row in invented_results.result(NAMES).rows]


def test_the_title_and_the_caption_say_what_was_done():
    changes = {"schedule": "cosine", "warmup": 0.05, "weight_decay": 0.01}
    text = " ".join(render(invented_results.result(**changes)).split())
    assert text.startswith(
        "digits_mlp: test accuracy after 600 steps of 64 examples, 10 final seeds, cosine schedule, "
        "the first 5 % warm-up, weight decay 0.01"
    )
    assert "over 10 fresh seeds, at what was best on validation (3 tuning seeds)" in text
    assert "Better than the defaults in the random search: adam: b1=0.93." in text
    assert "novograd: diverged at 2 of 7 rates; diverged at 1 of 10 final seeds" in text
    plain = " ".join(render(invented_results.result()).split())
    assert plain.startswith("digits_mlp: test accuracy after 600 steps of 64 examples, 10 final seeds Cannot be")
    assert "ms" not in plain.split()


def test_from_which_optimizers_the_best_differs():
    raced = invented_results.result(("adam", "nag", "sgd"))
    seeds = np.linspace(0.5, 0.6, 10)
    scores = {0: seeds, 1: seeds - 0.001 * (-1) ** np.arange(10) - 1e-5, 2: seeds - 0.1}
    best, alike, worse = with_metric(raced, lambda _, place: scores[place]).rows
    text = " ".join(render(dataclasses.replace(raced, rows=(best, alike, worse))).split())
    assert f"Cannot be told apart from the best, {best.optimizer}: {alike.optimizer}. 2 of 3 pairs of different" in text
    assert f"{alike.optimizer} 1 0.0000 [-0.0006, 0.0008] 0.76 not told apart" in text
    assert f"{worse.optimizer} 2 0.1 [0.1, 0.1] 0.002 worse" in text


def test_with_few_seeds_no_difference_can_be_found():
    text = " ".join(render(invented_results.result(("adam", "sgd"), final_seeds=5)).split())
    assert "No difference can be found with 5 final seeds; 6 at least are needed." in text
    assert "adam stands alone in" in " ".join(render(invented_results.result(("adam", "sgd"), final_seeds=6)).split())
    assert "difference" not in render(invented_results.result(("adam",)))


def test_without_a_target_there_is_no_column_for_it():
    raced = invented_results.result(("adam",))
    raced = dataclasses.replace(raced, settings=dataclasses.replace(raced.settings, target=None))
    assert "0.95" not in render(raced).split("Test metric")[0]


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100])
def test_of_a_hundred_the_best_are_shown_and_the_others_named_by_tier(width):
    raced = invented_results.crowd(100)
    text = render([raced, invented_results.crowd(100, task="noisy_digits", shift=-0.08)], width)
    assert max(map(len, text.splitlines())) <= width and len(text.splitlines()) < 300
    figures, verdicts = text[: text.index("Test metric:")], text[text.index("Who can be") : text.index("Behind:")]
    names = [row.optimizer for row in raced.rows]
    assert [name for name in lines_of(figures) if name in names] == names[:20]
    assert f"Not shown: 80 of lower rank; {extent.SEE_ALL}." in " ".join(text.split())
    flat = " ".join(verdicts.replace("\n", " ").split())
    assert "In tier 9 (" in flat and all(name in flat for name in names if raced[name].test_metric is not None)
    whole = " ".join(text.split())
    assert whole.count("Best of each family: adaptive expectigrad (1), adam adam (2)") == 3
    assert "Diverged: novograd, gravity." in whole and "optax.lbfgs: could not run: no" in whole
    assert ("gradient_descent 0.1" in whole) is (width == 100)


def test_all_rows_are_printed_where_that_is_asked_for():
    raced = invented_results.crowd(60)
    text = render(raced, 100, top=0)
    names = [row.optimizer for row in raced.rows]
    assert [name for name in lines_of(text[: text.index("Test metric:")]) if name in names] == names
    assert "Not shown" not in text and "Best of each family" not in text


@pytest.mark.parametrize("seeds, enough", [(6, True), (5, False)])
def test_the_least_number_of_seeds_depends_on_whether_choices_were_unsure(seeds, enough):
    raced = invented_results.result(("adam", "sgd"), final_seeds=seeds)
    assert (least_seeds(raced) <= seeds) is enough
    unsure = dataclasses.replace(raced.rows[0], contender_rates=(0.01, 0.1))
    assert least_seeds(dataclasses.replace(raced, rows=(unsure, raced.rows[1]))) == 8


@TERMINALS
def test_a_metric_of_all_magnitudes_is_readable(width):
    raced = with_metric(invented_results.result(), lambda metric, place: (metric - 1) * 10.0 ** (2 * place - 4))
    text = render(raced, width)
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    assert "[0.0000, 0.0000]" not in text and "[-0.0, -0.0]" not in text


@TERMINALS
def test_the_table_of_several_races(width):
    races = [invented_results.result(NAMES, task=name) for name in ("digits_mlp", "digits_cnn")]
    text = render(races, width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count(": test accuracy after") == 2
    summary = text[text.index("Summary over 2 tasks: digits_cnn, digits_mlp") :]
    lines = lines_of(summary)
    best = races[0].rows[0]
    metrics = f" {best.test_metric:.4f} {best.test_metric:.4f}" if width == 100 else ""
    assert lines["expectigrad"].startswith("expectigrad 1.0002 [") and lines["expectigrad"].endswith(
        f"] 1.0 - 2 of 2{metrics}"
    )
    assert " 9.5 0.00 [0.00, 0.00] 0 of 2" in lines["gravity"]
    assert [name for name in lines if name in NAMES] == [row.optimizer for row in races[0].rows]


def test_of_many_tasks_there_are_no_columns():
    races = [invented_results.result(("adam", "sgd"), task=f"task{number}") for number in range(5)]
    summary = render(races, 500).split("Summary over 5 tasks")[1]
    assert summary.splitlines()[2].split() == ["score", "mean", "P(beats", "targets"]
    four = render(races[:4], 500).split("Summary over 4 tasks")[1]
    assert four.splitlines()[3].split()[-4:] == ["task0", "task1", "task2", "task3"]


def test_who_is_left_out_is_named():
    races = [invented_results.result(("adam", "sgd"), task="a"), invented_results.result(("adam", "nag"), task="b")]
    assert "Left out, as they did not take part in every task: nag, sgd." in " ".join(render(races).split())


@pytest.mark.parametrize(
    "value, interval, shown",
    [
        (0.97503, (0.9722, 0.9778), "0.975 [0.972, 0.978]"),
        (0.97503, (0.97358, 0.9754), "0.9750 [0.9736, 0.9754]"),
        (3.2149, (3.1, 3.35), "3.21 [3.10, 3.35]"),
        (-87.11, (-90.2, -86.05), "-87 [-90, -86]"),
        (-1234567.0, (-1300000.0, -1200000.0), "-1.235e+06 [-1.3e+06, -1.2e+06]"),
        (-1.2e-8, (-1.3e-8, -1.1e-8), "-1.2e-08 [-1.3e-08, -1.1e-08]"),
        (0.5, (0.5, 0.5), "0.5000 [0.5000, 0.5000]"),
    ],
)
def test_figures_have_the_digits_that_their_intervals_warrant(value, interval, shown):
    (places,) = column_places([interval])
    assert with_interval(value, interval, places).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_a_column_has_the_same_places_where_intervals_are_alike():
    assert column_places([(0.0, 0.02), (0.0, 0.002), None, (0.0, 0.0), (0.0, 0.005)]) == [4] * 5
    assert column_places([(0.0, 0.01), (0.0, 0.004), (0.0, 40.0), (0.0, 1e-7)]) == [3, 3, 0, 8]


def test_zero_has_no_sign():
    assert number(-0.0001, 2) == "0.00" and number(-0.01, 2) == "-0.01"
