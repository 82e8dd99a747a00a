"""Stable-SPAM, and what it does to gradients."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import Part, debiased, decoupled_decay, ema, optional, primitive, restarted, root, square
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.bias_correction import weight_after
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule
from optax_zoo.primitives.sizes import Size, finite_norm
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import absolute, leaf_sum, statistic_zeros
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class StabilizedState(NamedTuple):
    """State of `stabilized`, of which each leaf, or of stacked layers each layer, has numbers.

    Attributes:
      largest: the average largest element.
      norm: the average norm.
      root_mean_square_norm: the root of the average squared norm.
      count: steps taken (int32 scalar).
    """

    largest: Any
    norm: Any
    root_mean_square_norm: Any
    count: Any


@primitive
def stabilized(
    decay: Scalar = 0.999,
    norm_decay: Decay = 0.7,
    square_norm_decay: Scalar = 0.9,
    *,
    eps: Scalar = 1e-8,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Clips elements by the average largest one, and gives each leaf an average norm (Stable-SPAM's AdaClip, AdaGN).

    With M, the average of max(abs(x)) over the steps, elements above M are multiplied by M / max(abs(x)). Then

        u = x / norm(x) * mean(norm(x)) / (sqrt(mean(norm(x)^2)) + eps),

    with means over the steps, too; all three are averages divided by their weight, and count the step itself. A leaf
    without a gradient stays 0. Norms beyond 2^120 (2^1016 in float64) count as that large.

    Args:
      decay: of the average largest element, in [0, 1).
      norm_decay: of the average norm, in [0, 1), or a function of the number of steps taken.
      square_norm_decay: of the average squared norm, in [0, 1).
      eps: added outside the root.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is a leaf of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `StabilizedState`.
    """
    _checks.decay("decay", decay)
    _checks.decay("norm_decay", norm_decay, schedule=True)
    _checks.decay("square_norm_decay", square_norm_decay)
    _checks.non_negative("eps", eps)
    of_leaf = leaf_sum(absolute, axis_name, stacked)
    largest_of, norm_of = (measure_leaves(norm, axis_name, stacked) for norm in ("max", "l2"))

    def init(params: Any) -> StabilizedState:
        largest, norm, root_mean_square_norm = (statistic_zeros(of_leaf, params) for _ in range(3))
        return StabilizedState(largest, norm, root_mean_square_norm, jnp.zeros((), jnp.int32))

    def update(updates: Any, state: StabilizedState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        now = norm_decay(state.count) if callable(norm_decay) else norm_decay

        def averaged(s: jax.Array, x: jax.Array, b: Any) -> jax.Array:
            return (b * s + (1 - b) * x).astype(s.dtype)

        def root_averaged(s: jax.Array, x: jax.Array, b: Any) -> jax.Array:
            return jnp.hypot(jnp.sqrt(b) * s, jnp.sqrt(1 - b) * x).astype(s.dtype)  # squares could overflow

        treedef: Any = jax.tree.structure(updates)
        peaks = treedef.unflatten(size.norm / size.scale for size in largest_of(updates))
        largest = jax.tree.map(lambda s, x: averaged(s, x, decay), state.largest, peaks)
        limits = jax.tree.map(lambda s: s / weight_after(decay, count), largest)

        def clip(x: jax.Array, limit: jax.Array, peak: jax.Array) -> jax.Array:
            return x * jnp.where(jnp.abs(x) > limit, limit / jnp.where(peak > 0, peak, 1), 1)

        sizes = norm_of(jax.tree.map(clip, updates, limits, peaks))
        norms = treedef.unflatten(map(finite_norm, sizes))
        limits, norms = jax.lax.optimization_barrier((limits, norms))  # else XLA keeps what is clipped
        norm = jax.tree.map(lambda s, x: averaged(s, x, now), state.norm, norms)
        squares = jax.tree.map(lambda s, x: root_averaged(s, x, square_norm_decay), state.root_mean_square_norm, norms)

        def rescale(x: jax.Array, size: Size, n: jax.Array, r: jax.Array) -> jax.Array:
            length = n / weight_after(now, count) / (r / jnp.sqrt(weight_after(square_norm_decay, count)) + eps)
            vanishes = size.norm < size.least
            return x * jnp.where(vanishes, 0, size.scale) / jnp.where(vanishes, 1, size.norm) * length

        clipped = jax.tree.map(clip, updates, limits, peaks)
        u = jax.tree.map(rescale, clipped, treedef.unflatten(sizes), norm, squares)
        return u, StabilizedState(largest, norm, squares, count)

    return Rule(init, update, by_leaf=axis_name is None and stacked is None)


@algorithm(
    variant_of=adam,
    full_name="Stable-SPAM: Adam on gradients of steady size, with momentum reset",
    paper="Huang, Hu, Zhang, Jin, Li, Shen, Chen, Liu, Wen, Wang and Liu: Stable-SPAM: How to Train in 4-Bit More "
    "Stably than 16-Bit Adam",
    year=2025,
    url="https://arxiv.org/abs/2502.17055",
    proof="an independent implementation",
)
def stable_spam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    gamma1: Decay = 0.7,
    gamma2: Scalar = 0.9,
    theta: Scalar = 0.999,
    restart_every: Scalar = 1000,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Stable-SPAM: Adam on gradients that are clipped and rescaled by what they were on average; with restarts.

    Per leaf, with averages divided by their weight, which are marked by a hat:

    .. math::

        M_t &= \theta M_{t-1} + (1 - \theta) \max |g_t|, \qquad
               \tilde g_t = g_t \hat M_t / \max |g_t| \text{ where } |g_t| > \hat M_t \\
        n_t &= \gamma_1 n_{t-1} + (1 - \gamma_1) \|\tilde g_t\|, \qquad
               s_t = \gamma_2 s_{t-1} + (1 - \gamma_2) \|\tilde g_t\|^2, \qquad
               c_t = \frac{\tilde g_t}{\|\tilde g_t\|} \frac{\hat n_t}{\sqrt{\hat s_t} + \epsilon} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) c_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) c_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon} + \lambda p_{t-1} \right)

    m and v, and their weights, start anew at each step whose number is a multiple of T.

    Args:
      learning_rate: ... Default of the authors' code, like all that follow.
      gamma1: decay of the average norm, in [0, 1), or a function of the number of steps taken.
      gamma2: decay of the average squared norm, in [0, 1).
      theta: decay of the average largest element, in [0, 1).
      restart_every: T, after how many steps m and v are forgotten, at least 1.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["gradient"].largest`: M, `.norm`: n, and `.root_mean_square_norm`: the root of s, a scalar a leaf;
      `state["numerator"].estimator.estimator.value`: m, and `state["denominator"].estimator.estimator.value`: v, both
      shaped like the parameters; `.estimator.weight` of both slots (scalar); `.count`: steps taken (int32 scalars).
      8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.stable_spam(1e-3).slots["gradient"], zoo.stable_spam(1e-3).slots["numerator"]
      (stabilized(), restarted(debiased(ema(0.9)), 1000))

    Claim:
      Use it when you train a language model in four bits or another low precision, and its gradients are unstable.

    Source:
      T. Huang et al. (2025). In the authors' code, TianjinYellow/StableSPAM, the step of a restart divides the averages
      of before by the weight that they would have after one step, which makes it up to ten times as long, and the
      weights of the clip start anew as well, which then clips nothing for long; here, as in pytorch_optimizer 4.1.0,
      whose trajectories are replayed, the step of a restart is the first of the new averages, and the clip goes on.
      There a leaf whose gradient is all 0 is left out of the step, and its averages stay; here they decay, as the
      authors' do. For the authors' `total_T`, b1 and gamma1 are functions of the step.
    """

    def average(decay: Decay, **of: Any) -> Part:
        return debiased(ema(decay, accumulator_dtype=accumulator_dtype, **of))

    return adam(learning_rate).replace(
        gradient=stabilized(theta, gamma1, gamma2, eps=eps, axis_name=axis_name, stacked=stacked),
        numerator=restarted(average(b1), restart_every),
        denominator=restarted(root(average(b2, of=square), eps=eps), restart_every),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
