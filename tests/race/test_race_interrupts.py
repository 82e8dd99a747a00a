"""Ctrl-C during a race."""

import signal
import threading

import pytest

from optax_zoo.running.interrupts import remembered_interrupts


@pytest.fixture
def default_handler():
    """Python's, also where the tests were started in the background of a shell that ignores Ctrl-C there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_was_lost_is_raised_later(default_handler):
    with remembered_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_stays():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        with remembered_interrupts() as raise_if_interrupted:
            signal.raise_signal(signal.SIGINT)
            raise_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
    assert pressed == [True]


def test_a_race_may_run_in_a_thread():
    entered = []

    def enter():
        with remembered_interrupts():
            entered.append(True)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [True]
