"""The promise to go leaf by leaf: broken it is found, and what cannot keep it is refused."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import conformance


class Sum(NamedTuple):
    """A state of one scalar."""

    value: jax.Array


@zoo.primitive
def lying(of_update=lambda x, whole: x, of_scalar=lambda state, whole: state):
    """Says that it goes leaf by leaf, and reads the whole tree."""

    def update(updates, state, params=None, **extra_args):
        whole = sum(jnp.sum(x) for x in jax.tree.leaves(updates))
        return jax.tree.map(lambda x: of_update(x, whole), updates), Sum(of_scalar(state.value, whole))

    return zoo.Rule(lambda params: Sum(jnp.float32(0)), update, by_leaf=True)


def outcome(make):
    (found,) = conformance.check(make, only=["by_leaf_as_whole_tree"])
    return found.status, found.message


@pytest.mark.parametrize("within", [lambda part: part, lambda part: zoo.pipeline(momentum=part, learning_rate=0.1)])
def test_a_part_that_breaks_it_is_found_alone_and_in_a_pipeline(within):
    status, message = outcome(lambda: within(lying(of_update=lambda x, whole: x / whole)))
    assert status == "failed" and "the update of ['bias'] alone is off" in message
    status, message = outcome(lambda: within(lying(of_scalar=jnp.add)))
    assert status == "failed" and "the state after a step of ['bias'] alone" in message


def test_what_keeps_it_passes_and_what_makes_no_promise_is_skipped():
    assert outcome(zoo.adamw) == outcome(lambda: zoo.trace(0.9)) == ("passed", "")
    for make in (optax.identity, zoo.eve):
        assert outcome(make) == ("skipped", "it does not say that it goes leaf by leaf")


def test_an_argument_of_the_whole_tree_cannot_be_needed_leaf_by_leaf():
    with pytest.raises(ValueError, match=r"needs is \('params', 'value'\), but must not have 'value' beside by_leaf"):
        zoo.Rule(optax.identity().init, lambda *args, **extra_args: args[:2], ("params", "value"), by_leaf=True)
