"""Iterates: parameters kept beside those of the loop, by the formulas, within optax's wrappers, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import averaged_params, lookahead_steps, pipeline, schedule_free

PARAMS = {"w": jnp.array([1.0, -2.0, 0.5]), "b": jnp.array([[3.0]])}
RNG = np.random.default_rng(1)
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), jnp.float32), PARAMS) for _ in range(7)]


def steps(tx, params=PARAMS, grads=GRADS):
    """State and parameters after each step."""
    state, found = tx.init(params), []
    for g in grads:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def close(found, expected):
    chex.assert_trees_all_close(found, expected, rtol=1e-5, atol=1e-6)


class TestScheduleFree:
    @pytest.mark.parametrize(
        ("arguments", "rates"),
        [
            ({}, [0.1] * 7),
            ({"b1": 0.5, "r": 1.5, "weight_lr_power": 1.0}, [0.1, 0.3, 0.2, 0.4, 0.1, 0.1, 0.2]),
            ({"decoupling": 4.0}, [0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]),
            ({"weight_lr_power": 0.0}, [0.0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1]),
        ],
        ids=["plain", "weights", "decoupled", "rests at first"],
    )
    def test_it_follows_its_formulas(self, arguments, rates):
        given = {"b1": 0.9, "r": 0.0, "weight_lr_power": 2.0, "decoupling": None, **arguments}
        b1, total, largest = given["b1"], 0.0, 0.0
        x = z = jax.tree.map(lambda p: np.asarray(p, "float64"), PARAMS)
        tx = pipeline(learning_rate=lambda count: jnp.array(rates)[count], iterate=schedule_free(**arguments))
        for t, (g, rate, (state, params)) in enumerate(zip(GRADS, rates, steps(tx), strict=True), start=1):
            z = jax.tree.map(lambda z, g, rate=rate: z - rate * np.asarray(g), z, g)
            largest = max(largest, rate)
            weight = t ** given["r"] * largest ** given["weight_lr_power"]
            total += weight
            c = weight / total if total else 0.0
            if given["decoupling"] is not None:
                c = min(1, c * (1 - b1) * given["decoupling"])
            x = jax.tree.map(lambda x, z, c=c: (1 - c) * x + c * z, x, z)
            close(state["iterate"].base, z)
            close(zoo.evaluation_params(tx, state, params), x)
            close(params, jax.tree.map(lambda x, z: (1 - b1) * z + b1 * x, x, z))

    def test_it_needs_parameters_and_a_rate(self):
        tx = pipeline(learning_rate=0.1, iterate=schedule_free())
        assert tx.needs == ("params",)
        no_rate = tx.replace(learning_rate=None)
        with pytest.raises(TypeError, match="schedule_free needs the learning rate: fill the"):
            no_rate.update(GRADS[0], no_rate.init(PARAMS), PARAMS)
        tx = zoo.sgd().replace(learning_rate=zoo.prodigy_rate(d0=0.1), iterate=schedule_free())
        (state, _), *_ = steps(tx)
        assert state["iterate"].largest_rate == pytest.approx(0.1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"b1": 0.0}, "b1 is 0.0, but must be above 0 and below 1"),
            ({"b1": 1}, "b1 is 1, but must be above 0 and below 1"),
            ({"r": -1}, "r is -1, but must be at least 0"),
            ({"weight_lr_power": -1}, "weight_lr_power is -1, but must be at least 0"),
            ({"decoupling": 0.0}, "decoupling is 0.0, but must be above 0"),
        ],
    )
    def test_numbers_outside_their_range_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            schedule_free(**arguments)


class TestLookahead:
    @pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("seeded", [None, "first_step"])
    def test_slow_weights_go_a_part_of_the_way_every_few_steps(self, alpha, seeded):
        tx = zoo.sgd(0.1).replace(iterate=lookahead_steps(3, alpha, seeded=seeded))
        slow = fast = PARAMS
        meets = (1, 4, 7) if seeded else (3, 6)
        for t, (g, (state, params)) in enumerate(zip(GRADS, steps(tx), strict=True), start=1):
            fast = jax.tree.map(lambda p, g: p - 0.1 * g, fast, g)
            if t in meets:
                share = 1.0 if seeded and t == 1 else alpha
                slow = fast = jax.tree.map(lambda s, f, share=share: s + share * (f - s), slow, fast)
            close(params, fast)
            close(zoo.evaluation_params(tx, state, params), slow)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"every": 0}, "every is 0, but must be at least 1"),
            ({"alpha": 1.5}, "alpha is 1.5, but must be at least 0 and at most 1"),
            ({"seeded": "later"}, "seeded is 'later', but must be one of"),
        ],
    )
    def test_numbers_outside_their_range_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            lookahead_steps(**arguments)


@pytest.mark.parametrize("iterate", [schedule_free(), lookahead_steps(2), averaged_params(0.9)], ids=repr)
class TestEverywhere:
    def test_groups_of_a_partition_have_their_own(self, iterate):
        tx = zoo.sgd(0.1).replace(iterate=iterate)
        parted = optax.partition({"with": tx, "without": zoo.sgd(0.1)}, {"w": "with", "b": "without"})
        state, params = steps(parted)[-1]
        found = zoo.evaluation_params(parted, state, params)
        (of_w, w) = steps(tx, {"w": PARAMS["w"]}, [{"w": g["w"]} for g in GRADS])[-1]
        close(found, {**zoo.evaluation_params(tx, of_w, w), "b": params["b"]})
        assert jnp.any(found["w"] != params["w"])

    def test_two_in_a_chain_are_both_asked(self, iterate):
        alone = zoo.sgd(0.1).replace(iterate=iterate)
        both = optax.chain(optax.masked(alone, {"w": True, "b": False}), optax.masked(alone, {"w": False, "b": True}))
        state, params = steps(both)[-1]
        expected = zoo.evaluation_params(alone, *steps(alone)[-1])
        close(zoo.evaluation_params(both, state, params), expected)

    def test_of_low_precision_it_is_kept_in_float32(self, iterate):
        low, grads = (jax.tree.map(lambda x: x.astype(jnp.bfloat16), tree) for tree in (PARAMS, GRADS))
        tx = zoo.sgd(0.1).replace(iterate=iterate)
        state, params = steps(tx, low, grads)[-1]
        kept = state["iterate"][0]
        chex.assert_trees_all_equal_dtypes(kept, PARAMS)
        chex.assert_trees_all_equal_shapes_and_dtypes(zoo.evaluation_params(tx, state, params), low)

    def test_leaves_that_are_not_moved_are_themselves(self, iterate):
        mixed = {**PARAMS, "indices": jnp.arange(3), "nothing": None}
        tx = zoo.sgd(0.1).replace(iterate=iterate)
        grads = [{**g, "indices": None, "nothing": None} for g in GRADS]
        state = tx.init(mixed)
        updates, state = tx.update(grads[0], state, mixed)
        found = zoo.evaluation_params(tx, state, mixed)
        assert found["nothing"] is None and found["indices"] is mixed["indices"] and updates["indices"] is None

    def test_it_migrates(self, iterate):
        with_iterate = zoo.adam(0.1).replace(iterate=iterate)
        state, params = steps(zoo.adam(0.1))[-1]
        carried = zoo.migrate(state, with_iterate, params)
        close(carried["numerator"], state["numerator"])
        close(zoo.evaluation_params(with_iterate, carried, params), params)


class TestErrors:
    TX = zoo.schedule_free_adamw(0.1)

    def test_arguments_in_another_order(self):
        state = self.TX.init(PARAMS)
        with pytest.raises(TypeError, match=r"tx is of type dict, but must be the optimizer: evaluation_params\(tx"):
            zoo.evaluation_params(state, self.TX, PARAMS)

    def test_parameters_of_another_shape(self):
        with pytest.raises(ValueError, match="must be the parameters that the state was made for"):
            zoo.evaluation_params(self.TX, self.TX.init(PARAMS), {**PARAMS, "w": jnp.ones(4)})

    def test_parameters_of_another_tree(self):
        with pytest.raises(ValueError, match="w"):
            zoo.evaluation_params(self.TX, self.TX.init(PARAMS), {"w": PARAMS["w"]})
