"""What modules of Flax are to optimizers of matrices: Linen and NNX, attention, convolutions, embeddings, scan."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import nnx

import optax_zoo as zoo
from optax_zoo.primitives.matrices import matrix_axes
from optax_zoo.primitives.paths import named

WIDTH, HEADS, HEAD = 6, 2, 5


class Block(nn.Module):
    use_bias: bool = True

    @nn.compact
    def __call__(self, x, _):
        attention = nn.MultiHeadDotProductAttention(HEADS, qkv_features=HEADS * HEAD, use_bias=self.use_bias)
        x += attention(nn.LayerNorm()(x))
        return x + nn.Dense(WIDTH, name="down")(nn.Dense(8, name="up")(x)), None


class Reader(nn.Module):
    """Reads pictures and tokens: a convolution, an embedding, scanned layers of attention, a head."""

    use_bias: bool = True

    @nn.compact
    def __call__(self, picture, tokens):
        patches = nn.Conv(WIDTH, (2, 3), name="patches")(picture).reshape(1, -1, WIDTH)
        x = jnp.concatenate([patches, nn.Embed(11, WIDTH)(tokens)], axis=1)
        scanned = nn.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=4)
        return nn.Dense(11, name="head")(scanned(self.use_bias, name="layers")(x, None)[0])


def shapes_of(model):
    return jax.eval_shape(model.init, jax.random.key(0), jnp.ones((1, 2, 2, 3)), jnp.ones((1, 3), int))


def seen(variables, **layout):
    """How the leaves that are matrices are seen, by path."""
    sides = jax.tree.leaves(zoo.muon(**layout).sides_of(variables))
    axes = matrix_axes(variables, layout["outputs"], layout["stacked"])
    paths = [named(path) for path, _ in jax.tree.leaves_with_path(variables)]
    return {path: str(own) for path, side, own in zip(paths, sides, axes, strict=True) if side == "matrices"}


LAYERS = {
    "layers/MultiHeadDotProductAttention_0/key/kernel": "4 of 6 x 10",
    "layers/MultiHeadDotProductAttention_0/out/kernel": "4 of 10 x 6",
    "layers/MultiHeadDotProductAttention_0/query/kernel": "4 of 6 x 10",
    "layers/MultiHeadDotProductAttention_0/value/kernel": "4 of 6 x 10",
    "layers/down/kernel": "4 of 8 x 6",
    "layers/up/kernel": "4 of 6 x 8",
}


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_network_of_linen(use_bias):
    params = shapes_of(Reader(use_bias))["params"]
    layout = zoo.flax_layout(params, ("head",), stacked="layers")
    assert seen(params, **layout) == {**LAYERS, "patches/kernel": "18 x 6"}


def test_heads_are_columns_of_a_projection_and_rows_of_the_output():
    params = shapes_of(Reader())["params"]
    layout = zoo.flax_layout(params, ("head",), stacked="layers")
    kernels = params["layers"]["MultiHeadDotProductAttention_0"]
    for name, shape in (("query", (WIDTH, HEADS * HEAD)), ("out", (HEADS * HEAD, WIDTH))):
        kernel = jax.random.normal(jax.random.key(1), kernels[name]["kernel"].shape)
        (axes,) = matrix_axes({"layers": {name: kernel}}, layout["outputs"], layout["stacked"])
        assert jnp.array_equal(axes.matrices(kernel), jnp.stack([layer.reshape(shape) for layer in kernel]))


class Network(nnx.Module):
    def __init__(self, rngs):
        keys = jax.random.split(rngs.params(), 4)
        self.embed = nnx.Embed(11, WIDTH, rngs=rngs)
        self.patches = nnx.Conv(3, WIDTH, (2, 3), rngs=rngs)
        self.attention = nnx.MultiHeadAttention(HEADS, WIDTH, HEADS * HEAD, decode=False, rngs=rngs)
        self.norm = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.layers = nnx.vmap(lambda key: nnx.Linear(WIDTH, WIDTH, rngs=nnx.Rngs(key)))(keys)


@pytest.mark.parametrize("pure", [True, False])
def test_a_network_of_nnx(pure):
    state = nnx.state(nnx.eval_shape(lambda: Network(nnx.Rngs(0))), nnx.Param)
    params = nnx.to_pure_dict(state) if pure else state
    assert seen(params, **zoo.flax_layout(params, stacked="layers")) == {
        "attention/key/kernel": "6 x 10",
        "attention/out/kernel": "10 x 6",  # though all paths of a state end in .value
        "attention/query/kernel": "6 x 10",
        "attention/value/kernel": "6 x 10",
        "layers/kernel": "4 of 6 x 6",
        "patches/kernel": "18 x 6",
    }


def test_boxes_of_partitioned_parameters_are_no_keys():
    ones = nn.with_partitioning(nn.initializers.ones, ("model", None))
    params = nn.Dense(3, kernel_init=ones).init(jax.random.key(0), jnp.ones((1, 4)))["params"]
    assert seen(params, **zoo.flax_layout(params)) == {"kernel": "4 x 3"}
    assert jax.tree.leaves(zoo.muon(by=zoo.matrices(but=("value",))).sides_of(params)) == ["rest", "matrices"]


class Several(nn.Module):
    features: tuple[int, ...]

    @nn.compact
    def __call__(self, x):
        return nn.DenseGeneral(self.features, name="joined")(x)


def test_a_bias_tells_how_many_axes_are_outputs():
    params = Several((2, 5)).init(jax.random.key(0), jnp.ones((1, 6)))
    assert seen(params, **zoo.flax_layout(params)) == {"params/joined/kernel": "6 x 10"}
    params = Several((3, 2, 5)).init(jax.random.key(0), jnp.ones((1, 6)))
    with pytest.raises(ValueError, match=r"kernel params/joined/kernel has 3 axes of outputs.* \(-3, -2, -1\) for it"):
        zoo.flax_layout(params)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"but": ("heads",), "stacked": "layers"}, "but has 'heads', but no path .* Did you mean 'head'?"),
        ({"stacked": "layer"}, "stacked has 'layer', but no path .* Did you mean 'layers'?"),
        ({}, r"stacked is None, but the scale layers/LayerNorm_0/scale has the shape \(4, 6\): say which axes"),
    ],
)
def test_what_does_not_fit_the_tree_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.flax_layout(shapes_of(Reader())["params"], **arguments)


def test_keys_are_a_tuple():
    with pytest.raises(TypeError, match="but is 'head', but must be a tuple of keys"):
        zoo.flax_layout({}, "head")


def test_a_leaf_alone_and_a_tree_without_leaves():
    assert seen(jnp.ones((3, 4)), **zoo.flax_layout(jnp.ones((3, 4)))) == {"": "3 x 4"}
    assert zoo.flax_layout({})["outputs"] == "last"
