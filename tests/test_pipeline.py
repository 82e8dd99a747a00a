"""The pipeline of slots: composition, repr, replacement, state, and life among optax's and flax's tools."""

import copy
import functools
import inspect
import types

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from registered import FACES, is_led_by_rounding

import optax_zoo as zoo
from optax_zoo import debiased, decoupled_decay, ema, pipeline, root, square, trace


def test_repr_is_the_call_that_makes_it():
    tx = zoo.novograd(0.01, weight_decay=0.001, nesterov=True)
    assert repr(tx) == (
        "pipeline(denominator=root(ema(0.98, of=leaf_sum(square), seeded='while_zero'), eps=0, eps_root=1e-08), "
        "momentum=serial(decay=coupled_decay(0.001), trace=trace(0.95, nesterov=True)), learning_rate=0.01)"
    )
    assert repr(eval(repr(tx), vars(zoo))) == repr(tx)


@functools.cache
def default_reprs():
    return {name: repr(zoo.create(name)) for name in zoo.list_algorithms()}


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_default_reprs_read_back_and_differ(name):
    text = default_reprs()[name]
    assert repr(eval(text, vars(zoo))) == text
    assert [other for other, printed in default_reprs().items() if printed == text] == [name]


def test_swaps_that_give_the_same_algorithm_print_the_same():
    expectigrad_with_ema = zoo.expectigrad().replace(denominator=root(debiased(ema(0.999, of=square))))
    adam_with_outer_momentum = zoo.adam().replace(numerator=None, momentum=zoo.scale_by_ema(0.9))
    assert repr(expectigrad_with_ema) == repr(adam_with_outer_momentum)
    assert repr(zoo.sgd(1)) == repr(zoo.sgd(1.0))
    assert repr(zoo.adam().replace(decay=decoupled_decay(0.01))) == repr(zoo.adamw())


def test_repr_never_shows_an_address_or_an_array():
    schedule = optax.cosine_decay_schedule(0.1, 100)
    tx = zoo.gravity(schedule, key=jax.random.key(3)).replace(decay=decoupled_decay(0.1, {"w": True}))
    tx = tx.replace(rescale=optax.scale_by_trust_ratio())
    assert "learning_rate=cosine_decay_schedule(...)" in repr(tx)
    assert "key=key" in repr(tx)
    assert "decoupled_decay(0.1, mask)" in repr(tx)
    assert "optax.scale_by_trust_ratio(...)" in repr(tx)
    assert "0x" not in repr(tx)
    jax.jit(lambda rate: jnp.zeros(len(repr(zoo.sgd(rate)))))(0.1)


def test_tuples_of_numbers_are_shown_and_left_out_where_they_are_the_default():
    assert repr(zoo.orthogonalize(coefficients=(2, -1.5, 0.5))) == "orthogonalize(coefficients=(2, -1.5, 0.5))"
    assert repr(zoo.orthogonalize(coefficients=((2, -1.5, 0.5),))) == "orthogonalize(coefficients=((2, -1.5, 0.5),))"
    assert repr(zoo.orthogonalize(coefficients=(3.4445, -4.7750, 2.0315))) == "orthogonalize()"
    assert repr(zoo.damp_by_max(axis_name=("data", "model"))) == "damp_by_max(axis_name=axis_name)"


def test_replace_swaps_one_slot_and_none_empties_it(params, grads, run):
    adam = zoo.adam(0.1)
    assert list(adam.slots) == ["numerator", "denominator", "learning_rate"]
    signless = adam.replace(denominator=None)
    assert list(signless.slots) == ["numerator", "learning_rate"]
    assert set(signless.init(params)) == {"numerator", "learning_rate"}
    first_step = run(signless, params, grads, 1)[2]
    chex.assert_trees_all_close(first_step, jax.tree.map(lambda g: -0.1 * g, grads), rtol=1e-6)
    assert adam.slots["learning_rate"] == 0.1


def test_an_unknown_slot_is_an_error_that_lists_the_slots():
    with pytest.raises(
        TypeError, match=r"denominater is not a pipeline slot.*gradient, basis, numerator, denominator, bound"
    ):
        zoo.adam().replace(denominater=None)
    with pytest.raises(TypeError, match="denominater"):
        pipeline(denominater=None)


