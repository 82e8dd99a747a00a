"""Groups of leaves by model: which decay, and at which share of the rate each layer is trained."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from flax import linen as nn
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st

import optax_zoo as zoo
from optax_zoo.compat import enable_x64
from optax_zoo.primitives.paths import named

WIDTH, DEPTH, DECAY = 6, 3, 0.5


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _=None):
        x += nn.MultiHeadDotProductAttention(2, name="attention")(nn.LayerNorm(name="norm")(x))
        return x + nn.Dense(WIDTH, name="down")(nn.relu(nn.Dense(8, name="up")(x))), None


class Linen(nn.Module):
    """Pictures and a learned token through blocks, one after the other or scanned, to a head."""

    scanned: bool = False

    @nn.compact
    def __call__(self, picture):
        x = nn.Conv(WIDTH, (2, 2), (2, 2), name="patches")(picture).reshape(1, -1, WIDTH)
        x += self.param("pos_embed", nn.initializers.normal(), (1, x.shape[1], WIDTH))
        if self.scanned:
            layers = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=DEPTH)
            x, _ = layers(name="layers")(x, None)
        else:
            for number in range(DEPTH):
                x, _ = Block(name=f"blocks_{number}")(x)
        return nn.Dense(4, name="head")(nn.LayerNorm(name="norm")(x).mean(1))


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(9, WIDTH, rngs=rngs)
        layers = (nnx.Linear(WIDTH, WIDTH, rngs=rngs) for _ in range(DEPTH))
        self.h = nnx.List([nnx.Sequential(nnx.LayerNorm(WIDTH, rngs=rngs), layer) for layer in layers])
        self.ln_f = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.head = nnx.Linear(WIDTH, 9, rngs=rngs)


def linen(scanned=False):
    return Linen(scanned).init(jax.random.key(0), jnp.ones((1, 4, 4, 3)))["params"]


def of_nnx():
    return nnx.state(Nnx(nnx.Rngs(0)), nnx.Param)


def by_path(tree):
    return {named(path): leaf for path, leaf in jax.tree.leaves_with_path(tree)}


def factors(params, decay=DECAY, **names):
    """The factor of each leaf by its path: what the transformation makes of ones."""
    tx = zoo.scale_by_layer(decay, zoo.numbered(**names))
    ones = jax.tree.map(jnp.ones_like, params)
    return by_path(tx.update(ones, tx.init(params))[0])


@pytest.mark.parametrize("params", [linen(), of_nnx(), nnx.to_pure_dict(of_nnx())])
def test_kernels_and_embeddings_decay_and_biases_scales_and_vectors_do_not(params):
    for path, decays in by_path(zoo.decay_mask()(params)).items():
        assert decays is path.endswith(("kernel", "embedding", "pos_embed"))


def test_what_is_named_does_not_decay_and_layers_do_not_count():
    mask = zoo.decay_mask(("pos_embed", "head"), zoo.stacked_under("layers"))
    found = by_path(mask(linen(scanned=True)))
    assert {path for path, decays in found.items() if decays} == {
        "patches/kernel",
        "layers/down/kernel",
        "layers/up/kernel",
        *(f"layers/attention/{name}/kernel" for name in ("key", "out", "query", "value")),
    }
    assert mask.reasons({"pos_embed": jnp.ones((1, 2, 3)), "gain": jnp.ones(3)}) == [
        (False, "1 axis"),
        (False, "named pos_embed"),
    ]
    assert repr(mask) == f"decay_mask(but=('pos_embed', 'head'), stacked={zoo.stacked_under('layers')!r})"


@pytest.fixture
def float64():
    with enable_x64(True):
        yield


def trained(tx, params, steps=5):
    """Parameters in float64 after some steps at a loss with a gradient everywhere."""
    params = jax.tree.map(lambda x: jnp.asarray(x, float), params)

    @jax.jit
    def step(params, state):
        grads = jax.grad(lambda p: sum(jnp.sum(jnp.sin(x) ** 2) for x in jax.tree.leaves(p)))(params)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for _ in range(steps):
        params, state = step(params, state)
    return params


def assert_close(ours, theirs):
    chex.assert_trees_all_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("params", [linen(), of_nnx()])
def test_training_with_the_mask_is_optaxs_masked_adamw(params):
    ours, theirs = zoo.decay_mask(("embedding", "pos_embed")), []
    for path, leaf in jax.tree.leaves_with_path(params):
        theirs.append(leaf.ndim > 1 and named(path).endswith("kernel"))
    theirs = jax.tree.unflatten(jax.tree.structure(params), theirs)
    expected = trained(optax.adamw(0.1, weight_decay=0.5, mask=theirs), params)
    assert_close(trained(zoo.adamw(0.1, weight_decay=0.5, weight_decay_mask=ours), params), expected)
    assert_close(trained(optax.adamw(0.1, weight_decay=0.5, mask=ours), params), expected)
    everywhere = trained(optax.adamw(0.1, weight_decay=0.5), params)
    assert any(jnp.any(a != b) for a, b in zip(*map(jax.tree.leaves, (everywhere, expected)), strict=True))


def test_layers_of_linen():
    found = factors(linen(), first=("patches",))
    assert found.keys() == by_path(linen()).keys()
    for path, factor in found.items():
        key = path.partition("/")[0]
        layer = {"patches": 0, "pos_embed": 0, "norm": DEPTH + 1, "head": DEPTH + 1}.get(key)
        layer = int(key.removeprefix("blocks_")) + 1 if layer is None else layer
        assert jnp.all(factor == DECAY ** (DEPTH + 1 - layer))


@pytest.mark.parametrize("params", [of_nnx(), nnx.to_pure_dict(of_nnx())])
def test_layers_of_nnx(params):
    for path, factor in factors(params).items():
        key, second = path.split("/")[:2]
        distance = {"embed": DEPTH + 1, "ln_f": 0, "head": 0}.get(key)
        assert jnp.all(factor == DECAY ** (DEPTH - int(second) if distance is None else distance))


def test_scanned_layers_have_the_factors_of_layers_one_after_the_other():
    apart = factors(linen())
    together = factors(linen(scanned=True), stacked=zoo.stacked_under("layers"))
    assert len(apart) == len({path for path in together if "layers" not in path}) + DEPTH * 14
    for path, factor in together.items():
        if path.startswith("layers/"):
            rest = path.removeprefix("layers/")
            assert jnp.array_equal(factor, jnp.stack([apart[f"blocks_{n}/{rest}"] for n in range(DEPTH)]))
        else:
            assert jnp.array_equal(factor, apart[path])


def test_layers_along_another_axis():
    params = {"layers": {"kernel": jnp.ones((2, 4, 3))}, "head": jnp.ones(2)}
    found = factors(params, stacked=zoo.stacked_under("layers", axes=(1,)))
    assert jnp.array_equal(found["layers/kernel"][0, :, 0], DECAY ** jnp.arange(4.0, 0, -1))


ONE = jnp.ones(())
NAMINGS = ["blocks_{}", "block{:02d}", "layers.{}", "EncoderBlock_{}", "h/{}", "h.{}.attn.kernel"]


@given(st.sampled_from(NAMINGS), st.integers(2, 12), st.integers(0, 3), st.data())
def test_every_leaf_has_one_factor_however_layers_are_named(naming, depth, start, data):
    inside = data.draw(st.lists(st.sampled_from(["kernel", "mlp1", "norm", "fc2"]), min_size=1, unique=True))
    tree = {"embedding": ONE, "head": {"0": ONE, "1": ONE}}
    expected = {"embedding": depth + 1, "head/0": 0, "head/1": 0}
    for layer in range(depth):
        outer, _, inner = naming.format(layer + start).partition("/")
        for key in inside:
            below = tree.setdefault(outer, {})
            (below.setdefault(inner, {}) if inner else below)[key] = ONE
            expected["/".join(filter(None, (outer, inner, key)))] = depth - layer
    assert by_path(jax.tree.map(float, factors(tree))) == {path: DECAY**d for path, d in expected.items()}


def test_stages_and_towers():
    stages = {f"stage{s}_block{b}": ONE for s in range(2) for b in range(2 + s)}
    assert list(factors({"stem": ONE, **stages}).values()) == [DECAY**d for d in (5, 4, 3, 2, 1, 6)]
    towers = {"a": {"embed": ONE, "layers": [ONE] * 2}, "b": {"embed": ONE, "layers": [ONE] * 3}, "embedding": ONE}
    assert list(factors(towers).values()) == [DECAY**d for d in (3, 2, 1, 4, 3, 2, 1, 4)]


def test_named_layers_leave_other_numbers_alone():
    params = {"Dense_0": ONE, "Dense_1": ONE, "Block_0": {"Dense_0": ONE}, "Block_1": {"Dense_0": ONE}}
    with pytest.raises(ValueError, match="numbers are behind several names, 'Block', 'Dense': say which of them"):
        factors(params)
    found = factors(params, layers=("Block",), last=("Dense",))
    assert list(found.values()) == [DECAY**2, DECAY, 1, 1]


@pytest.mark.usefixtures("float64")
def test_behind_an_optimizer_each_leaf_has_a_rate_of_its_own_and_its_decay_goes_with_it():
    params = linen()
    rule = zoo.numbered(first=("patches",))
    scaled = optax.chain(zoo.adamw(0.1, weight_decay=0.5), zoo.scale_by_layer(DECAY, rule))
    labels = jax.tree.unflatten(jax.tree.structure(params), rule.distances(params))
    own = {d: optax.adamw(0.1 * DECAY**d, weight_decay=0.5) for d in range(DEPTH + 2)}
    assert_close(trained(scaled, params), trained(optax.partition(own, labels), params))


def test_in_the_slot_rescale_the_decay_is_that_of_the_whole_rate():
    p, g = jnp.float32(2.0), jnp.float32(0.0)
    tree = {"embedding": p, "blocks_0": p, "blocks_1": p, "head": p}
    inside = zoo.adamw(0.1, weight_decay=0.5).replace(rescale=zoo.scale_by_layer(DECAY))
    updates, _ = inside.update(jax.tree.map(lambda _: g, tree), inside.init(tree), tree)
    assert all(jnp.allclose(u, -0.1 * 0.5 * 2.0) for u in jax.tree.leaves(updates))


def test_a_function_gives_the_distance_and_low_precision_and_integers_stay():
    tree = {"a": jnp.ones(2, jnp.bfloat16), "b": jnp.zeros(2, int), "c": jnp.ones(2, complex)}
    tx = zoo.scale_by_layer(0.5, by=lambda path, leaf: {"a": 1, "b": 2, "c": 3}[path[0].key])
    updates, _ = tx.update(tree, tx.init(tree))
    assert {key: (x.dtype, complex(x[0])) for key, x in updates.items()} == {
        "a": (jnp.bfloat16, 0.5),
        "b": (tree["b"].dtype, 0),
        "c": (tree["c"].dtype, 0.125),
    }


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: zoo.decay_mask("embedding"), TypeError, "but is 'embedding', but must be a tuple of keys"),
        (lambda: zoo.decay_mask(stacked="layers"), TypeError, "stacked is 'layers', but must be None"),
        (lambda: zoo.numbered(first="stem"), TypeError, "first is 'stem', but must be a tuple of keys"),
        (lambda: zoo.scale_by_layer(0.0), ValueError, "decay is 0.0, but must be above 0 and at most 1"),
        (lambda: zoo.scale_by_layer(0.5, by="blocks"), TypeError, "by is 'blocks', but must be numbered"),
        (lambda: factors(linen(), last=("haed",)), ValueError, "last has 'haed', but no path .* Did you mean 'head'?"),
        (lambda: factors({"h0": ONE, "h1": ONE, "x": ONE}), ValueError, "the leaf 'x' is in no layer: of numbered"),
        (lambda: factors({"embed": ONE}), ValueError, "no layers are found"),
        (lambda: factors({"fc1": ONE, "fc2": ONE}), ValueError, "no layers are found"),
        (lambda: factors(ONE), ValueError, "the leaf '' is in no layer"),
        (
            lambda: zoo.scale_by_layer(0.5, by=lambda path, leaf: -1).init({"a": ONE}),
            ValueError,
            r"by gives -1 for the leaf \['a'\], but must give a number at least 0",
        ),
    ],
)
def test_wrong_input_is_one_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
