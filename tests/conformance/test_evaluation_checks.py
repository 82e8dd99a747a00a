"""The checks of the parameters to evaluate with find what is wrong with them, and nothing else."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import conformance


class Averaged(NamedTuple):
    """The parameters of all steps in sum, and how many there are."""

    total: Any
    count: Any

    def evaluation_params(self, params):
        return jax.tree.map(lambda s: s / self.count, self.total)


class InTheirDtype(Averaged):
    def evaluation_params(self, params):
        return jax.tree.map(lambda s, p: (s / self.count).astype(p.dtype), self.total, params)


class WithoutNone(InTheirDtype):
    """Knows that leaves may be left out."""

    def evaluation_params(self, params):
        def of_leaf(s, p):
            return p if isinstance(s, optax.MaskedNode) else (s / self.count).astype(p.dtype)

        return jax.tree.map(of_leaf, self.total, params, is_leaf=lambda x: isinstance(x, optax.MaskedNode))


class OnTheHost(WithoutNone):
    def evaluation_params(self, params):
        return super().evaluation_params(params) if self.count > 0 else params


def averaging(kind, first=1):
    """Gradient descent that keeps the average of its parameters."""

    def make(learning_rate=0.1):
        def init(params):
            return kind(jax.tree.map(lambda p: jnp.float32(first) * p, params), jnp.float32(1))

        def update(updates, state, params=None, **extra_args):
            rate = learning_rate(0) if callable(learning_rate) else learning_rate
            steps = jax.tree.map(lambda g: (-rate * g).astype(g.dtype), updates)
            total = jax.tree.map(lambda s, p, u: s + p + u, state.total, params, steps)
            return steps, kind(total, state.count + 1)

        return optax.GradientTransformationExtraArgs(init, update)

    return make


BROKEN = {
    "not at first": (averaging(WithoutNone, first=2), {"evaluation_params_mirror_parameters"}),
    "in float32": (averaging(Averaged), {"evaluation_params_mirror_parameters", "evaluation_params_of_groups"}),
    "of whole trees only": (averaging(InTheirDtype), {"evaluation_params_of_groups"}),
    "read on the host": (
        averaging(OnTheHost),
        {"evaluation_params_mirror_parameters", "evaluation_params_in_wrappers"},
    ),
}


def failed(make):
    report = conformance.check(make, only=["evaluation"])
    return {outcome.check: outcome.message for outcome in report if outcome.status == "failed"}


@pytest.mark.parametrize("name", BROKEN)
def test_checks_fail_on_what_they_are_for(name):
    make, expected = BROKEN[name]
    found = failed(make)
    assert set(found) == expected, found


def test_every_check_is_shown_to_fail():
    names = {one.name for one in conformance.CHECKS.values() if one.group == "evaluation"}
    assert set.union(*(expected for _, expected in BROKEN.values())) == names


@pytest.mark.parametrize("make", [averaging(WithoutNone), zoo.lookahead, optax.sgd, optax.identity])
def test_good_ones_pass(make):
    assert failed(lambda: make(0.1) if make is optax.sgd else make()) == {}
