"""Parameter trees by name: only shapes, and their layout on a mesh."""

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

AXES = ("data", "model")
IN = PartitionSpec("data", "model")  # a matrix that reads the residual stream
OUT = PartitionSpec("model", "data")  # a matrix that writes to it
VECTOR = PartitionSpec(AXES)


@dataclasses.dataclass(frozen=True)
class Decoder:
    """A decoder-only transformer with the leaves of Llama 2: nine per layer, two embeddings and a norm.

    Attributes:
      layers: number of layers.
      width: of the residual stream, and of queries.
      hidden: width of the gated feed-forward layer.
      key_width: width of keys and of values, all heads together.
      vocabulary: number of tokens.
    """

    layers: int
    width: int
    hidden: int
    key_width: int
    vocabulary: int

    def shapes(self, dtype: Any = jnp.float32) -> dict[str, Any]:
        """The parameters as a tree of `jax.ShapeDtypeStruct`."""

        def leaf(*shape: int) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(shape, dtype)

        return self._tree(leaf, leaf, leaf)

    def specs(self) -> dict[str, Any]:
        """The `PartitionSpec` of each parameter: every one is split over all devices of a mesh with the axes `AXES`.

        A matrix has the residual stream along "data" and its other dimension along "model"; a vector is split over
        both.
        """
        return self._tree(lambda *_: VECTOR, lambda *_: IN, lambda *_: OUT)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(self.shapes()))

    def _tree(
        self, vector: Callable[..., Any], reads: Callable[..., Any], writes: Callable[..., Any]
    ) -> dict[str, Any]:
        width, hidden = self.width, self.hidden

        def layer() -> dict[str, Any]:
            return {
                "attention_norm": vector(width),
                "query": reads(width, width),
                "key": reads(width, self.key_width),
                "value": reads(width, self.key_width),
                "output": writes(width, width),
                "feed_forward_norm": vector(width),
                "gate": reads(width, hidden),
                "up": reads(width, hidden),
                "down": writes(hidden, width),
            }

        return {
            "embedding": writes(self.vocabulary, width),
            "layers": [layer() for _ in range(self.layers)],
            "norm": vector(width),
            "head": reads(width, self.vocabulary),
        }


MODELS: Mapping[str, Decoder] = types.MappingProxyType(
    {
        "7b": Decoder(layers=32, width=4096, hidden=11008, key_width=4096, vocabulary=32000),
        "70b": Decoder(layers=80, width=8192, hidden=28672, key_width=8 * 128, vocabulary=32000),
    }
)


def small(layers: int) -> Decoder:
    """The same leaves at a size that compiles on 8 devices of a CPU in a second."""
    return Decoder(layers=layers, width=128, hidden=352, key_width=32, vocabulary=512)
