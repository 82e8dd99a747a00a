"""Routes: which leaf goes where, what is exchanged how, and states by name."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import matrices

PARAMS = {
    "embed": {"embedding": jnp.ones((6, 4))},
    "layers": {"kernel": jnp.arange(24.0).reshape(2, 4, 3) / 24, "bias": jnp.ones((2, 3))},
    "head": {"kernel": jnp.arange(12.0).reshape(4, 3) / 12, "bias": jnp.ones(3)},
}
GRADS = jax.tree.map(lambda p: p - 0.3, PARAMS)


def slow(rate=0.01):
    return zoo.sgd(rate)


def sides(by):
    """The sides of the leaves by path, in short: those that are matrices."""
    tx = zoo.route(matrices=slow(), rest=slow(), by=by)
    found = jax.tree.leaves_with_path(tx.sides_of(PARAMS))
    return {"/".join(key.key for key in path) for path, side in found if side == "matrices"}


class TestSides:
    @pytest.mark.parametrize(
        ("by", "expected"),
        [
            (matrices(), {"embed/embedding", "layers/kernel", "layers/bias", "head/kernel"}),
            (matrices(but=("embedding", "head")), {"layers/kernel", "layers/bias"}),
            (matrices(but=["embed"], most_axes=2), {"layers/bias", "head/kernel"}),
            (matrices(stacked=zoo.stacked_under("layers")), {"embed/embedding", "layers/kernel", "head/kernel"}),
            (matrices(stacked=lambda path, leaf: 0, but=("layers",)), {"embed/embedding", "head/kernel"}),
            (lambda path, leaf: "matrices" if leaf.shape == (4, 3) else "rest", {"head/kernel"}),
            (lambda path, leaf: "matrices" if path[0].key == "head" else "rest", {"head/kernel", "head/bias"}),
        ],
    )
    def test_leaves_are_told_apart_by_their_axes_names_and_by_a_predicate(self, by, expected):
        assert sides(by) == expected

    def test_a_key_is_meant_as_a_whole(self):
        assert "embed/embedding" in sides(matrices(but=("embedd",)))

    def test_a_tree_may_be_a_single_array(self):
        tx = zoo.muon(0.1)
        assert (tx.sides_of(jnp.ones((2, 2))), tx.sides_of(jnp.ones(2))) == ("matrices", "rest")
        for params in (jnp.eye(2), jnp.ones(2)):
            updates, state = tx.update(params, tx.init(params), params)
            assert updates.shape == params.shape and set(state) == {"matrices", "rest"}

    def test_what_says_no_side_or_an_unknown_one_is_an_error_with_the_path(self):
        def by(path, leaf):
            return "matrixes" if leaf.ndim == 3 else "rest"

        tx = zoo.route(matrices=slow(), rest=slow(), by=by)
        message = r"by gives 'matrixes' for the leaf \['layers'\]\['kernel'\] of shape \(2, 4, 3\), but must give one"
        for given in (tx.init, tx.sides_of, lambda params: tx.update(params, {"matrices": {}, "rest": {}})):
            with pytest.raises(ValueError, match=message):
                given(PARAMS)

    def test_a_predicate_that_fails_says_at_which_leaf(self):
        tx = zoo.route(matrices=slow(), rest=slow(), by=lambda path, leaf: {3: "matrices"}[leaf.ndim])
        with pytest.raises(KeyError) as error:
            tx.init(PARAMS)
        assert error.value.__notes__ == ["This was in the rule of the route, at the leaf ['embed']['embedding']."]

    @pytest.mark.parametrize("but", ["embedding", (1,), [None]])
    def test_names_are_a_tuple_of_keys(self, but):
        with pytest.raises(TypeError, match="but must be a tuple of keys"):
            matrices(but=but)


class TestReplace:
    def test_a_side_or_slots_within_it(self):
        tx = zoo.muon(0.1)
        assert repr(tx.replace(rest=slow()).slots["rest"]) == "pipeline(learning_rate=0.01)"
        bare = tx.replace(matrices={"numerator": None, "rescale": None})
        assert repr(bare.slots["matrices"]) == "pipeline(learning_rate=0.1)"
        both = bare.replace(matrices={"decay": zoo.decoupled_decay(0.1)}, rest={"learning_rate": 0.5})
        assert both.slots["rest"].slots["learning_rate"] == 0.5 and both.needs == ("params",)
        assert both.rule.by == tx.rule.by and repr(tx) == repr(zoo.muon(0.1))

    def test_routes_in_routes_are_reached_by_name(self):
        inner = zoo.route(a=slow(), b=slow(), by=lambda path, leaf: "a")
        tx = zoo.route(matrices=inner, rest=slow())
        found = tx.replace(matrices={"a": {"learning_rate": 0.5}}).slots["matrices"].slots["a"]
        assert repr(found) == "pipeline(learning_rate=0.5)"

    @pytest.mark.parametrize(
        ("sides", "message"),
        [
            ({"matrixes": None}, "matrixes is .*side of this route.*matrices, rest"),
            ({"rest": 0.1}, "rest is 0.1, but must be an optax.GradientTransformation"),
            ({"rest": {"rescales": None}}, "rescales is .*slot.*rescale"),
        ],
    )
    def test_what_is_not_there_or_cannot_stand_there_is_refused(self, sides, message):
        with pytest.raises(TypeError, match=message):
            zoo.muon(0.1).replace(**sides)

    def test_slots_of_a_side_that_has_none_are_refused(self):
        tx = zoo.route(matrices=optax.sgd(0.1), rest=slow())
        with pytest.raises(TypeError, match=r"matrices has the slots decay replaced, but .* has no slots"):
            tx.replace(matrices={"decay": None})

    def test_it_needs_sides_that_are_optimizers_and_a_rule(self):
        with pytest.raises(TypeError, match="has no sides"):
            zoo.route()
        with pytest.raises(TypeError, match=r"matrices is 0.1, but must be an optax.GradientTransformation"):
            zoo.route(matrices=0.1)
        with pytest.raises(TypeError, match=r"by is 'name', but must be matrices\(...\) or a function"):
            zoo.route(matrices=slow(), by="name")


def test_it_prints_as_it_is_written():
    tx = zoo.route(matrices=slow(), rest=optax.adam(0.1), by=matrices(but=("head",), stacked=1))
    assert repr(tx) == (
        "route(matrices=pipeline(learning_rate=0.01), rest=optax.chain(...), by=matrices(but=('head',), stacked=1))"
    )


class TestSteps:
    TX = zoo.route(
        matrices=zoo.novograd(0.1),
        rest=zoo.adamw(0.01),
        by=matrices(but=("embed",), stacked=zoo.stacked_under("layers")),
    )

    def test_the_same_as_optax_partition(self):
        labels = self.TX.sides_of(PARAMS)
        parted = optax.partition({name: side for name, side in self.TX.slots.items()}, labels)
        ours, theirs = self.TX.init(PARAMS), parted.init(PARAMS)
        for _ in range(2):
            found, ours = self.TX.update(GRADS, ours, PARAMS)
            expected, theirs = parted.update(GRADS, theirs, PARAMS)
            chex.assert_trees_all_close(found, expected)

    def test_the_state_is_by_side_with_none_for_the_leaves_of_others(self):
        state = self.TX.init(PARAMS)
        momentum = state["matrices"]["momentum"].value
        assert momentum["head"] == {"kernel": momentum["head"]["kernel"], "bias": None}
        assert momentum["embed"] == {"embedding": None}
        assert state["rest"]["numerator"].estimator.value["embed"]["embedding"].shape == (6, 4)

    def test_a_gradient_of_none_and_integers(self):
        params = {**PARAMS, "steps": jnp.arange(3), "extra": None}
        grads = {**GRADS, "steps": jnp.arange(3), "extra": None, "embed": {"embedding": None}}
        state = self.TX.init(params)
        updates, after = self.TX.update(grads, state, params)
        assert updates["extra"] is None and updates["embed"]["embedding"] is None
        chex.assert_trees_all_equal(updates["steps"], jnp.zeros(3, int))
        alone, _ = self.TX.update(GRADS, self.TX.init(PARAMS), PARAMS)
        chex.assert_trees_all_close(updates["head"], alone["head"])
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
        kept = (each["rest"]["numerator"].estimator.value["embed"] for each in (state, after))
        chex.assert_trees_all_equal(*kept)

    def test_a_side_without_leaves_rests(self):
        only = {"bias": jnp.ones(3)}
        updates, after = self.TX.update(only, self.TX.init(only), only)
        assert updates["bias"].shape == (3,) and after["matrices"]["momentum"].value == {"bias": None}

    def test_a_state_of_other_sides_is_refused(self):
        other = zoo.route(matrices=slow(), others=slow())
        with pytest.raises(ValueError, match=r"nothing for the .* others"):
            other.update(GRADS, self.TX.init(PARAMS), PARAMS)

    def test_missing_parameters_are_named(self):
        with pytest.raises(ValueError, match=r"needs the parameters: call update\(updates, state, params\)"):
            self.TX.update(GRADS, self.TX.init(PARAMS))

    def test_extra_arguments_reach_the_sides(self):
        tx = zoo.route(matrices=zoo.eve(0.1), rest=slow())
        assert tx.needs == ("value",)
        tx.update(GRADS, tx.init(PARAMS), PARAMS, value=jnp.float32(1.0))
        with pytest.raises(TypeError, match="value=loss"):
            tx.update(GRADS, tx.init(PARAMS), PARAMS)


def test_iterates_of_the_sides_are_found():
    tx = zoo.muon(0.1).replace(matrices={"iterate": zoo.lookahead_steps(2)})
    state = tx.init(PARAMS)
    updates, state = tx.update(GRADS, state, PARAMS)
    moved = optax.apply_updates(PARAMS, updates)
    evaluated = zoo.evaluation_params(tx, state, moved)
    chex.assert_trees_all_equal(evaluated["head"], {"kernel": PARAMS["head"]["kernel"], "bias": moved["head"]["bias"]})
