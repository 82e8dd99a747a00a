"""States in 8 or 16 bits between steps, block by block."""

import functools
import itertools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.precision import noise, rounding
from optax_zoo.precision.around import Around, inner_of
from optax_zoo.precision.blocks import Blocks
from optax_zoo.precision.kahan import KahanState
from optax_zoo.precision.maps import HALF, MAPS
from optax_zoo.precision.origins import of_values
from optax_zoo.primitives.initial import check_key, wrap_key
from optax_zoo.primitives.part import needs_of, primitive
from optax_zoo.primitives.precision import dtype_of, lift
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.types import Key

QuantizedDType: TypeAlias = Literal["int8", "float8_e4m3fn", "bfloat16"]


class Quantized(NamedTuple):
    """A large array of a state between steps.

    Attributes:
      codes: in the shape of the array, and in int8, float8_e4m3fn or bfloat16.
      scales: in the array's dtype. For each block of codes of 8 bits its largest number, negative if no number of the
        block is; for bfloat16 1, a scalar.
    """

    codes: Any
    scales: Any


class QuantizedState(NamedTuple):
    """State of `with_quantized_state`.

    Attributes:
      inner: the state of the optimizer, with a `Quantized` for each large array.
      key: data of the key that is split at each step; only with a key.
    """

    inner: Any
    key: Any = None


@primitive
def with_quantized_state(
    tx: optax.GradientTransformation,
    dtype: QuantizedDType = "int8",
    *,
    block_size: int = 256,
    min_size: int = 4096,
    key: Key | None = None,
) -> Around:
    r"""An optimizer whose large arrays are kept in 8 or 16 bits between steps, block by block.

    At each step they are computed in their own dtype from what was stored, and stored anew. A block of 8 bits has
    its largest number s as scale, and for its numbers the levels

    .. math::

        \pm s \, (c/127)^2, \qquad s \, (c/255)^4

    with codes c in int8. The latter are for blocks without negative numbers, as those of second moments; the smallest
    is :math:`2 \cdot 10^{-10} s`. In float8_e4m3fn the levels are :math:`\pm s \, c/448` and
    :math:`s \, (c/448)^2` with its numbers c.

    Numbers are rounded to the nearest level, so that errors are at most half the distance of two levels; zeros stay
    zeros, and largest numbers exact. A slow average then stands still where a step changes it less than that, until the
    scale of its block changes. With a key the two levels around a number are drawn, and it is right on average. A block
    with an infinity or NaN becomes NaN as a whole (in bfloat16 each number stays what it is).

    Args:
      tx: the optimizer, ours or not.
      dtype: "int8", "float8_e4m3fn" or "bfloat16", which has no blocks.
      block_size: numbers in a block, a power of 2, at least 16; a quarter as many where that keeps an axis divisible.
      min_size: the fewest elements of an array that is stored so. Scalars never are.
      key: a `jax.random.key`, raw key data or an int seed, for rounding by chance; None rounds to the nearest. Equal
        keys draw equal numbers: two groups of an `optax.partition` need two. All devices of a `jax.shard_map` draw the
        same.

    Returns:
      A transformation with state `QuantizedState`, in which there is a `Quantized` for each large array of
      floating-point numbers of more bits than `dtype`. What `init` makes of the values of parameters stays as it is
      (master weights, the points of schedule-free and lookahead), and so do averages of parameters, compensations,
      complex numbers, integers and keys.

      Codes have the shape of their array, and so its layout. A block is a box, which no device shares with another
      where each axis is split into as many parts as divide its number of blocks: of 4096 x 4096, in blocks of 16 x 16,
      up to 256 each. `conformance.state_sharding` lays scales out beside them.

    Raises:
      TypeError: if tx is no transformation, or key no key.
      ValueError: for another dtype, block_size or min_size; from `init` where the state of tx is quantized already.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> tx = zoo.precision.with_quantized_state(zoo.adam(1e-3))
      >>> state = tx.init(jnp.ones((256, 256)))
      >>> round(sum(x.nbytes for x in jax.tree.leaves(state)) / 256**2, 2)  # bytes a parameter, in place of 8
      2.03
      >>> zoo.moment(zoo.precision.dequantized(state), "v").dtype
      dtype('float32')

    Source:
      T. Dettmers et al. (2021): 8-bit Optimizers via Block-wise Quantization, arXiv 2110.02861, for blocks and uneven
      levels; the levels here are powers, and no table.
    """
    inner = inner_of(tx)
    _checks.one_of("dtype", dtype, [*MAPS, "bfloat16"])
    _check_block_size(block_size)
    _checks.whole("min_size", min_size, 0)
    check_key(key)

    def init(params: Any) -> Any:
        state = inner.init(params)
        _refuse_quantized(state)
        leaves: list[Any] = jax.tree.leaves(state)
        treedef: Any = jax.tree.structure(state)
        exact = _exact(state)
        stored = [
            stored_in(dtype, jax.lax.optimization_barrier(x), Blocks.of(jnp.shape(x), block_size))
            if _is_large(x, dtype, min_size) and not held and id(x) not in exact
            else x
            for x, held in zip(leaves, of_values(inner.init, params), strict=True)
        ]
        data = None if key is None else jnp.copy(jax.random.key_data(wrap_key(key)))
        return filled(QuantizedState(treedef.unflatten(stored), data))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        made, after = inner.update(updates, dequantized(state.inner), params, **extra_args)
        data, key_of = _keys(state, key)
        before: list[Any] = jax.tree.leaves(state.inner, is_leaf=is_quantized)
        treedef: Any = jax.tree.structure(state.inner, is_leaf=is_quantized)
        numbers = itertools.count()
        stored = [
            _stored_again(dtype, x, old, key_of(next(numbers))) if is_quantized(old) else x
            for x, old in zip(treedef.flatten_up_to(after), before, strict=True)
        ]
        return made, filled(QuantizedState(treedef.unflatten(stored), data))

    return Around(init, update, needs_of(tx))