def test_what_cannot_stand_in_a_slot_is_refused():
    with pytest.raises(TypeError, match=r"momentum is 0.9, but must be an optax.GradientTransformation or None"):
        pipeline(momentum=0.9)
    with pytest.raises(TypeError, match="the denominator slot is empty"):
        pipeline(bound=optax.clip(1.0))


def test_rebuilt_from_its_own_functions_it_keeps_its_slots():
    tx = zoo.adam()
    assert jax.tree.map(lambda f: f, tx).slots == tx.slots
    assert copy.deepcopy(tx).slots.keys() == tx.slots.keys()


@pytest.mark.parametrize(
    "rebuild",
    [
        lambda tx: tx._replace(update=lambda *args: args),
        lambda tx: jax.tree.map(lambda f: lambda *args: f(*args), tx),
        lambda tx: tx._replace(init=zoo.sgd().init),
    ],
    ids=["another update", "wrapped", "of two optimizers"],
)
def test_rebuilt_from_other_functions_it_is_a_plain_transformation_and_says_so(rebuild, params):
    plain = rebuild(zoo.adam())
    assert type(plain) is optax.GradientTransformationExtraArgs
    assert repr(plain).startswith("GradientTransformationExtraArgs(init=")
    plain.init(params)


def test_taken_apart_by_a_tree_and_put_together_again_it_is_the_same_pipeline():
    """As equinox.partition and equinox.combine do with a train state."""
    tree = {"weights": jnp.ones(2), "tx": zoo.adam()}
    arrays, functions = (
        jax.tree.map(lambda x, kind=kind: x if isinstance(x, jax.Array) == kind else None, tree)
        for kind in (True, False)
    )
    assert repr(arrays["tx"]) == "Pipeline(init=None, update=None)"
    with pytest.raises(TypeError, match=r"Pipeline\(init=None, update=None\) has no functions"):
        arrays["tx"].replace(decay=None)
    whole = jax.tree.map(lambda a, f: f if a is None else a, arrays, functions, is_leaf=lambda x: x is None)
    assert whole["tx"].slots == tree["tx"].slots
    assert repr(whole["tx"]) == repr(tree["tx"])


def test_state_is_read_by_slot_name(params, grads, run):
    _, state, _ = run(zoo.expectigrad(), params, grads, 3)
    chex.assert_trees_all_close(state["denominator"].total, jax.tree.map(lambda g: 3 * g**2, grads), rtol=1e-6)
    chex.assert_trees_all_equal(state["denominator"].count["b"], jnp.array([3.0, 0.0, 3.0]))
    assert jnp.isclose(state["momentum"].weight, 1 - 0.9**3)


def test_optional_parts_are_absent_for_none_and_zero_but_not_for_a_traced_zero(params, grads):
    assert zoo.adamw(weight_decay=0.0).needs == ()
    assert list(zoo.expectigrad(beta=0).slots) == ["denominator", "learning_rate"]
    traced = jax.jit(lambda decay: len(zoo.adamw(weight_decay=decay).slots) * jnp.ones(()))
    assert traced(0.0) == 4


def test_missing_parameters_and_extra_arguments_are_named(params, grads):
    tx = zoo.adamw()
    with pytest.raises(ValueError, match=r"decoupled_decay\(0.01\) needs the parameters|needs the parameters: call"):
        tx.update(grads, tx.init(params))
    no_rate = tx.replace(learning_rate=None)
    with pytest.raises(TypeError, match="needs the learning rate"):
        no_rate.update(grads, no_rate.init(params), params)


def test_decay_is_rate_times_decay_times_parameter_in_every_row(params, grads):
    schedule = optax.linear_schedule(0.1, 0.0, 4)
    for plain in (zoo.sgd(schedule), zoo.momentum(schedule), zoo.nag(schedule), zoo.novograd(schedule)):
        decayed = plain.replace(decay=decoupled_decay(0.5))
        state, decayed_state = plain.init(params), decayed.init(params)
        for count in range(5):
            updates, state = plain.update(grads, state, params)
            decayed_updates, decayed_state = decayed.update(grads, decayed_state, params)
            shrink = jax.tree.map(lambda p, c=count: float(schedule(c)) * 0.5 * p, params)
            difference = jax.tree.map(jnp.subtract, updates, decayed_updates)
            chex.assert_trees_all_close(difference, shrink, rtol=1e-4, atol=1e-6)


