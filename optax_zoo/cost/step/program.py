"""A step of an optimizer as XLA compiles it: jitted, with parameters and state donated."""

import dataclasses
import math
import re
import time
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.cost.step.floor import kernel_floor
from optax_zoo.cost.step.flops import Flops, flops_of

# Instructions of HLO that move no data.
FREE = ("parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id")
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%\S+ = (?:\([^=]*?\)|\S+) ([\w-]+)\(", re.MULTILINE)


def _step(tx: optax.GradientTransformation, tree: Any) -> tuple[Any, Any]:
    """The shapes of (parameters, state) and gradients, and the jitted step from and to them."""
    from optax_zoo.conformance.subject import KNOWN

    extended = optax.with_extra_args_support(tx)

    def step(carry: Any, grads: Any) -> Any:
        params, state = carry
        extra = {name: make(params, grads) for name, make in KNOWN.items()}
        updates, state = extended.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    return ((tree, jax.eval_shape(tx.init, tree)), tree), jax.jit(step, donate_argnums=0)


def least_accessed(tx: optax.GradientTransformation, tree: Any) -> int:
    """The fewest bytes that a step can access with kernels that write one array each; nothing is compiled."""
    shapes, step = _step(tx, tree)
    return kernel_floor(step.trace(*shapes).jaxpr)


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled step.

    Attributes:
      compiled: takes (parameters, state) and gradients, returns (parameters, state).
      shapes: of (parameters, state) and gradients.
      floor: the fewest bytes that kernels which write one array each can access, see `kernel_floor`.
      flops: floating-point operations, see `flops_of`.
      trace_seconds: wall time of tracing and lowering.
      compile_seconds: wall time of XLA.
    """

    compiled: jax.stages.Compiled
    shapes: Any
    floor: int
    flops: Flops
    trace_seconds: float
    compile_seconds: float

    @classmethod
    def of(cls, tx: optax.GradientTransformation, tree: Any) -> "Program":
        """Compiles a step for a tree of shapes. No array of its size is made.

        Raises:
          ValueError: if the optimizer fails on the tree.
        """
        try:
            shapes, step = _step(tx, tree)
            began = time.perf_counter()
            traced = step.trace(*shapes)
            lowered = traced.lower()
        except Exception as error:
            raise ValueError(f"the optimizer fails on this tree: {' '.join(str(error).split())[:300]}") from error
        between = time.perf_counter()
        compiled = lowered.compile()
        ended = time.perf_counter()
        floor, flops = kernel_floor(traced.jaxpr), flops_of(traced.jaxpr)
        return cls(compiled, shapes, floor, flops, between - began, ended - between)

    @property
    def state_bytes(self) -> int:
        """Bytes of the state."""
        return size_of(self.shapes[0][1])

    @property
    def minimum(self) -> int:
        """Bytes of a step that reads gradients, parameters and state once, and writes parameters and state once."""
        (params, state), grads = self.shapes
        return 2 * size_of(params) + 2 * size_of(state) + size_of(grads)

    @property
    def temporary_bytes(self) -> int:
        """Bytes that XLA allocates besides inputs and outputs."""
        analysis: Any = self.compiled.memory_analysis()
        return int(analysis.temp_size_in_bytes)

    @property
    def accessed(self) -> int:
        """Bytes that the kernels read and write, by XLA's count."""
        analysis: Any = self.compiled.cost_analysis()
        return int(analysis["bytes accessed"])

    @property
    def kernels(self) -> int:
        """Instructions of the compiled program that move data."""
        text = self.compiled.as_text() or ""
        return sum(kind not in FREE for kind in INSTRUCTION.findall(text[text.index("\nENTRY") :]))

    @property
    def needed(self) -> int:
        """Bytes of memory that a run needs: parameters, gradients, state, and temporaries."""
        return size_of(self.shapes) + self.temporary_bytes


def size_of(tree: Any) -> int:
    """Bytes of all arrays of a tree of shapes."""
    return sum(_size(x) for x in jax.tree.leaves(tree))


def _size(x: Any) -> int:
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        return math.prod(x.shape) * 8
    return math.prod(x.shape) * x.dtype.itemsize
