"""Equality with optax where optax has the algorithm, and what sets the defaults of both apart where they differ."""

import inspect

import optax
import optax.contrib
import pytest
from counterparts import RATE, counterparts, difference, of_optax, optimizer_of_optax

import optax_zoo as zoo

PAIRS = list(counterparts())

pytestmark = pytest.mark.filterwarnings("ignore:.optimistic_adam. is deprecated:DeprecationWarning")  # it is compared


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_takes_the_steps_of_optax(pair, dtype):
    name, theirs = pair
    each = counterparts()[pair]
    apart = difference(lambda: each.made(name), lambda: of_optax(theirs, **each.theirs), dtype)
    assert apart <= getattr(each, dtype)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_departures_are_stated_where_the_defaults_lead_to_other_steps(pair):
    name, theirs = pair
    each = counterparts()[pair]
    rate = {"learning_rate": RATE} if "learning_rate" in each.theirs else {}
    apart = difference(lambda: zoo.create(name, **rate), lambda: of_optax(theirs, **rate), "float64")
    assert (apart > each.float64) == bool(each.departures)
    assert not each.departures or each.departures.endswith(".")


def test_every_algorithm_that_optax_has_by_that_name_is_compared():
    spaces = {"optax": optax, "optax.contrib": optax.contrib}
    there = {
        (name, f"{space}.{name}") for space in spaces for name in zoo.list_algorithms() if hasattr(spaces[space], name)
    }
    assert {pair for pair in there if has_a_rate(pair[1])} <= set(PAIRS)


def has_a_rate(name):
    return "learning_rate" in inspect.signature(optimizer_of_optax(name)).parameters