def test_bound_limits_the_step_size(params, grads, run):
    tx = zoo.adam(1.0).replace(numerator=None, bound=optax.clip(0.25))
    _, _, updates = run(tx, params, grads, 1)
    scale = jax.tree.map(lambda g: jnp.minimum(1 / (jnp.abs(g) + 1e-8), 0.25), grads)
    chex.assert_trees_all_close(updates, jax.tree.map(lambda g, s: -g * s, grads, scale), rtol=1e-5)


def test_parts_see_the_rate_and_the_new_states_of_earlier_slots(params, grads):
    """AdaBelief in a few lines: the squared distance of the gradient from the raw first moment."""

    def belief(decay):
        spread = ema(decay, of=square)

        def update(updates, state, params=None, *, slot_states, learning_rate, **extra_args):
            assert learning_rate == 0.1
            surprise = jax.tree.map(jnp.subtract, updates, slot_states["numerator"].estimator.value)
            return spread.update(surprise, state, params)

        return optax.GradientTransformationExtraArgs(spread.init, update)

    tx = pipeline(numerator=debiased(ema(0.9)), denominator=root(belief(0.999), eps=1e-3), learning_rate=0.1)
    state = tx.init(params)
    updates, state = tx.update(grads, state, params)
    expected = jax.tree.map(lambda g: -0.1 * g / (jnp.sqrt(0.001 * (0.9 * g) ** 2) + 1e-3), grads)
    chex.assert_trees_all_close(updates, expected, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.1, optax.linear_schedule(0.1, 0.0, 4)])
def test_a_handed_rate_is_used_by_its_stage_and_not_multiplied_again(rate, params, grads, run):
    def capped_step(updates, state, params=None, *, learning_rate, **extra_args):
        return jax.tree.map(lambda g: jnp.minimum(learning_rate, 0.05) * g, updates), state

    stage = optax.GradientTransformationExtraArgs(optax.identity().init, capped_step)
    tx = pipeline(rescale=stage, learning_rate=zoo.already_applied(rate), decay=decoupled_decay(0.5))
    state = tx.init(params)
    for count in range(5):
        value = float(rate(count)) if callable(rate) else rate
        updates, state = tx.update(grads, state, params)
        expected = jax.tree.map(lambda g, p, v=value: -min(v, 0.05) * g - v * 0.5 * p, grads, params)
        chex.assert_trees_all_close(updates, expected, rtol=1e-5, atol=1e-7)
    assert "learning_rate=already_applied(" in repr(tx)


def test_foreign_parts_keep_their_state_dtype_on_low_precision_trees(params, grads):
    low = jax.tree.map(lambda x: x.astype(jnp.bfloat16), params)
    tx = zoo.sgd().replace(velocity=optax.trace(0.9))
    state = tx.init(low)
    updates, after = tx.update(low, state, low)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, low)


def test_a_pipeline_in_a_slot_of_another(params, grads, run):
    inner = pipeline(denominator=root(ema(0.9, of=square)))
    nested = pipeline(momentum=zoo.serial(scale=inner, trace=trace(0.5)), learning_rate=0.1)
    flat = pipeline(denominator=root(ema(0.9, of=square)), momentum=trace(0.5), learning_rate=0.1)
    chex.assert_trees_all_close(run(nested, params, grads)[0], run(flat, params, grads)[0], rtol=1e-6)