def dequantized(state: Any) -> Any:
    """A state whose large arrays are in their own dtypes again, for reading: moments, norms, what a figure shows.

    Args:
      state: a state in which `with_quantized_state` stands anywhere, alone or within other wrappers and chains.

    Returns:
      The state with that of the inner optimizer in place of each `QuantizedState`. It is not one that `update` takes.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = zoo.precision.with_quantized_state(optax.adam(1e-3))
      >>> zoo.precision.dequantized(tx.init(jnp.ones(4096)))[0].nu.dtype
      dtype('float32')
    """

    def read(node: Any) -> Any:
        if isinstance(node, Quantized):
            return _read(node)
        return dequantized(node.inner) if isinstance(node, STATES) else node

    return jax.tree.map(read, state, is_leaf=lambda node: isinstance(node, (Quantized, *STATES)))


def is_quantized(node: Any) -> bool:
    """Whether a node of a state stands for a large array."""
    return isinstance(node, Quantized)


@functools.partial(jax.jit, static_argnames=("dtype", "blocks"))
def stored_in(dtype: str, x: jax.Array, blocks: Blocks, key: jax.Array | None = None) -> Quantized:
    """An array in a narrower dtype, rounded to the nearest or, with a key, by chance."""
    if dtype not in MAPS:
        rounded = x if key is None else rounding.stochastic(x.astype(jnp.float32), dtype, noise.bits(key, x.shape))
        return Quantized(rounded.astype(dtype), jnp.ones((), x.dtype))
    apart = blocks.apart(lift(x))
    chance = HALF if key is None else (noise.bits(key, apart.shape).astype(jnp.float32) + 0.5) / rounding.CHANCES
    codes, scales = MAPS[dtype].encoded(apart, blocks.inside, chance)
    return Quantized(blocks.together(codes, x), scales.squeeze(blocks.inside).astype(x.dtype))


def _stored_again(dtype: str, x: jax.Array, before: Quantized, key: jax.Array | None) -> Quantized:
    """An array as it was stored before; the scalar of bfloat16 is that of before, as it may be donated."""
    stored = stored_in(dtype, x, Blocks(before.codes.shape, before.scales.shape), key)
    return stored if dtype in MAPS else Quantized(stored.codes, before.scales)


@jax.jit
def _read(stored: Quantized) -> jax.Array:
    codes, scales = stored
    if codes.dtype.name not in MAPS:
        return codes.astype(scales.dtype)
    blocks = Blocks(codes.shape, scales.shape)
    found = MAPS[codes.dtype.name].decoded(blocks.apart(codes), blocks.spread(lift(scales)))
    return blocks.together(found, codes).astype(scales.dtype)


def _keys(state: Any, key: Key | None) -> tuple[Any, Callable[[int], Any]]:
    """The data of the next step's key, and the keys of leaves by number."""
    if key is None:
        return None, lambda number: None
    implementation = jax.random.key_impl(wrap_key(key))
    following, own = jax.random.split(jax.random.wrap_key_data(state.key, impl=implementation))
    return jax.random.key_data(following), functools.partial(jax.random.fold_in, own)


def _check_block_size(block_size: int) -> None:
    _checks.whole("block_size", block_size, 16)
    if int(block_size).bit_count() != 1:
        raise _checks.refusal(ValueError, _checks.Refused("block_size", block_size, "a power of 2, at least 16"))


def _is_large(x: Any, dtype: str, min_size: int) -> bool:
    """Whether a leaf of a state is to be stored in a narrower dtype."""
    own = dtype_of(x)
    wide = jnp.issubdtype(own, jnp.floating) and own.itemsize > jnp.dtype(dtype).itemsize
    return wide and jnp.size(x) >= max(min_size, 2)


def _exact(state: Any) -> set[int]:
    """The identities of leaves that a state keeps exact: averages of parameters, and what parameters lack."""

    def averages(node: Any) -> bool:
        return hasattr(node, "evaluation_params")

    def lacks(node: Any) -> bool:
        return isinstance(node, KahanState)

    kept = [node for node in jax.tree.leaves(state, is_leaf=averages) if averages(node)]
    kept += [node.compensation for node in jax.tree.leaves(state, is_leaf=lacks) if lacks(node)]
    return set(map(id, jax.tree.leaves(kept)))


def _refuse_quantized(state: Any) -> None:
    if any(map(is_quantized, jax.tree.leaves(state, is_leaf=is_quantized))):
        raise ValueError("tx has a quantized state already: with_quantized_state must be around it once.")


STATES = (QuantizedState, type(filled(QuantizedState(()))))  # with a key and without
