"""The checks of persistence find what is wrong with a state, and nothing else."""

import importlib.util
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest

from optax_zoo import conformance
from optax_zoo.conformance import persistence


class Holder(NamedTuple):
    """A state that pickle finds by its name."""

    held: Any


def keeping(init, after=lambda state: state):
    """A factory of gradient descent with a state that does not matter."""

    def make():
        def update(updates, state, params=None, **extra_args):
            return jax.tree.map(lambda g: -0.1 * g, updates), after(state)

        return optax.GradientTransformationExtraArgs(init, update)

    return make


def of_a_local_class():
    class Local(NamedTuple):
        held: Any

    return Local(jnp.zeros(3))


ORBAX = {"orbax_round_trip", "orbax_onto_another_mesh"}
BROKEN = {
    "a class that pickle does not find": (keeping(lambda params: of_a_local_class()), {"pickle_round_trip"}),
    "a typed key": (keeping(lambda params: Holder(jax.random.key(0))), {"flax_round_trip"}),
    "an array without elements": (keeping(lambda params: Holder(jnp.zeros((0, 3)))), ORBAX),
    "a weakly typed number": (
        keeping(lambda params: Holder(1.0), lambda s: Holder(s.held * 2.0)),
        {"flax_round_trip", *ORBAX},
    ),
}


def failed(make):
    report = conformance.check(make, only=["persistence"])
    return {outcome.check: outcome.message for outcome in report if outcome.status == "failed"}


@pytest.mark.parametrize("name", BROKEN)
def test_checks_fail_on_what_they_are_for(name):
    make, expected = BROKEN[name]
    found = failed(make)
    assert set(found) == expected, found


def test_a_restored_array_must_lie_where_it_was_wanted(monkeypatch):
    monkeypatch.setattr(persistence, "abstract", lambda x, _=None: jax.ShapeDtypeStruct(x.shape, x.dtype))
    found = failed(lambda: optax.adam(0.1))
    assert set(found) == {"orbax_onto_another_mesh"} and "lies on" in found["orbax_onto_another_mesh"], found


@pytest.mark.parametrize("make", [optax.adam, optax.sgd], ids=["adam", "sgd"])
def test_good_ones_pass(make):
    report = conformance.check(lambda: make(0.1), only=["persistence"])
    assert report.counts == {"passed": 4}, str(report)


def test_what_is_not_installed_or_not_there_is_said(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", lambda name: None)
        report = conformance.check(lambda: optax.sgd(0.1), only=["persistence"])
    assert [outcome.message for outcome in report] == [
        "",
        "flax is not installed",
        "orbax-checkpoint is not installed",
        "orbax-checkpoint is not installed",
    ]
    one = jax.devices()[:1]
    monkeypatch.setattr(jax, "devices", lambda: one)
    (outcome,) = conformance.check(lambda: optax.sgd(0.1), only=["orbax_onto_another_mesh"])
    assert outcome.message == "needs an even number of devices, at least 4, and there are 1"
