"""What bases, iterates, rates that estimate themselves and routes are for: other algorithms by one part exchanged."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo

RNG = np.random.default_rng(7)
PARAMS = {"w": jnp.asarray(RNG.normal(size=(4, 3)), jnp.float32), "b": jnp.asarray(RNG.normal(size=3), jnp.float32)}
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), jnp.float32), PARAMS) for _ in range(6)]


def extra_args(grads):
    """What `update` is given beside them, for those that read it."""
    return {"value": jnp.float32(1.0), "curvature": grads}


def steps(tx, params=PARAMS, grads=GRADS):
    """The updates, the states and the parameters after each step."""
    state, found = tx.init(params), []
    update = jax.jit(tx.update)
    for g in grads:
        updates, state = update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((updates, state, params))
    return found


def descent(tx, count=300):
    """Loss at first and at last on a parabola that is 100 times as steep along one axis as along the other."""
    steepness = jnp.array([1.0, 100.0])

    def loss(p):
        return 0.5 * jnp.sum(steepness * (p["w"] - 1) ** 2)

    @jax.jit
    def run(params):
        def step(carry, _):
            params, state = carry
            updates, state = tx.update(jax.grad(loss)(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), length=count)[0]

    start = {"w": jnp.array([[3.0, -2.0], [-1.0, 2.0]])}
    params, state = run(start)
    return loss(start), loss(zoo.evaluation_params(tx, state, params)), state


class TestSoapIsAdamWithABasis:
    def test_the_same_updates_where_eps_is_zero(self):
        """With an eps they differ in where it meets the root: Adam's the corrected one, SOAP's the uncorrected."""
        soap = zoo.soap(0.1, 0.9, 0.95, eps=0, weight_decay=None, every=2)
        adam = zoo.adam(0.1, 0.9, 0.95, eps=0).replace(basis=zoo.eigenbasis(2))
        for (ours, _, _), (expected, _, _) in zip(steps(adam), steps(soap), strict=True):
            chex.assert_trees_all_close(ours, expected, rtol=2e-4, atol=1e-6)

    def test_the_same_slots_but_for_eps(self):
        soap, adam = zoo.soap(every=7, weight_decay=None).slots, zoo.adam(3e-3, 0.95, 0.95).slots
        adam["basis"] = zoo.eigenbasis(7)
        assert {slot for slot in soap if repr(soap[slot]) != repr(adam[slot])} == {"denominator"}
        assert repr(soap["denominator"]) == "debiased(root(ema(0.95, of=square)))"
        assert repr(adam["denominator"]) == "root(debiased(ema(0.95, of=square)))"

    def test_a_basis_that_stays_is_adam_on_rotated_gradients(self):
        adam = zoo.adam(0.1)
        found = steps(adam.replace(basis=zoo.eigenbasis(1000)))
        first, state, _ = found[0]
        chex.assert_trees_all_equal(first, jax.tree.map(jnp.zeros_like, PARAMS))
        left, right = (of_axis["w"] for of_axis in state["basis"].vectors)
        rotated = [{**g, "w": left.T @ g["w"] @ right} for g in GRADS[1:]]
        for (ours, _, _), (expected, _, _) in zip(found[1:], steps(adam, grads=rotated), strict=True):
            outside = {**expected, "w": left @ expected["w"] @ right.T}
            chex.assert_trees_all_close(ours, outside, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("name", ["lion", "adagrad", "rmsprop_graves", "adan"])
    def test_other_rows_take_a_basis_too(self, name):
        tx = zoo.create(name, **zoo.describe(name).example).replace(basis=zoo.eigenbasis(2))
        found = steps(tx)
        chex.assert_tree_all_finite(found[-1])
        assert jnp.any(found[-1][0]["w"] != steps(zoo.create(name, **zoo.describe(name).example))[-1][0]["w"])


class TestScheduleFreeExpectigrad:
    TX = zoo.expectigrad(0.05).replace(momentum=None, iterate=zoo.schedule_free(0.9))

    def test_the_parameters_to_evaluate_with_are_the_mean_of_its_iterates(self):
        found = steps(self.TX)
        mean = jax.tree.map(lambda *z: sum(z) / len(z), *[state["iterate"].base for _, state, _ in found])
        _, state, params = found[-1]
        chex.assert_trees_all_close(zoo.evaluation_params(self.TX, state, params), mean, rtol=1e-4, atol=1e-5)

    def test_it_descends(self):
        first, last, _ = descent(self.TX)
        assert last < 1e-2 * first


def test_novograd_finds_its_rate_by_prodigy():
    tx = zoo.novograd().replace(learning_rate=zoo.prodigy_rate(d0=1e-3))
    first, last, state = descent(tx, 1000)
    assert state["learning_rate"].distance > 1e-1
    assert last < 1e-2 * first


def test_muon_orthogonalizes_the_numerator_of_adan():
    numerator = zoo.adan().slots["numerator"]
    tx = zoo.muon(0.1, shape_factor=None).replace(matrices={"numerator": numerator})
    assert repr(tx.slots["matrices"].slots["numerator"]) == repr(numerator)
    of_matrices = [{"w": g["w"]} for g in GRADS]
    directions = steps(zoo.pipeline(numerator=numerator), {"w": PARAMS["w"]}, of_matrices)
    orthogonal = zoo.orthogonalize()
    for (ours, _, _), (direction, _, _) in zip(steps(tx), directions, strict=True):
        expected, _ = orthogonal.update(direction, orthogonal.init(direction))
        chex.assert_trees_all_close(ours["w"], -0.1 * expected["w"], rtol=1e-4, atol=1e-6)
        sizes = jnp.linalg.svd(ours["w"], compute_uv=False)
        assert jnp.all((sizes > 0.05) & (sizes < 0.13)), sizes


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_any_row_is_the_rest_of_muon_and_a_side_of_any_route(name):
    row = zoo.create(name, **zoo.describe(name).example)
    for tx in (zoo.muon(rest=row), zoo.route(matrices=row, rest=zoo.sgd(0.1))):
        state = jax.eval_shape(tx.init, PARAMS)
        assert set(state) == {"matrices", "rest"}
        updates, after = jax.eval_shape(
            lambda g, s, p, tx=tx: tx.update(g, s, p, **extra_args(g)), PARAMS, state, PARAMS
        )
        chex.assert_trees_all_equal_shapes_and_dtypes(updates, PARAMS)
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
        assert repr(eval(repr(tx), {**vars(zoo), "route": zoo.route})) == repr(tx)
