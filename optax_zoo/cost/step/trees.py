"""Parameter trees that a step is measured on, as shapes: by name, from a user's function, or from a file."""

import json
import math
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo._user_code import imported
from optax_zoo.cost.models import Decoder

Shapes = Any  # a pytree of jax.ShapeDtypeStruct


def _leaf(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _one() -> Shapes:
    """One matrix of 16 Mi parameters."""
    return {"w": _leaf(4096, 4096)}


def _thousand() -> Shapes:
    """1,000 matrices of 64 x 64."""
    return {f"w{i:03d}": _leaf(64, 64) for i in range(1000)}


def _gpt2_small() -> Shapes:
    """GPT-2 small (Radford et al. 2019): two embeddings and 12 blocks of 12 arrays, without the norm at the end."""
    width = 768

    def dense(inputs: int, outputs: int) -> Shapes:
        return {"kernel": _leaf(inputs, outputs), "bias": _leaf(outputs)}

    def norm() -> Shapes:
        return {"scale": _leaf(width), "bias": _leaf(width)}

    def block() -> Shapes:
        return {
            "attention_norm": norm(),
            "attention": dense(width, 3 * width),
            "attention_output": dense(width, width),
            "feed_forward_norm": norm(),
            "feed_forward": dense(width, 4 * width),
            "feed_forward_output": dense(4 * width, width),
        }

    blocks = {f"block{i:02d}": block() for i in range(12)}
    return {"token_embedding": _leaf(50257, width), "position_embedding": _leaf(1024, width), **blocks}


def _resnet50() -> Shapes:
    """ResNet-50 (He et al. 2015): convolutions and batch norms of 16 bottlenecks, and the head for 1,000 classes."""

    def convolution(size: int, inputs: int, outputs: int) -> Shapes:
        return {"kernel": _leaf(size, size, inputs, outputs), "scale": _leaf(outputs), "bias": _leaf(outputs)}

    def bottleneck(inputs: int, width: int, first: bool) -> Shapes:
        layers = {
            "reduce": convolution(1, inputs, width),
            "filter": convolution(3, width, width),
            "expand": convolution(1, width, 4 * width),
        }
        return layers | {"shortcut": convolution(1, inputs, 4 * width)} if first else layers

    tree, inputs = {"stem": convolution(7, 3, 64)}, 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 * 2**stage
        for block in range(blocks):
            tree[f"stage{stage}_block{block}"] = bottleneck(inputs, width, block == 0)
            inputs = 4 * width
    return {**tree, "head": {"kernel": _leaf(2048, 1000), "bias": _leaf(1000)}}


def _clip() -> Shapes:
    """CLIP with ViT-B/32 (Radford et al. 2021) as Flax has it: layers are scanned, heads have axes of their own."""

    def norm(width: int, *layers: int) -> Shapes:
        return {"scale": _leaf(*layers, width), "bias": _leaf(*layers, width)}

    def dense(layers: int, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Shapes:
        return {"kernel": _leaf(layers, *inputs, *outputs), "bias": _leaf(layers, *outputs)}

    def scanned(width: int, layers: int = 12) -> Shapes:
        heads = (width // 64, 64)
        projections = {name: dense(layers, (width,), heads) for name in ("query", "key", "value")}
        return {
            "attention_norm": norm(width, layers),
            "attention": {**projections, "out": dense(layers, heads, (width,))},
            "mlp_norm": norm(width, layers),
            "mlp": {"up": dense(layers, (width,), (4 * width,)), "down": dense(layers, (4 * width,), (width,))},
        }

    return {
        "vision": {
            "patches": {"kernel": _leaf(32, 32, 3, 768)},
            "class_embedding": _leaf(768),
            "positions": {"embedding": _leaf(50, 768)},
            "first_norm": norm(768),
            "layers": scanned(768),
            "last_norm": norm(768),
            "head": {"kernel": _leaf(768, 512)},
        },
        "text": {
            "tokens": {"embedding": _leaf(49408, 512)},
            "positions": {"embedding": _leaf(77, 512)},
            "layers": scanned(512),
            "last_norm": norm(512),
            "head": {"kernel": _leaf(512, 512)},
        },
        "logit_scale": _leaf(),
    }


def _billion() -> Shapes:
    """A decoder of 1.1 billion parameters, with the shapes of TinyLlama (Zhang et al. 2024)."""
    return Decoder(layers=22, width=2048, hidden=5632, key_width=256, vocabulary=32000).shapes()


TREES: Mapping[str, Callable[[], Shapes]] = types.MappingProxyType(
    {
        "one-16m": _one,
        "gpt2-small": _gpt2_small,
        "thousand-leaves": _thousand,
        "resnet50": _resnet50,
        "clip-b32": _clip,
        "1b": _billion,
    }
)


def tree_of(text: str, dtype: Any = None) -> Shapes:
    """A tree of `jax.ShapeDtypeStruct`.

    Args:
      text: a name in `TREES`; `module:function`, which returns a pytree of arrays or of `jax.ShapeDtypeStruct`; or the
        path of a JSON file that ends in `.json`: objects within each other whose innermost values are shapes, lists of
        whole numbers, as in `{"dense": {"kernel": [784, 10], "bias": [10]}}`.
      dtype: of all leaves; by default float32, or that of the function's leaves.

    Raises:
      ValueError: if there is no such tree, or a leaf of it is not an array of floating-point numbers.
    """
    if text in TREES:
        tree = TREES[text]()
    elif text.endswith(".json"):
        tree = _from_file(text)
    elif ":" in text:
        tree = _from_function(text)
    else:
        raise ValueError(
            f"tree is {text!r}, but must be {', '.join(TREES)}, a function as module:function, or a file of shapes "
            "that ends in .json."
        )
    return tree if dtype is None else jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, dtype), tree)


def count(tree: Shapes) -> int:
    """Number of parameters."""
    return sum(math.prod(x.shape) for x in jax.tree.leaves(tree))


def _from_function(text: str) -> Shapes:
    function = imported("tree", text)
    try:
        leaves, structure = jax.tree.flatten(jax.eval_shape(function))
    except Exception as error:
        reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise ValueError(f"tree is {text!r}, which fails: {reason}") from error
    strange = [x for x in leaves if not jnp.issubdtype(x.dtype, jnp.floating)]
    if not leaves or strange:
        found = f"a leaf of {strange[0].dtype}" if strange else "no leaf"
        raise ValueError(f"tree is {text!r}, which has {found}, but must have leaves of floating-point numbers only.")
    return jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves])


def _from_file(text: str) -> Shapes:
    try:
        tree = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"tree is {text!r}, which cannot be read: {error}") from error
    if not isinstance(tree, dict) or not tree:
        raise ValueError(f'tree is {text!r}, which must hold an object of shapes, as in {{"kernel": [784, 10]}}.')
    return _shaped(text, tree)


def _shaped(text: str, value: Any) -> Shapes:
    if isinstance(value, dict):
        return {name: _shaped(text, item) for name, item in value.items()}
    if isinstance(value, list) and all(type(n) is int and n >= 0 for n in value):
        return _leaf(*value)
    raise ValueError(
        f"tree is {text!r}, which holds {json.dumps(value)}, but a shape must be a list of whole numbers, at least 0."
    )
