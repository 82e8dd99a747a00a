"""Stacked layers: every layer has the norm, average or maximum that it would have in a model of separate leaves."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from test_norms import EXPECTED, apply, scratch_norms  # noqa: F401

import optax_zoo as zoo
from optax_zoo import stacked_under

LAYERS = 3
UNDER = stacked_under("layers")
AXIS = (jax.sharding.AxisType.Auto,)


def by_path(path, leaf):
    """The rule as a function."""
    return int(any(getattr(key, "key", None) == "layers" for key in path) and leaf.ndim > 1)


def tree_of(make):
    """Shaped like MaxText's parameters, layers first."""
    return {
        "decoder": {
            "layers": {"mlp": {"wi": {"kernel": make(LAYERS, 4, 5)}}, "norm": {"scale": make(LAYERS, 4)}},
            "decoder_norm": {"scale": make(4)},
        },
        "token_embedder": {"embedding": make(6, 4)},
    }


def gradients(seed):
    """The layers have gradients of different sizes."""
    rng = np.random.default_rng(seed)
    grads = tree_of(lambda *shape: rng.normal(size=shape).astype(np.float32))
    sizes = np.float32([1.0, 30.0, 1e-2])
    stacked = jax.tree.map(lambda x: x * sizes.reshape((-1,) + (1,) * (x.ndim - 1)), grads["decoder"]["layers"])
    return {**grads, "decoder": {**grads["decoder"], "layers": stacked}}


def separate(tree):
    """The tree of a model that is not scanned: a leaf for each layer."""
    split = {f"layers_{n}": tree["decoder"]["layers"]["mlp"]["wi"]["kernel"][n] for n in range(LAYERS)}
    return {**split, **tree["token_embedder"]}


def steps(tx, of=lambda tree: tree):
    """The updates of three steps."""
    params = of(gradients(9))
    state, found = tx.init(params), []
    update = jax.jit(tx.update)
    for seed in range(3):
        updates, state = update(of(gradients(seed)), state, params)
        found.append(updates)
    return found, state


