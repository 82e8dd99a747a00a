"""What a race shows while it runs, and how long it says that it will take."""

import io
import itertools
import os
import pty
import re
import subprocess
import sys

import pytest

from optax_zoo.running.progress import display
from optax_zoo.running.time_left import Estimate, in_words


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def run(estimate, clock, name, number, of, compiling, batches, seconds):
    """Runs an optimizer, whose batches have ten trials; returns what is left after each batch."""
    estimate.phase(name, number, of)
    clock.now += compiling
    lefts = []
    for _ in range(batches):
        clock.now += seconds
        estimate.advance(10)
        lefts.append(estimate.left)
    return lefts


def test_there_is_no_estimate_before_an_optimizer_is_finished(clock):
    estimate = Estimate(120, clock)
    clock.now += 500  # tracing, which is over
    assert run(estimate, clock, "a", 0, 4, 10, 3, 1) == [None] * 3
    estimate.phase("b", 1, 4)
    assert estimate.left == pytest.approx(3 * 13)


def test_equal_optimizers_are_estimated_exactly_compilation_included(clock):
    estimate = Estimate(120, clock)
    for number, name in enumerate("abcd"):
        run(estimate, clock, name, number, 4, 10, 3, 1)
        if number < 3:
            estimate.phase("abcde"[number + 1], number + 1, 4)
            assert estimate.left == pytest.approx((3 - number) * 13)
    assert estimate.left is None and estimate.done == estimate.total


def test_between_batches_the_time_left_falls_with_the_clock_and_never_to_nothing(clock):
    estimate = Estimate(60, clock)
    run(estimate, clock, "a", 0, 2, 10, 3, 1)
    estimate.phase("b", 1, 2)
    lefts = []
    for _ in range(100):
        clock.now += 1
        lefts.append(estimate.left)
    assert lefts[:3] == pytest.approx([12, 11, 10])
    assert all(later <= earlier for earlier, later in itertools.pairwise(lefts))
    assert lefts[-1] == pytest.approx(13 * 2 / 3)  # two batches after the one that is late


def test_time_is_left_as_long_as_trials_are(clock):
    estimate = Estimate(20, clock)
    run(estimate, clock, "a", 0, 2, 0, 1, 0.001)
    estimate.phase("b", 1, 2)
    clock.now += 1000
    assert estimate.left == 1.0
    estimate.advance(10)
    assert estimate.left is None


def test_the_last_optimizer_is_measured_by_itself(clock):
    estimate = Estimate(50, clock)
    lefts = run(estimate, clock, "a", 0, 1, 100, 5, 2)
    assert lefts == [None, pytest.approx(6), pytest.approx(4), pytest.approx(2), None]


def test_trials_that_have_been_finished_before_are_no_measure(clock):
    estimate = Estimate(70, clock)
    estimate.phase("c", 2, 4)
    estimate.skip(30)
    run(estimate, clock, "c", 2, 4, 10, 1, 1)
    estimate.phase("d", 3, 4)
    assert estimate.left == pytest.approx(30 * 1.1)


def test_more_trials_take_more_time_and_fewer_less(clock):
    estimate = Estimate(60, clock)
    run(estimate, clock, "a", 0, 2, 10, 3, 1)
    estimate.phase("b", 1, 2)
    estimate.grow(15)
    assert estimate.left == pytest.approx(45 * 13 / 30)
    estimate.grow(-30)
    assert estimate.left == pytest.approx(15 * 13 / 30)
    estimate.grow(-100)
    assert estimate.left is None and estimate.total == estimate.done == 30


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.1, "5 s"),
        (8, "10 s"),
        (57, "55 s"),
        (58, "1 min"),
        (89, "1 min"),
        (91, "2 min"),
        (3569, "59 min"),
        (3590, "1 h"),
        (3700, "1 h 10 min"),
        (7200, "2 h"),
        (90000, "25 h"),
    ],
)
def test_a_time_in_words(seconds, words):
    assert in_words(seconds) == words


def show(visible=True):
    with display(30, visible) as progress:
        progress.phase("all", "tracing 1 of 2", 1, 3)
        progress.phase("adam", "tuning", 1, 3)
        progress.advance(10)
        progress.grow(5)
        progress.phase("[b]sgd[/b]", "final seeds", 2, 3)
        progress.advance(10)


def test_lines_for_each_phase(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    show()
    assert [re.sub(r"\d+\.\d s", "T s", line) for line in stream.getvalue().splitlines()] == [
        "[2/3]    T s  all: tracing 1 of 2",
        "[2/3]    T s  adam: tuning",
        "[3/3]    T s  [b]sgd[/b]: final seeds, about 5 s left",
    ]


def test_nothing_is_shown_where_it_is_not_wanted(capfd):
    show(visible=False)
    assert capfd.readouterr() == ("", "")


TERMINAL = """
from optax_zoo.running.progress import display
with display(300, True) as progress:
    progress.phase("adam", "tuning", 0, 12)
    progress.advance(25)
    progress.phase("optax.rmsprop[denominator=none]", "searching", 1, 12)
    progress.advance(50)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("width", [60, *(pytest.param(width, marks=pytest.mark.slow) for width in (80, 120))])
def test_a_bar_on_a_terminal_fits(width):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(width), "LINES": "24", "NO_COLOR": "1"}
    process = subprocess.Popen([sys.executable, "-c", TERMINAL], stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\r", written.decode())
    shown = [line for line in re.split(r"[\r\n]+", text) if "[2/12] optax.rms" in line]
    assert shown and max(map(len, shown)) <= width
    assert "75/300" in shown[-1] and "about 5 s left" in shown[-1]
