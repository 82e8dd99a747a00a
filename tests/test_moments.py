"""Averages are read out of states by the name of their slot, whatever is wrapped around them."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo

PARAMS = {"w": jnp.ones((2, 3)), "b": jnp.zeros(3)}
GRADS = jax.tree.map(lambda p: p + 1, PARAMS)


def after_a_step(tx):
    return tx.update(GRADS, tx.init(PARAMS), PARAMS)[1]


def expected(share):
    return jax.tree.map(lambda g: share * g, GRADS)


@pytest.mark.parametrize(
    "around",
    [
        lambda tx: tx,
        lambda tx: optax.chain(optax.clip(10.0), tx, optax.scale(1.0)),
        lambda tx: optax.MultiSteps(tx, 1),
        lambda tx: optax.apply_if_finite(tx, 3),
        lambda tx: optax.chain(optax.masked(tx, {"w": True, "b": True})),
        lambda tx: optax.chain(optax.chain(optax.ema(0.5), optax.identity()), optax.chain(tx)),
    ],
    ids=["alone", "chain", "MultiSteps", "apply_if_finite", "masked", "chains"],
)
def test_the_pipeline_is_found_wherever_it_is(around):
    state = after_a_step(around(zoo.adam(0.1, 0.75)))
    found = zoo.moment(state, "m")
    assert jax.tree.structure(found) == jax.tree.structure(PARAMS)
    chex.assert_trees_all_equal(found, zoo.moment(state, "numerator"))
    assert jax.tree.structure(zoo.moment(state, "v")) == jax.tree.structure(PARAMS)


def test_injected_hyperparameters_are_around_it_too():
    state = after_a_step(optax.inject_hyperparams(zoo.adam)(0.1, b1=0.75))
    chex.assert_trees_all_close(zoo.moment(state, "m"), expected(0.25))


@pytest.mark.parametrize(
    ("tx", "name", "share"),
    [
        (zoo.adam(0.1, 0.75), "m", 0.25),
        (zoo.adabelief(0.1, 0.75), "m", 0.25),
        (zoo.lion(0.1, b2=0.75), "m", 0.25),
        (zoo.nadam(0.1, 0.75), "m", 0.25),
        (zoo.pipeline(momentum=zoo.scale_by_ema(0.75)), "momentum", 0.25),
        (zoo.novograd(0.1, weight_decay=0.1).replace(denominator=None, momentum=zoo.trace(0.5)), "momentum", 1.0),
        (zoo.adan(0.1, 0.75), "m.gradient", 0.25),
        (zoo.adan(0.1), "numerator.change", 0.0),
        (zoo.adan(0.1), "numerator.change.average", 0.0),
        (zoo.pipeline(numerator=optax.ema(0.75)), "m", 0.25),
        (zoo.pipeline(numerator=optax.trace(0.75)), "m", 1.0),
        (zoo.pipeline(numerator=zoo.serial(clip=optax.clip(9.0), trace=zoo.ema(0.75))), "m", 0.25),
    ],
    ids=repr,
)
def test_what_is_stored_is_read_raw(tx, name, share):
    chex.assert_trees_all_close(zoo.moment(after_a_step(tx), name), expected(share))


def test_squares_are_read_through_maxima_and_rectifications():
    squares = jax.tree.map(lambda g: 0.25 * g * g, GRADS)
    for tx in (zoo.adam(0.1, b2=0.75), zoo.amsgrad(0.1, b2=0.75), zoo.radam(0.1, b2=0.75)):
        chex.assert_trees_all_close(zoo.moment(after_a_step(tx), "v"), squares)
    spread = zoo.pipeline(denominator=zoo.deviation(zoo.ema(0.75), zoo.ema(0.5, of=zoo.square)))
    chex.assert_trees_all_close(zoo.moment(after_a_step(spread), "v.mean"), expected(0.25))


@pytest.mark.parametrize(
    ("tx", "name", "message"),
    [
        (zoo.sgd(0.1), "m", "name is 'm', but the state has no pipelines with the slot 'numerator'"),
        (optax.adam(0.1), "m", "no pipelines with the slot 'numerator'"),
        (optax.chain(zoo.adam(0.1), zoo.adam(0.1)), "m", "the state has 2 pipelines with the slot 'numerator'"),
        (zoo.adan(0.1), "m", "'numerator' is .* has 'numerator.gradient', 'numerator.change.average'"),
        (zoo.adan(0.1), "m.difference", "'numerator.difference' is not the name of one average"),
        (zoo.adam(0.1), "m.fast", "'numerator.fast' is not the name of one average; the state has 'numerator'"),
        (zoo.adam(0.1).replace(numerator=zoo.scale_by_sign()), "m", "'numerator' is not .*; the state has none"),
    ],
    ids=["no such slot", "of optax", "two pipelines", "several averages", "no average", "not a member", "no state"],
)
def test_what_cannot_be_told_is_refused(tx, name, message):
    with pytest.raises(ValueError, match=message):
        zoo.moment(tx.init(PARAMS), name)


@pytest.mark.parametrize("weight", [2.0, lambda count: 2.0, zoo.ema(0.9)], ids=["number", "schedule", "estimator"])
def test_a_bound_that_is_reached_undoes_the_debiasing_of_an_average_with_a_weight(weight):
    def of_first_step(numerator):
        tx = zoo.pipeline(
            numerator=zoo.scaled(weight, numerator),
            denominator=zoo.root(zoo.ema(0.9, of=zoo.square)),
            bound=zoo.converging_bound(1e-6, 1.0, base_learning_rate=0.1),
            learning_rate=zoo.already_applied(0.1),
        )
        return tx.update(GRADS, tx.init(PARAMS), PARAMS)[0]

    biased, debiased = of_first_step(zoo.ema(0.9)), of_first_step(zoo.debiased(zoo.ema(0.9)))
    chex.assert_trees_all_close(debiased, biased, rtol=1e-6)