@pytest.mark.parametrize("name", FACES)
class TestAmongOptaxTools:
    def tx(self, name):
        return zoo.create(name, **zoo.describe(name).example)

    def test_is_an_optax_transformation(self, name):
        assert isinstance(self.tx(name), optax.GradientTransformationExtraArgs)

    def test_chain_and_named_chain(self, name, params, grads, run):
        alone = run(self.tx(name), params, grads)[0]
        chex.assert_trees_all_close(run(optax.chain(self.tx(name), optax.identity()), params, grads)[0], alone)
        chex.assert_trees_all_close(run(optax.named_chain(("zoo", self.tx(name))), params, grads)[0], alone)

    def test_partition_and_masked(self, name, params, grads, run):
        alone, _, updates = run(self.tx(name), params["w"], grads["w"])
        labels = {"w": "zoo", "b": "frozen", "s": "frozen"}
        parted = run(optax.partition({"zoo": self.tx(name), "frozen": optax.set_to_zero()}, labels), params, grads)
        chex.assert_trees_all_close(parted[0], {**params, "w": alone}, rtol=1e-6)
        masked = run(optax.masked(self.tx(name), {"w": True, "b": False, "s": False}), params, grads)
        chex.assert_trees_all_close(masked[2]["w"], updates, rtol=1e-6)
        chex.assert_trees_all_equal(masked[2]["b"], grads["b"])

    def test_inject_hyperparams(self, name, params, grads, run):
        plain = zoo.describe(name).at_rate(0.01)
        rates = {key: 0.01 for key in zoo.describe(name).defaults if key in ("learning_rate", "base_learning_rate")}
        parameters = inspect.signature(getattr(zoo, name)).parameters.values()
        counts = [p.name for p in parameters if p.annotation in (int, int | None)]  # known before a step is traced
        injected = optax.inject_hyperparams(getattr(zoo, name), static_args=counts)(**rates)
        final = run(injected, params, grads)[0]
        if not is_led_by_rounding(name):
            chex.assert_trees_all_close(final, run(plain, params, grads)[0], rtol=1e-4, atol=1e-6)
        if name == "sam" or "rest" not in zoo.describe(name).claims:  # it climbs; others move without a gradient, too
            return
        state = injected.init(params)
        state.hyperparams["learning_rate"] = jnp.float32(0.0)
        updates, _ = jax.jit(injected.update)(grads, state, params, value=jnp.float32(1.0), curvature=grads)
        chex.assert_trees_all_close(updates, jax.tree.map(jnp.zeros_like, grads), atol=1e-8)

    def test_multi_steps(self, name, params, grads, run):
        every_second = optax.MultiSteps(self.tx(name), every_k_schedule=2)
        jitted = types.SimpleNamespace(init=every_second.init, update=jax.jit(every_second.update))
        final = run(jitted, params, grads, 6)[0]
        chex.assert_trees_all_close(final, run(self.tx(name), params, grads, 3)[0], rtol=1e-5, atol=1e-6)

    def test_apply_if_finite(self, name, params, grads):
        tx = optax.apply_if_finite(self.tx(name), 3)
        state = tx.init(params)
        bad = jax.tree.map(lambda g: g * jnp.nan, grads)
        updates, after = jax.jit(tx.update)(bad, state, params, value=jnp.float32(1.0), curvature=bad)
        chex.assert_trees_all_equal(updates, jax.tree.map(jnp.zeros_like, grads))
        chex.assert_trees_all_equal(after.inner_state, state.inner_state)

    def test_flax_train_state(self, name, params, grads, run):
        train_state = pytest.importorskip("flax.training.train_state")
        state = train_state.TrainState.create(apply_fn=None, params=params, tx=self.tx(name))
        if {"value", "curvature"}.intersection(self.tx(name).needs):  # a TrainState passes no extra arguments on
            with pytest.raises(TypeError, match=r"value=loss|curvature="):
                state.apply_gradients(grads=grads)
            return
        state = jax.jit(lambda state, grads: state.apply_gradients(grads=grads))(state, grads)
        chex.assert_trees_all_close(state.params, run(self.tx(name), params, grads, 1)[0], rtol=1e-5, atol=1e-7)

    def test_flax_nnx_optimizer(self, name, run):
        nnx = pytest.importorskip("flax.nnx")
        model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, self.tx(name), wrt=nnx.Param)

        @nnx.jit
        def step(model, optimizer):
            loss, grads = nnx.value_and_grad(lambda model: jnp.sum(model(jnp.arange(1.0, 4.0)) ** 2))(model)
            optimizer.update(model, grads, value=loss, curvature=nnx.as_pure(grads))

        before = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))
        for _ in range(2):
            step(model, optimizer)
        after = nnx.state(model, nnx.Param)
        chex.assert_tree_all_finite(after)
        assert not jnp.array_equal(before["kernel"][...], after["kernel"][...])
        assert optimizer.step[...] == 2
