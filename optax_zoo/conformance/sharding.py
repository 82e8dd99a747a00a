"""How the state of an optimizer should be laid out on a mesh, given the layout of its parameters."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding, PartitionSpec

from optax_zoo.precision.blocks import parts_of
from optax_zoo.precision.quantized import Quantized
from optax_zoo.primitives.precision import dtype_of


def state_sharding(tx: optax.GradientTransformation, params: Any, param_shardings: Any) -> Any:
    """The shardings of an optimizer's state: a tree like `tx.init(params)` of `jax.sharding.NamedSharding`.

    A leaf of the state belongs to the parameter whose path its own path ends with. One of that parameter's shape gets
    its sharding, and one that extends the shape by trailing dimensions keeps these whole. One that has as many axes,
    but other lengths along some of them (the rows and columns of `factored`, the factors of `eigenbasis`), is sharded
    along the others as the parameter is. The codes of a `precision.Quantized` are laid out as the array that they stand
    for, and its scales likewise along the axes where the number of blocks can be divided so. Everything else, including
    scalars for a parameter, is replicated on the same mesh.

    A compiled `tx.init` needs them as `out_shardings`: what it returns does not depend on the values of the parameters,
    so that on a mesh with Auto axes jax may put all of it on one device.

    Args:
      tx: the optimizer, ours or not, also in chain, masked, partition and other wrappers.
      params: the parameters, arrays or ShapeDtypeStructs.
      param_shardings: their `NamedSharding`s on one mesh, a tree like `params` or a pytree prefix of it: a single one
        stands for all.

    Returns:
      The tree of shardings.

    Raises:
      TypeError: if `tx` is not an optax transformation, or a leaf of `param_shardings` not a NamedSharding.
      ValueError: if `param_shardings` is not a prefix of `params`, has more than one mesh or none, or has a spec with
        more dimensions than its parameter.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> from jax.sharding import NamedSharding, PartitionSpec as P
      >>> from optax_zoo.conformance import state_sharding
      >>> mesh = jax.make_mesh((1, 1), ("data", "model"))
      >>> params = {"kernel": jnp.ones((8, 4)), "bias": jnp.zeros(4)}
      >>> shardings = {"kernel": NamedSharding(mesh, P("data", "model")), "bias": NamedSharding(mesh, P())}
      >>> tx = zoo.novograd(1e-2)
      >>> of_state = state_sharding(tx, params, shardings)
      >>> tuple(of_state["momentum"].value["kernel"].spec)  # shaped like the kernel
      ('data', 'model')
      >>> tuple(of_state["denominator"].value["kernel"].spec)  # one number
      ()
      >>> params = jax.device_put(params, shardings)
      >>> state = jax.jit(tx.init, out_shardings=of_state)(params)
    """
    if not isinstance(tx, optax.GradientTransformation):
        raise TypeError(f"tx is {tx!r}, but must be an optax.GradientTransformation.")
    mesh = _mesh(param_shardings)
    shapes = jax.tree.map(lambda p: jax.ShapeDtypeStruct(jnp.shape(p), dtype_of(p)), params)
    try:
        spread = jax.tree.broadcast(param_shardings, shapes)
    except ValueError as error:
        raise ValueError(
            "param_shardings is neither a tree like params nor a pytree prefix of it: "
            f"{jax.tree.structure(param_shardings)} for {jax.tree.structure(shapes)}."
        ) from error
    owners = dict(zip(_paths(shapes), zip(jax.tree.leaves(shapes), jax.tree.leaves(spread), strict=True), strict=True))
    for path, (parameter, sharding) in owners.items():
        if len(sharding.spec) > parameter.ndim:
            raise ValueError(
                f"param_shardings{jax.tree_util.keystr(path)} is {sharding.spec}, but that parameter has the shape "
                f"{parameter.shape}."
            )

    def place(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> NamedSharding:
        endings = (path[start:] for start in range(len(path) + 1))  # the longest first
        owner = next((owners[ending] for ending in endings if ending in owners), None)
        if owner is not None and leaf.shape[: owner[0].ndim] == owner[0].shape:
            return _extended(owner[1], leaf.ndim, owner[0].ndim)
        if owner is not None and leaf.ndim == owner[0].ndim:
            return _where_equal(owner[1], leaf.shape, owner[0].shape)
        return NamedSharding(mesh, PartitionSpec())

    def place_node(path: tuple[Any, ...], node: Any) -> Any:
        if not isinstance(node, Quantized):
            return place(path, node)
        codes = place(path, node.codes)
        return Quantized(codes, _where_divided(codes, node.scales.shape))

    state = jax.eval_shape(tx.init, shapes)
    return jax.tree.map_with_path(place_node, state, is_leaf=lambda node: isinstance(node, Quantized))


def _mesh(shardings: Any) -> Any:
    """The mesh that all shardings share."""
    leaves = jax.tree.leaves_with_path(shardings)
    for path, sharding in leaves:
        if not isinstance(sharding, NamedSharding):
            where = f"param_shardings{jax.tree_util.keystr(path)}"
            raise TypeError(f"{where} is {sharding!r}, but must be a jax.sharding.NamedSharding.")
    meshes = {sharding.mesh for _, sharding in leaves}
    if len(meshes) != 1:
        raise ValueError(f"param_shardings has {len(meshes)} meshes, but must have one.")
    return meshes.pop()


def _paths(tree: Any) -> list[tuple[Any, ...]]:
    return [path for path, _ in jax.tree.leaves_with_path(tree)]


def _extended(sharding: NamedSharding, ndim: int, own: int) -> NamedSharding:
    """The sharding of a leaf with trailing dimensions that are not split."""
    if ndim == own:
        return sharding
    spec = (*sharding.spec, *[None] * (ndim - len(sharding.spec)))
    return NamedSharding(sharding.mesh, PartitionSpec(*spec), memory_kind=sharding.memory_kind)


def _where_equal(sharding: NamedSharding, shape: tuple[int, ...], own: tuple[int, ...]) -> NamedSharding:
    """The sharding of a leaf along the axes that are as long as its parameter's."""
    spec = (*sharding.spec, *[None] * (len(own) - len(sharding.spec)))
    kept = [axis if n == of_own else None for axis, n, of_own in zip(spec, shape, own, strict=True)]
    return NamedSharding(sharding.mesh, PartitionSpec(*kept), memory_kind=sharding.memory_kind)


def _where_divided(sharding: NamedSharding, shape: tuple[int, ...]) -> NamedSharding:
    """A sharding along the axes that it divides, of an array with as many axes as that which it is of, or none."""
    spec = (*sharding.spec, *[None] * (len(shape) - len(sharding.spec)))[: len(shape)]
    kept = [None if n % parts_of(sharding.mesh, names) else names for names, n in zip(spec, shape, strict=True)]
    return NamedSharding(sharding.mesh, PartitionSpec(*kept), memory_kind=sharding.memory_kind)
