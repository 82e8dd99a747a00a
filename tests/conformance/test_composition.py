"""The checks of composition find what is wrong with an optimizer, and nothing else."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest

from optax_zoo import conformance
from optax_zoo.conformance import composition  # noqa: F401  (registers its checks)


def number_of(rate):
    return rate(0) if callable(rate) else rate


def descent(of=lambda g, p: g, transformation=optax.GradientTransformationExtraArgs):
    """A factory of gradient descent by a function of (gradient, parameter)."""

    def make(learning_rate=0.1, eps_root=0.0):
        def update(updates, state, params=None, **extra_args):
            params = updates if params is None else params
            return jax.tree.map(lambda g, p: scaled(learning_rate, of(g, p).astype(g.dtype)), updates, params), state

        return transformation(lambda params: optax.EmptyState(), update)

    return make


def by_update(body, init=lambda params: optax.EmptyState()):
    """A factory from the body of an update: a function of (learning_rate, updates, state)."""

    def make(learning_rate=0.1):
        def update(updates, state, params=None, **extra_args):
            return body(learning_rate, updates, state)

        return optax.GradientTransformationExtraArgs(init, update)

    return make


def scaled(rate, updates):
    return jax.tree.map(lambda g: (-number_of(rate) * g).astype(g.dtype), updates)


def numerical(of=lambda rate: rate):
    """Gradient descent by a function of the rate, which is no schedule."""
    return by_update(lambda rate, g, s: (jax.tree.map(lambda x: (-of(rate) * x).astype(x.dtype), g), s))


class Overridden(optax.GradientTransformationExtraArgs):
    """Says by its method something else than by its field."""

    def update(self, updates, state, params=None, **extra_args):
        return jax.tree.map(lambda g: 2 * g, self[1](updates, state, params)[0]), state


def compares_the_objects(learning_rate=0.1):
    def update(updates, state, params=None, *, grad, **extra_args):
        kept = jax.tree.map(lambda g, x: g if g is x else 2 * g, updates, grad)
        return scaled(learning_rate, kept), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def counts_the_entries(rate, updates, state):
    entries = len(updates) if isinstance(updates, dict) else 1
    return jax.tree.map(lambda u: u / entries, scaled(rate, updates)), state


def refuses_what_it_does_not_know(learning_rate=0.1):
    def update(updates, state, params=None):
        return scaled(learning_rate, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def needs_value(default):
    def make(learning_rate=0.1):
        def update(updates, state, params=None, **extra_args):
            value = extra_args.get("value", default)
            if value is None:
                raise TypeError("pass value=")
            return scaled(number_of(learning_rate) * value, updates), state

        return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)

    return make


def forgets_decay_without_params(learning_rate=0.1):
    def update(updates, state, params=None, **extra_args):
        if params is not None:
            updates = jax.tree.map(lambda g, p: g + 0.1 * p, updates, params)
        return scaled(learning_rate, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def ignores_an_injected_rate(learning_rate=0.1):
    rate = learning_rate if isinstance(learning_rate, float) or callable(learning_rate) else 0.1
    return descent()(rate)


def ignores_an_injected_decay(learning_rate=0.1, decay=0.1):
    decay = decay if isinstance(decay, float) else 0.0
    return optax.chain(optax.add_decayed_weights(decay), descent()(learning_rate))


def branches_on_the_rate(rate):
    return rate if rate > 0.01 else 2 * rate


def in_the_dtype_of_the_rate(rate, updates, state):
    return jax.tree.map(lambda g: g * -jnp.asarray(number_of(rate), getattr(rate, "dtype", g.dtype)), updates), state


def almost_one(learning_rate=0.1, decay=0.999):
    return descent(lambda g, p: g * ((1 - 0.999) / (1 - decay)))(learning_rate)


def calls_params_weights(learning_rate=0.1):
    def update(updates, state, weights=None, **extra_args):
        assert "params" not in extra_args
        return scaled(learning_rate, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


class Counter(NamedTuple):
    count: jax.Array


def counts_beside_the_state(learning_rate=0.1):
    count = 0

    def init(params):
        nonlocal count
        count = 0
        return optax.EmptyState()

    def update(updates, state, params=None, **extra_args):
        nonlocal count
        count += 1
        return jax.tree.map(lambda u: u / count, scaled(learning_rate, updates)), state

    return optax.GradientTransformationExtraArgs(init, update)


MADE = itertools.count()


def another_one_each_time(learning_rate=0.1):
    factor = 1 + 1e-6 * (next(MADE) % 2)
    return descent(lambda g, p: factor * g)(learning_rate)


FROM_STATE = {
    "state turns into a float": by_update(
        lambda rate, g, s: (scaled(rate, g), Counter(s.count + jnp.float32(1))), lambda p: Counter(jnp.int32(0))
    ),
    "state is flattened": by_update(
        lambda rate, g, s: (scaled(rate, g), [x + 1 for x in s]),
        lambda params: [jnp.zeros_like(p) for p in jax.tree.leaves(params)],
    ),
    "state has axes that parameters have not": by_update(
        lambda rate, g, s: (scaled(rate, g), s), lambda params: jax.tree.map(lambda p: jnp.zeros((1, *p.shape)), params)
    ),
}
INJECTED = {"inject_hyperparams", "inject_hyperparams_at_run_time"}
BFLOAT16 = {"inject_hyperparams_bfloat16", "inject_hyperparams_bfloat16_default"}
BROKEN = {
    "overridden in a subclass": (
        descent(transformation=Overridden),
        {"chain", "unexpected_extra_argument"},
    ),
    "compares the objects with those in grad": (compares_the_objects, {"chain", "named_chain", "multi_steps"}),
    "counts the entries of a dict": (by_update(counts_the_entries), {"partition", "masked"}),
    "refuses an unknown argument": (refuses_what_it_does_not_know, {"unexpected_extra_argument"}),
    "assumes a missing value": (needs_value(1.0), {"missing_extra_arguments_are_refused"}),
    "forgets its decay": (forgets_decay_without_params, {"update_without_params"}),
    "ignores an injected rate": (
        ignores_an_injected_rate,
        {"inject_hyperparams_at_run_time", "vmap_over_learning_rates", "gradient_through_steps"},
    ),
    "ignores an injected decay": (ignores_an_injected_decay, INJECTED | BFLOAT16),
    "takes numbers only": (numerical(), {"constant_schedule"}),
    "branches on the rate": (
        numerical(branches_on_the_rate),
        {
            "inject_hyperparams_at_run_time",
            "constant_schedule",
            "vmap_over_learning_rates",
            "gradient_through_steps",
        },
    ),
    "takes the dtype of its rate": (by_update(in_the_dtype_of_the_rate), {"inject_hyperparams_keeps_dtype"}),
    "divides by 1 - decay": (almost_one, {"inject_hyperparams_bfloat16_default"}),
    "calls params weights": (calls_params_weights, {"multi_steps"}),
    "state turns into a float": (
        FROM_STATE["state turns into a float"],
        {"apply_if_finite", "gradient_through_steps", "gradient_through_zero_gradients"},
    ),
    "state is flattened": (FROM_STATE["state is flattened"], {"map_params"}),
    "another one each time": (another_one_each_time, {"same_key_same_trajectory"}),
    "stops the gradient": (
        descent(lambda g, p: jax.lax.stop_gradient(g) + jnp.sqrt(0 * jax.lax.square(p))),
        {"gradient_through_steps", "gradient_through_zero_gradients"},
    ),
    "divides by a norm of 0": (
        descent(lambda g, p: jnp.where(jnp.any(g != 0), g / jnp.sqrt(jnp.sum(g**2)), 0)),
        {"gradient_through_zero_gradients"},
    ),
    "counts beside the state": (
        counts_beside_the_state,
        {"lookahead", "multi_steps", "inject_hyperparams"} | BFLOAT16,
    ),
}


def failed(make, **arguments):
    report = conformance.check(make, only=["composition"], **arguments)
    return {outcome.check: outcome.message for outcome in report if outcome.status == "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_checks_fail_on_what_they_are_for(name):
    make, expected = BROKEN[name]
    found = failed(make, needs=[need for need in ("value", "grad") if need in name.split()])
    assert set(found) == expected, found


def test_every_check_is_shown_to_fail():
    names = {one.name for one in conformance.CHECKS.values() if one.group == "composition"}
    assert set.union(*(expected for _, expected in BROKEN.values())) == names


@pytest.mark.slow
@pytest.mark.parametrize(("make", "needs"), [(descent(), []), (needs_value(None), ["value"])])
def test_good_ones_pass(make, needs):
    assert failed(make, needs=needs) == {}


@pytest.mark.slow
def test_adam_passes_but_for_bfloat16_where_injected_and_the_root_of_0():
    def adam(learning_rate=0.01, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0):
        return optax.adam(learning_rate, b1, b2, eps, eps_root)

    assert set(failed(adam)) == {
        "inject_hyperparams_bfloat16_default",
        "inject_hyperparams_keeps_dtype",
        "gradient_through_zero_gradients",
    }


@pytest.mark.slow
def test_what_does_not_apply_is_skipped_with_a_reason():
    report = conformance.check(lambda: optax.sgd(0.1), only=["composition"])
    reasons = {outcome.check: outcome.message for outcome in report if outcome.status == "skipped"}
    assert report.ok and reasons == {
        "missing_extra_arguments_are_refused": "update needs no extra arguments",
        **dict.fromkeys(
            [
                *sorted(INJECTED | BFLOAT16),
                "inject_hyperparams_keeps_dtype",
                "constant_schedule",
                "vmap_over_learning_rates",
            ],
            "the factory takes no learning_rate",
        ),
    }


def test_a_rate_annotated_as_a_number_need_not_be_a_schedule():
    def make(learning_rate: float = 0.1):
        return numerical()(learning_rate)

    (outcome,) = conformance.check(make, only=["constant_schedule"])
    assert outcome.status == "skipped" and "not as a schedule" in outcome.message


def test_extra_arguments_that_are_trees_do_not_go_through_partition():
    def make():
        def update(updates, state, params=None, *, grad, **extra_args):
            return scaled(0.1, grad), state

        return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)

    report = conformance.check(make, needs=["grad"], only=["partition", "masked", "chain"])
    assert [outcome.status for outcome in report] == ["passed", "skipped", "skipped"]