def assert_layer_by_layer(make):
    """On trees of one stacked leaf and one other."""

    def small(tree):
        return {
            "decoder": {"layers": {"mlp": tree["decoder"]["layers"]["mlp"]}},
            "token_embedder": tree["token_embedder"],
        }

    found, _ = steps(make(UNDER), small)
    expected, _ = steps(make(None), separate)
    chex.assert_trees_all_close([separate(tree) for tree in found], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("norm", EXPECTED)
def test_norms_are_those_of_the_layers(norm):
    @jax.jit
    def all_of_them(grads):
        def three(make, *args):
            stacked, plain = make(norm, *args, stacked=UNDER), make(norm, *args)
            return apply(stacked, grads), apply(plain, separate(grads)), apply(plain, grads)

        return three(zoo.normalize_by_norm), three(zoo.clip_by_norm, 0.1)

    for found, expected, together in all_of_them(gradients(0)):
        chex.assert_trees_all_close(separate(found), expected, rtol=1e-5)
        assert not np.allclose(separate(together)["layers_0"], expected["layers_0"], rtol=1e-2)


@pytest.mark.parametrize(
    "row",
    [
        zoo.novograd,
        lambda stacked: zoo.novograd(reseed=False, weight_decay=0.1, nesterov=True, stacked=stacked),
        lambda stacked: zoo.gravity(alpha=0.0, stacked=stacked),
        zoo.adasecant,
        zoo.cautious_adamw,
        zoo.lamb,
        zoo.adafactor,
        lambda stacked: zoo.normalized(zoo.momentum(0.1), stacked=stacked),
        lambda stacked: zoo.clipped(zoo.momentum(0.1), stacked=stacked),
        lambda stacked: optax.chain(zoo.normalize_by_average_norm(stacked=stacked), optax.scale(-0.1)),
        lambda stacked: zoo.root(zoo.debiased(zoo.ema(0.9, of=zoo.leaf_sum(zoo.absolute, stacked=stacked)))),
        lambda stacked: zoo.arithmetic_mean(of=zoo.leaf_sum(zoo.square, stacked=stacked), sparse=True),
    ],
    ids=[
        "novograd",
        "novograd's options",
        "gravity",
        "adasecant",
        "cautious",
        "lamb",
        "adafactor",
        "normalized",
        "clipped",
        "average",
        "ema",
        "mean",
    ],
)
def test_rows_equal_those_of_separate_layers(row):
    def make(stacked):
        made = row(stacked=stacked)
        if isinstance(made, zoo.Part) and not isinstance(made, zoo.Pipeline):
            return zoo.pipeline(denominator=made, learning_rate=0.1)
        return made

    assert_layer_by_layer(make)


def test_a_function_a_number_and_axes_are_rules_too():
    tx = zoo.novograd(stacked=UNDER)
    expected, state = steps(tx)
    chex.assert_trees_all_equal(steps(zoo.novograd(stacked=by_path)), (expected, state))
    v = state["denominator"].value
    assert v["decoder"]["layers"]["mlp"]["wi"]["kernel"].shape == (LAYERS, 1, 1)
    assert v["decoder"]["decoder_norm"]["scale"].shape == v["token_embedder"]["embedding"].shape == ()
    x = gradients(0)["decoder"]["layers"]["mlp"]["wi"]["kernel"]
    first = apply(zoo.normalize_by_norm("l2", stacked=1), x)
    chex.assert_trees_all_close(first, x / np.sqrt(np.sum(x**2, (1, 2), keepdims=True)), rtol=1e-5)
    second = apply(zoo.normalize_by_norm("l2", stacked=(1,)), np.moveaxis(x, 0, 1))
    chex.assert_trees_all_close(np.moveaxis(second, 1, 0), first, rtol=1e-6)
    every = apply(zoo.normalize_by_norm("l2", eps=0.0, stacked=3), x)
    chex.assert_trees_all_close(every, np.sign(x), rtol=1e-6)
    chex.assert_trees_all_equal(apply(zoo.normalize_by_norm("l2", stacked=0), x), apply(zoo.normalize_by_norm("l2"), x))


def test_layers_along_another_axis_under_their_key():
    """MaxText stacks parameters along axis 1 by default."""
    moved = jax.tree.map(lambda x: np.moveaxis(x, 0, 1), gradients(0)["decoder"]["layers"])
    found = apply(zoo.damp_by_max(stacked=stacked_under("layers", axes=(1,))), {"layers": moved})["layers"]
    expected = apply(zoo.damp_by_max(stacked=UNDER), gradients(0))["decoder"]["layers"]
    chex.assert_trees_all_close(jax.tree.map(lambda x: np.moveaxis(x, 1, 0), found), expected, rtol=1e-6)


@pytest.mark.parametrize("make", [zoo.novograd, zoo.adasecant, zoo.normalized, zoo.clipped, zoo.gravity])
def test_none_changes_nothing(make):
    tx = make(stacked=None)
    assert repr(tx) == repr(make()) and tx.rule.by_leaf
    assert not make(stacked=UNDER).rule.by_leaf and not make(stacked=by_path).rule.by_leaf


def test_none_leaves_and_masked_ones():
    rule = zoo.normalize_by_norm("l2", stacked=UNDER)
    grads = gradients(0)
    expected = apply(rule, grads)
    grads["decoder"]["layers"]["norm"]["scale"] = expected["decoder"]["layers"]["norm"]["scale"] = None
    chex.assert_trees_all_equal(apply(rule, grads), expected)
    grads = gradients(0)
    for tx in (zoo.novograd(stacked=UNDER), zoo.damp_by_max(stacked=UNDER)):
        mask = jax.tree.map(lambda x: x.ndim == 3, grads)
        masked = optax.masked(tx, mask)
        found = masked.update(grads, masked.init(grads), grads)[0]
        wanted = tx.update(grads, tx.init(grads), grads)[0]
        expected = jax.tree.map(lambda m, new, old: new if m else old, mask, wanted, grads)
        chex.assert_trees_all_equal(found, expected)


@pytest.mark.parametrize("norm", ["l1_l2", "std"])
def test_layers_that_are_sharded_within(norm):
    """The mesh axis is one that each layer is sharded over, not one that layers are dealt out to."""
    mesh = jax.make_mesh((2,), ("model",), axis_types=AXIS)
    tree = {"layers": np.random.default_rng(0).normal(size=(LAYERS, 4, 2)).astype(np.float32)}
    spec = {"layers": P(None, "model")}
    for local, over in (
        (zoo.normalize_by_norm(norm, stacked=UNDER), zoo.normalize_by_norm(norm, stacked=UNDER, axis_name="model")),
        (zoo.damp_by_max(stacked=UNDER), zoo.damp_by_max(stacked=UNDER, axis_name="model")),
    ):
        step = jax.shard_map(lambda tree, tx=over: apply(tx, tree), mesh=mesh, in_specs=(spec,), out_specs=spec)
        chex.assert_trees_all_close(jax.jit(step)(tree), apply(local, tree), rtol=1e-5)


def test_sharded_under_jit():
    mesh = jax.make_mesh((2, 2), ("data", "model"), axis_types=AXIS * 2)
    tx = zoo.novograd(stacked=1)
    tree = {"w": jnp.asarray(np.random.default_rng(0).normal(size=(4, 4, 2)), jnp.float32)}
    placed = jax.device_put(tree, NamedSharding(mesh, P("data", "model")))
    (found, _), (expected, _) = (jax.jit(tx.update)(x, tx.init(x)) for x in (placed, tree))
    chex.assert_trees_all_close(found, expected, rtol=1e-5)


def test_norms_of_ones_own(scratch_norms):  # noqa: F811
    zoo.register_norm("l3", lambda over: over.sum(lambda x: jnp.abs(x) ** 3) ** (1 / 3))
    zoo.register_norm("median", lambda x: jnp.median(jnp.abs(x)))
    zoo.register_norm("rows", lambda x: jnp.sum(x, -1))
    x = np.arange(1.0, 13, dtype=np.float32).reshape(2, 3, 2)
    for name, norm in (("l3", lambda x: np.sum(x**3) ** (1 / 3)), ("median", np.median)):
        expected = np.stack([each / norm(each) for each in x])
        np.testing.assert_allclose(apply(zoo.normalize_by_norm(name, stacked=1), x), expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"norm 'rows' returned shape \(2, 3\), but must return the norm, a scalar"):
        apply(zoo.normalize_by_norm("rows", stacked=1), x)


@pytest.mark.parametrize("found", [4, -1, True, 1.0, "1", None, (3,), (0, 0), (-1,), [0]], ids=repr)
@pytest.mark.parametrize(
    "make", [lambda rule: zoo.normalize_by_norm("l2", stacked=rule), lambda rule: zoo.novograd(stacked=rule)]
)
def test_axes_that_a_leaf_does_not_have_are_refused_at_init(make, found):
    tx = make(lambda path, leaf: found if leaf.ndim == 3 else 0)
    with pytest.raises(ValueError) as caught:
        tx.init(tree_of(lambda *shape: jnp.ones(shape)))
    text = str(caught.value)
    assert (
        f"stacked gives {found!r} for the leaf ['decoder']['layers']['mlp']['wi']['kernel'] of shape (3, 4, 5)" in text
    )
    assert "must give a number of leading axes from 0 to 3" in text and "\n" not in text


def test_what_is_no_rule_is_refused_when_it_is_given():
    for wrong in ("layers", 1.0, -1, True, (0, 0), {"layers": 1}):
        for make in (zoo.novograd, zoo.gravity, zoo.adasecant, zoo.normalized, zoo.clipped):
            with pytest.raises(TypeError, match=r"stacked is .*but must be None, a number of leading axes"):
                make(stacked=wrong)
    with pytest.raises(ValueError, match="axes is -1, but must be a number of leading axes or a tuple of axes"):
        stacked_under("layers", -1)
    with pytest.raises(TypeError, match="name is 1, but must be a str"):
        stacked_under(1)
    with pytest.raises(ValueError, match="scope='tree' takes one norm of all"):
        zoo.clip_by_norm("l2", 1.0, scope="tree", stacked=UNDER)


def test_it_prints_as_it_is_written():
    assert repr(zoo.damp_by_max(stacked=UNDER)) == "damp_by_max(stacked=stacked_under(name='layers', axes=1))"
    assert repr(zoo.clip_by_norm("l2", 1.0, stacked=by_path)) == "clip_by_norm('l2', 1, stacked=by_path)"
    assert repr(zoo.leaf_sum(zoo.square, stacked=1)) == "leaf_sum(square, stacked=1)"
    assert repr(zoo.leaf_sum(zoo.square, "data", by_path)) == "leaf_sum(square, axis_name=axis_name, stacked=by_path)"


def test_hyperparameters_are_injected_beside_a_rule():
    grads = gradients(0)
    expected = apply(zoo.novograd(0.1, stacked=UNDER), grads)
    for tx in (
        optax.inject_hyperparams(zoo.novograd)(0.1, stacked=UNDER),
        optax.inject_hyperparams(zoo.novograd, static_args="stacked")(0.1, stacked=by_path),
    ):
        chex.assert_trees_all_close(tx.update(grads, tx.init(grads), grads)[0], expected, rtol=1e-6)
    with pytest.raises(TypeError, match=r"under optax\.inject_hyperparams name it in static_args"):
        optax.inject_hyperparams(zoo.novograd)(0.1, stacked=1).init(grads)


@pytest.mark.slow
def test_layers_of_a_scan_of_flax():
    nn = pytest.importorskip("flax.linen")

    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            return nn.tanh(nn.Dense(4)(x)), None

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            scan = nn.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=LAYERS)
            x, _ = scan(name="layers")(x, None)
            return nn.Dense(2, name="head")(x)

    net, x = Net(), jnp.linspace(-1.0, 1.0, 8).reshape(2, 4)
    params = net.init(jax.random.key(0), x)["params"]
    grads = jax.grad(lambda params: jnp.sum(net.apply({"params": params}, x) ** 2))(params)
    found = apply(zoo.normalize_by_norm("l2", eps=0.0, stacked=UNDER), grads)
    kernels, head = found["layers"]["Dense_0"]["kernel"], found["head"]["kernel"]
    np.testing.assert_allclose([jnp.linalg.norm(kernel) for kernel in kernels], np.ones(LAYERS), rtol=1e-5)
    np.testing.assert_allclose(jnp.linalg.norm(head), 1, rtol=1e-5)
