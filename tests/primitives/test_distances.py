"""Rates that estimate themselves: their formulas, parts of leaves, mesh axes, schedules, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo import dadapt_rate, pipeline, prodigy_rate

PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 1.5]]), "b": jnp.array([3.0, -1.0])}
RNG = np.random.default_rng(5)
PULLS = [jax.tree.map(lambda p: p + jnp.asarray(0.1 * RNG.normal(size=p.shape), "float32"), PARAMS) for _ in range(6)]
RATES = [prodigy_rate(d0=1e-2), dadapt_rate(d0=1e-2)]


def steps(tx, params=PARAMS, grads=PULLS):
    """State and parameters after each step."""
    state, found = tx.init(params), []
    for g in grads:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def descended(tx):
    """The distances that are estimated in 400 steps on a round parabola, and the parameters after them."""

    def body(carry, _):
        params, state = carry
        updates, state = tx.update(params, state, params)
        return (optax.apply_updates(params, updates), state), state["learning_rate"].distance

    carry, distances = jax.jit(lambda c: jax.lax.scan(body, c, length=400))((PARAMS, tx.init(PARAMS)))
    return distances, carry[0]


def inner(a, b):
    return sum(float(np.sum(np.asarray(x) * np.asarray(y))) for x, y in zip(a.values(), b.values(), strict=True))


def size(tree):
    return sum(float(np.sum(np.abs(x))) for x in tree.values())


class TestProdigy:
    @pytest.mark.parametrize("growth_rate", [float("inf"), 1.5])
    @pytest.mark.parametrize("safeguard_warmup", [False, True])
    def test_it_follows_its_formulas_before_plain_steps(self, growth_rate, safeguard_warmup):
        gammas, beta, d0, coefficient = [1.0, 0.5, 1.0, 2.0, 1.0, 1.0], 0.9, 1e-2, 2.0
        rate = prodigy_rate(
            lambda count: jnp.array(gammas)[count],
            beta,
            d0=d0,
            d_coef=coefficient,
            growth_rate=growth_rate,
            safeguard_warmup=safeguard_warmup,
        )
        d = largest = d0
        r, s, start = 0.0, jax.tree.map(np.zeros_like, PARAMS), PARAMS
        params = PARAMS
        for g, gamma, (state, after) in zip(PULLS, gammas, steps(pipeline(learning_rate=rate)), strict=True):
            way = jax.tree.map(lambda a, b: a - b, start, params)
            r = beta * r + gamma * d**2 / d0 * inner(g, way)
            share = d**2 / d0 if safeguard_warmup else gamma * d**2 / d0
            s = jax.tree.map(lambda s, g, share=share: beta * s + share * g, s, g)
            params = jax.tree.map(lambda p, g, d=d, gamma=gamma: p - gamma * d * g, params, g)
            guess = coefficient * r / size(s)
            largest = max(largest, guess)
            d = min(largest, (max(d, guess) if d == d0 else d) * growth_rate)
            assert state["learning_rate"].distance == pytest.approx(d, rel=1e-4)
            chex.assert_trees_all_close(after, params, rtol=1e-4)

    def test_a_few_elements_of_a_leaf_estimate_it_too(self):
        tx = zoo.prodigy(d0=1e-2, slice_p=2)
        of_few = steps(tx)
        state, _ = of_few[-1]
        kept = state["learning_rate"]
        shapes = jax.tree.map(jnp.shape, (kept.start, kept.gradient_sum))
        assert shapes == ({"w": (2,), "b": (1,)},) * 2
        few = jax.tree.map(lambda p: p.reshape(-1)[::2], (PARAMS, PULLS))
        alone, _ = steps(zoo.prodigy(d0=1e-2), *few)[-1]
        assert kept.distance == pytest.approx(float(alone["learning_rate"].distance), rel=1e-5)

    def test_the_rate_of_a_step_is_that_of_the_distance_before_it(self):
        seen = []

        def watch(updates, state, params=None, *, learning_rate, **extra_args):
            seen.append(float(learning_rate))
            return updates, state

        stage = optax.GradientTransformationExtraArgs(optax.identity().init, watch)
        found = steps(zoo.prodigy(0.5, d0=1e-2).replace(rescale=stage))
        distances = [1e-2, *(float(state["learning_rate"].distance) for state, _ in found)]
        assert seen == pytest.approx([0.5 * d for d in distances[:-1]])
        assert distances[-1] > 10 * distances[0]

    def test_a_warmup_that_is_safeguarded_does_not_raise_the_estimate(self):
        warmup = optax.linear_schedule(0.1, 1.0, 5)
        careful, plain = (
            steps(zoo.prodigy(warmup, d0=1e-2, safeguard_warmup=safe))[-1][0]["learning_rate"].distance
            for safe in (True, False)
        )
        assert 1e-2 < careful < plain

    def test_normalized_steps_without_a_denominator_find_their_rate(self):
        schedule = optax.cosine_decay_schedule(1.0, 400)
        tx = pipeline(gradient=zoo.normalize_by_norm("l2"), learning_rate=prodigy_rate(schedule))
        _, params = descended(tx)
        assert size(params) < 0.02 * size(PARAMS)


class TestDadaptSums:
    """D-Adaptation's estimates that are made after a step."""

    @pytest.mark.parametrize("norm", ["l1", "l2"])
    @pytest.mark.parametrize("decay", [0.9, None])
    def test_of_directions_it_follows_its_formulas(self, norm, decay):
        a, b = (1, 1) if decay is None else (decay, 1 - decay)
        tx = pipeline(
            rescale=zoo.scale_by_sign(), learning_rate=dadapt_rate(0.5, decay, of="directions", norm=norm, d0=1e-2)
        )
        d, r, s, params = 1e-2, 0.0, jax.tree.map(np.zeros_like, PARAMS), PARAMS
        first = np.sqrt(inner(PULLS[0], PULLS[0])) if norm == "l2" else 1.0
        for g, (state, after) in zip(PULLS, steps(tx), strict=True):
            rate, u = 0.5 * d / first, jax.tree.map(np.sign, g)
            r = a * r + b * rate * inner(u, s)
            s = jax.tree.map(lambda s, u, rate=rate: a * s + b * rate * u, s, u)
            params = jax.tree.map(lambda p, u, rate=rate: p - rate * u, params, u)
            d = max(d, 2 * r / b / np.sqrt(inner(s, s)) if norm == "l2" else r / b / size(s))
            assert state["learning_rate"].distance == pytest.approx(d, rel=1e-4)
            chex.assert_trees_all_close(after, params, rtol=1e-4)

    @pytest.mark.parametrize("already_applied", [False, True])
    def test_of_squares_it_follows_its_formulas(self, already_applied):
        decay = 0.9
        rate = dadapt_rate(0.5, decay, of="squares", already_applied=already_applied, d0=1e-2, growth_rate=2.0)
        before = {"numerator": zoo.scaled(1.0, zoo.identity, rated=True)} if already_applied else {}
        tx = pipeline(**before, denominator=zoo.root(zoo.total(of=zoo.square), eps=1e-3), learning_rate=rate)
        d, q, (s, squares), params = 1e-2, 0.0, [jax.tree.map(np.zeros_like, PARAMS)] * 2, PARAMS
        for g, (state, after) in zip(PULLS, steps(tx), strict=True):
            rate = 0.5 * d
            squares = jax.tree.map(lambda v, g: v + g**2, squares, g)
            over = jax.tree.map(lambda v: np.sqrt(v) + 1e-3, squares)
            s = jax.tree.map(lambda s, g, rate=rate: decay * s + (1 - decay) * rate * g, s, g)
            q = decay * q + (1 - decay) * rate**2 * inner(g, jax.tree.map(np.divide, g, over))
            params = jax.tree.map(lambda p, g, o, rate=rate: p - rate * g / o, params, g, over)
            guess = (inner(s, jax.tree.map(np.divide, s, over)) / (1 - decay) - q) / size(s)
            d = max(d, min(guess, 2 * d))
            assert state["learning_rate"].distance == pytest.approx(d, rel=1e-4)
            chex.assert_trees_all_close(after, params, rtol=1e-4)

    def test_what_does_not_fit_together_is_refused(self):
        with pytest.raises(ValueError, match="decay is None, but must be a number beside of='gradients'"):
            dadapt_rate(decay=None)
        with pytest.raises(ValueError, match="norm is 'l2', but must be one of 'l1'"):
            dadapt_rate(norm="l2")
        with pytest.raises(ValueError, match="of is 'squares', but must be 'gradients' where bias_decays is given"):
            dadapt_rate(of="squares", bias_decays=(0.9, 0.99))
        with pytest.raises(TypeError, match="scaled needs the learning rate"):
            tx = zoo.scaled(1.0, zoo.identity, rated=True)
            tx.update(PARAMS, tx.init(PARAMS))
        with pytest.raises(ValueError, match="rated is True, but must be False where weight is an estimator, ema"):
            zoo.scaled(zoo.ema(0.9), zoo.identity, rated=True)


