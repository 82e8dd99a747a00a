"""Mechanic: how long steps are to be is learnt beside the optimizer that makes them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.distances import norms_of, product_of
from optax_zoo.primitives.iterates import own
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, scalar_dtype
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.types import Scalar


class MechanicState(NamedTuple):
    """State of `mechanic_steps`. The vectors have an entry for each decay.

    Attributes:
      scales: s, whose sum steps are multiplied by.
      reward: the average products r.
      largest: the largest recent product m.
      squares: the average squared product v.
      start: the first parameters, a tree like these, float32 or wider.
    """

    scales: jax.Array
    reward: jax.Array
    largest: jax.Array
    squares: jax.Array
    start: Any


@primitive
def mechanic_steps(
    weight_decay: Scalar = 1e-2,
    *,
    eps: Scalar = 1e-8,
    s_init: Scalar = 1e-6,
    betas: Sequence[float] = (0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999),
    axis_name: Any = None,
) -> Rule:
    r"""Mechanic: parameters are the start and the sum of all steps, times a scale that is learnt from the gradients.

    With the finished step u, the sum :math:`\Delta` of the steps so far, and for each of n decays :math:`\beta_i`

    .. math::

        \Delta_{t-1} &= \frac{p_0 - p_{t-1}}{S_{t-1} + \epsilon}, \qquad S = \sum_i s_i, \qquad
        h_t = \left\langle g_t + \lambda S_{t-1} \frac{\|g_t\|}{\|p_{t-1}\| + \epsilon} p_{t-1}, \Delta_{t-1}
              \right\rangle \\
        r_t &= \beta r_{t-1} + s_{t-1} \mathrm{clip}(h_t, -m_{t-1}, m_{t-1}), \qquad
        m_t = \max(\beta m_{t-1}, |h_t| + \epsilon), \qquad v_t = \beta^2 v_{t-1} + h_t^2 \\
        s_t &= \frac{m_t s_{init} / n + \max(r_t, 0)}{\sqrt{v_t} + \epsilon}, \qquad
        p_t = p_0 - S_t (\Delta_{t-1} - u_t)

    Args:
      weight_decay: lambda, at least 0, which draws the scale to 0.
      eps: epsilon.
      s_init: the first scale, above 0.
      betas: the decays, each in [0, 1).
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.

    Returns:
      A transformation of finished steps that needs the parameters and the gradient, for the slot iterate, with state
      `MechanicState`. The gradient is that which left the slot gradient.

    Raises:
      ValueError: for a number outside its range.

    Source:
      A. Cutkosky, A. Defazio, H. Mehta (2023): Mechanic: A Learning Rate Tuner; the form in optax.contrib.
    """
    _checks.non_negative("weight_decay", weight_decay)
    _checks.non_negative("eps", eps)
    _checks.positive("s_init", s_init)
    for beta in betas:
        _checks.decay("betas", beta)

    def init(params: Any) -> MechanicState:
        scales = jnp.full(len(betas), s_init, scalar_dtype(params))
        reward, largest, squares = (jnp.zeros_like(scales) for _ in range(3))
        return MechanicState(scales, reward, largest, squares, own(params))

    def learnt(h: Any, state: MechanicState) -> MechanicState:
        decays = jnp.asarray(betas, state.scales.dtype)
        largest = jnp.maximum(decays * state.largest, jnp.abs(h) + eps)
        squares = decays**2 * state.squares + h**2
        reward = decays * state.reward + jnp.clip(h, -state.largest, state.largest) * state.scales
        scales = (s_init / len(betas) * largest + jnp.maximum(reward, 0)) / (root_of(squares) + eps)
        return MechanicState(scales, reward, largest, squares, state.start)

    def update(
        updates: Any, state: MechanicState, params: Any = None, *, gradient: Any = None, **extra_args: Any
    ) -> Any:
        if gradient is None:
            raise TypeError("mechanic_steps needs the gradient, which a pipeline hands on: put it in the slot iterate.")
        before = jnp.sum(state.scales)
        back = jax.tree.map(lambda start, p: (start - lift(p)) / (before + eps), state.start, params)
        norms = [bounded(norms_of(tree, "tree", axis_name)) for tree in (gradient, params)]
        pull = weight_decay * before * norms[0] / (norms[1] + eps)
        h = product_of(gradient, back, axis_name) + pull * product_of(params, back, axis_name)
        after = learnt(bounded(h), state)
        scale = jnp.sum(after.scales)

        def step(u: jax.Array, start: jax.Array, p: Any, back: jax.Array) -> jax.Array:
            return (start - lift(p) - scale * (back - u)).astype(u.dtype)

        return jax.tree.map(step, updates, state.start, params, back), after

    return Rule(init, update, ("params",))
