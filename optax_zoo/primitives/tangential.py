"""Directions without the component along the parameters (AdamP, SGDP)."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.agreement import check_gradient
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.part import Rule, all_by_leaf, primitive, update_of
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.scale import by_largest
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.trees import leaves_beside
from optax_zoo.primitives.types import Scalar


@primitive
def tangential(
    delta: Scalar = 0.1,
    *,
    eps: Scalar = 1e-8,
    decay: optax.GradientTransformation | None = None,
    decay_share: Scalar = 0.1,
    outputs: Outputs = "last",
    stacked: Stacked = None,
) -> Rule:
    r"""Takes the component along the parameters out of directions, where these look invariant to their scale (AdamP).

    They do where the gradient has hardly any such component: for all channels c of n elements

    .. math::

        |\cos(g_c, p_c)| < \delta / \sqrt{n}, \qquad \text{and then} \quad
        u_c \leftarrow u_c - \hat{p}_c (\hat{p}_c \cdot u_c), \quad \hat{p}_c = \frac{p_c}{\|p_c\| + \epsilon}

    Otherwise the same is asked, and done, for the leaf as one channel. Leaves of less than two axes are left alone.

    Args:
      delta: the threshold, at least 0.
      eps: added to norms of parameters, and the least that a norm counts in the cosine.
      decay: a coupled decay for the direction that is left, which a leaf without the component has a share of:
        `coupled_decay(1e-2)`.
      decay_share: that share, at least 0.
      outputs: which axis of a leaf has its channels: "last" as in Flax, "first" as in PyTorch.
      stacked: which axes of a leaf stack layers, each of which is looked at by itself; see `normalize_by_norm`.

    Returns:
      A transformation that needs the parameters and the gradient (as `cautious` does), with the state of the decay.

    Raises:
      TypeError: from `update` without the gradient.

    Source:
      B. Heo et al. (2021): AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights.
    """
    _checks.non_negative("delta", delta)
    _checks.non_negative("eps", eps)
    _checks.non_negative("decay_share", decay_share)
    _checks.one_of("outputs", outputs, ["first", "last"])
    check_stacked(stacked)

    def without_radial(u: jax.Array, g: jax.Array, p: jax.Array, layers: tuple[int, ...]) -> tuple[jax.Array, Any]:
        """The direction, and the share of the decay that it is given."""
        axes = [axis for axis in range(u.ndim) if axis not in layers]
        if len(axes) < 2:
            return u, 1
        channel = axes[-1] if outputs == "last" else axes[0]
        inner = tuple(axis for axis in axes if axis != channel)
        scale = by_largest(Reduction([g], [None], layers))
        of_channel = math.prod(u.shape[axis] for axis in inner)

        def along(x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.sum((x * y.conj()).real, axis=inner, keepdims=True)

        def of_layer(sums: jax.Array) -> jax.Array:
            return jnp.sum(sums, axis=channel, keepdims=True)

        def is_normal(pp: jax.Array, gg: jax.Array, pg: jax.Array, elements: int) -> jax.Array:
            sizes = jnp.maximum(root_of(pp), eps) * jnp.maximum(root_of(gg), eps * scale)
            return jnp.abs(pg) < delta / math.sqrt(max(elements, 1)) * sizes

        def radial(pp: jax.Array, pu: jax.Array) -> jax.Array:
            norm = root_of(pp) + eps
            return pu / jnp.where(norm == 0, 1, norm) ** 2

        pp, gg, pg = along(p, p), along(scale * g, scale * g), scale * along(p, g)  # scale g is read once: else kept
        in_channels = jnp.all(is_normal(pp, gg, pg, of_channel), axis=channel, keepdims=True)
        in_layer = is_normal(of_layer(pp), of_layer(gg), of_layer(pg), of_channel * u.shape[channel])
        pu = along(p, u)
        rest = jnp.where(in_layer, radial(of_layer(pp), of_layer(pu)), 0)
        share = jnp.where(in_channels | in_layer, decay_share, 1)
        return u - jnp.where(in_channels, radial(pp, pu), rest) * p, share

    update_decay = None if decay is None else update_of(decay)

    def init(params: Any) -> Any:
        stacked_axes(stacked, params)
        return optax.EmptyState() if decay is None else decay.init(params)

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        check_gradient("tangential", gradient)
        leaves, treedef = jax.tree.flatten(updates)
        beside = [map(lift, leaves_beside(updates, tree)) for tree in (gradient, params)]
        made = list(map(without_radial, leaves, *beside, stacked_axes(stacked, updates)))
        directions = jax.tree.unflatten(treedef, [u for u, _ in made])
        if update_decay is None:
            return directions, state
        zeros = jax.tree.map(jnp.zeros_like, updates)
        decays, after = update_decay(zeros, state, params, gradient=gradient, **extra_args)
        shares = jax.tree.unflatten(treedef, [share for _, share in made])
        return jax.tree.map(lambda u, d, share: u + (share * d).astype(u.dtype), directions, decays, shares), after

    return Rule(init, update, ("params",), by_leaf=stacked is None and (decay is None or all_by_leaf(decay)))