@pytest.mark.parametrize("rate", RATES, ids=["prodigy", "dadapt"])
class TestBoth:
    def row(self, rate):
        return zoo.adam().replace(learning_rate=rate)

    def test_the_distance_grows_to_the_solutions(self, rate):
        distances, params = descended(self.row(rate))
        assert jnp.all(jnp.diff(distances) >= 0) and 0.1 < distances[-1] < 10
        assert size(params) < 0.02 * size(PARAMS)

    def test_without_a_gradient_it_waits(self, rate):
        zeros = jax.tree.map(jnp.zeros_like, PARAMS)
        tx = self.row(rate)
        state, params = steps(tx, grads=[zeros, zeros])[-1]
        chex.assert_trees_all_equal(params, PARAMS)
        assert state["learning_rate"].count == 0 and state["learning_rate"].distance == pytest.approx(1e-2)

    def test_decay_and_iterate_follow_the_estimated_rate(self, rate):
        tx = self.row(rate).replace(decay=zoo.decoupled_decay(0.5), iterate=zoo.schedule_free())
        state, _ = steps(tx)[0]
        decayed = jax.tree.map(lambda p: 0.5e-2 * p, PARAMS)
        (plain, _), *_ = steps(tx.replace(decay=None))
        difference = jax.tree.map(jnp.subtract, plain["iterate"].base, state["iterate"].base)
        chex.assert_trees_all_close(difference, decayed, rtol=1e-3, atol=1e-6)

    def test_a_factor_of_zero_takes_no_step(self, rate):
        schedule = optax.piecewise_constant_schedule(0.0, {})
        name = repr(rate).partition("(")[0]
        tx = self.row(getattr(zoo, name)(schedule, d0=1e-2))
        state, params = steps(tx)[-1]
        chex.assert_trees_all_equal(params, PARAMS)
        assert state["learning_rate"].rate.count == len(PULLS)

    def test_sharded_leaves_are_summed_over_their_axes(self, rate):
        mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2], axis_types=(jax.sharding.AxisType.Auto,))
        name = repr(rate).partition("(")[0]
        specs = {"w": P("data"), "b": P()}
        tx = self.row(getattr(zoo, name)(d0=1e-2, axis_name={"w": "data", "b": None}))
        state = self.row(rate).init(PARAMS)
        of_state = jax.tree.map_with_path(
            lambda path, x: P("data") if "'w'" in jax.tree_util.keystr(path) else P(), state
        )

        @jax.jit
        @jax.shard_map(mesh=mesh, in_specs=(specs, of_state, specs), out_specs=(specs, of_state))
        def step(params, state, grads):
            updates, state = tx.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        params = PARAMS
        for g in PULLS[:3]:
            params, state = step(params, state, g)
        expected, after = steps(self.row(rate), grads=PULLS[:3])[-1]
        chex.assert_trees_all_close((params, state), (after, expected), rtol=1e-4, atol=1e-6)

    def test_alone_in_a_chain_it_multiplies_by_minus_the_rate(self, rate):
        tx = optax.chain(rate)
        updates, _ = tx.update(PULLS[0], tx.init(PARAMS), PARAMS)
        chex.assert_trees_all_close(updates, jax.tree.map(lambda g: -1e-2 * g, PULLS[0]), rtol=1e-5)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"learning_rate": -1.0}, r"learning_rate is -1\.0, but must be at least 0"),
            ({"decay": 1.0}, r"decay is 1\.0, but must be at least 0 and below 1"),
            ({"d0": 0.0}, r"d0 is 0\.0, but must be above 0"),
            ({"growth_rate": 1.0}, r"growth_rate is 1\.0, but must be above 1"),
        ],
    )
    def test_numbers_outside_their_range_are_refused(self, rate, arguments, message):
        with pytest.raises(ValueError, match=message):
            getattr(zoo, repr(rate).partition("(")[0])(**arguments)


def test_arguments_of_one_of_them_are_checked():
    with pytest.raises(ValueError, match="slice_p is 0, but must be a whole number at least 1"):
        prodigy_rate(slice_p=0)
    with pytest.raises(ValueError, match=r"layer_scale is 0\.0, but must be above 0"):
        dadapt_rate(layer_scale=0.0)
    with pytest.raises(ValueError, match="needs the parameters"):
        tx = zoo.prodigy()
        tx.update(PULLS[0], tx.init(PARAMS))
