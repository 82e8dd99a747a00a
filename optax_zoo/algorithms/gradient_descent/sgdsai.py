"""SGD-SaI."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import decoupled_decay, ema, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.scale import by_largest
from optax_zoo.primitives.stacked import Stacked, stacked_axes
from optax_zoo.primitives.statistics import identity, leaf_sum, square, statistic_zeros
from optax_zoo.primitives.types import AxisName, Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class FirstRatioState(NamedTuple):
    """State of `scale_by_first_snr`.

    Attributes:
      ratio: what a leaf is multiplied by, a scalar; of stacked layers one each.
      count: steps taken (int32 scalar).
    """

    ratio: Any
    count: Any


@primitive
def scale_by_first_snr(*, eps: Scalar = 1e-8, axis_name: Any = None, stacked: Stacked = None) -> Rule:
    """Multiplies each leaf by the signal-to-noise ratio of its first update, for ever: norm(x) / (std(x) + eps).

    The standard deviation is that of a sample, with n - 1 for n elements. Where it is 0 the leaf is multiplied by
    norm(x). A leaf whose first update is 0 stays 0.

    Args:
      eps: added to the standard deviation.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a ratio of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `FirstRatioState`.
    """
    _checks.non_negative("eps", eps)
    shaped = leaf_sum(square, axis_name, stacked)

    def ratio_of(x: jax.Array, name: AxisName, axes: tuple[int, ...]) -> jax.Array:
        over = Reduction([x], [name], axes, by_largest(Reduction([x], [name], axes)))
        norm, mean = root_of(over.sum(square)), over.mean(identity)
        deviation = root_of(over.sum(lambda x: square(x - mean)) / max(over.count - 1, 1))
        alone, total = deviation == 0, deviation + eps * over.scale
        return norm / jnp.where(alone, over.scale, jnp.where(total == 0, 1, total))

    def init(params: Any) -> FirstRatioState:
        return FirstRatioState(statistic_zeros(shaped, params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: FirstRatioState, params: Any = None, **extra_args: Any) -> Any:
        def first() -> list[jax.Array]:
            leaves, names = jax.tree.leaves(updates), broadcast_axis_names(axis_name, updates)
            return list(map(ratio_of, leaves, names, stacked_axes(stacked, updates)))

        ratios, treedef = jax.tree.flatten(state.ratio)
        ratio = jax.tree.unflatten(treedef, jax.lax.cond(state.count == 0, first, lambda: ratios))
        scaled = jax.tree.map(jnp.multiply, updates, ratio)
        return scaled, FirstRatioState(ratio, optax.safe_increment(state.count))

    return Rule(init, update, by_leaf=axis_name is None and stacked is None)


@algorithm(
    full_name="SGD-SaI: momentum with rates scaled at the start",
    paper="Xu, Xiang, Cai and Wen: No More Adam: Learning Rate Scaling at Initialization is All You Need",
    year=2024,
    url="https://arxiv.org/abs/2412.11768",
    example={"learning_rate": 1e-3},
    claims=("apart", "order"),
    expected_failures={
        "huge_gradients": "it multiplies gradients by their signal-to-noise ratio, above 1, before the rate: the "
        "largest float32 becomes infinite"
    },
    proof="authors' code",
)
def sgdsai(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Decay = 0.9,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""SGD-SaI: averaged momentum, with a rate for each leaf that follows from its first gradient.

    .. math::

        r &= \frac{\|g_1\|}{\mathrm{std}(g_1) + \epsilon} \quad \text{(per leaf)} \\
        m_t &= \mu m_{t-1} + (1 - \mu)\, r g_t, \qquad m_1 = r g_1 \\
        p_t &= p_{t-1} - \alpha_t (m_t + \lambda p_{t-1})

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      decay: mu, in [0, 1), or a function of the number of steps taken.
      eps: added to the standard deviation.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["momentum"].value`: m, shaped like the parameters, `.count`: steps taken (int32 scalar);
      `state["gradient"].ratio`: r, a scalar a leaf, and `.count`. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sgdsai(1e-2, weight_decay=None)
      pipeline(gradient=scale_by_first_snr(), momentum=ema(0.9, seeded='first_step'), learning_rate=0.01)

    Claim:
      Use it when Adam's second average does not fit into memory: the paper reports results near AdamW's for vision
      transformers and language models with half of its state.

    Source:
      M. Xu et al. (2024); AnonymousAlethiometer/SGD_SaI. A leaf whose first gradient is 0 never moves but for its
      decay. Where the standard deviation is 0, as of a single number, the authors' code divides by eps alone, which
      makes a rate 1e8 times too large; this row multiplies by the norm, as an earlier line of theirs, a comment, does.
      So does pytorch_optimizer, for every leaf of one axis, or of length 1 along the first; it starts m from 0, and
      adds coupled decay to a gradient that has been read, unless there is no momentum.
    """
    return pipeline(
        gradient=scale_by_first_snr(eps=eps, axis_name=axis_name, stacked=stacked),
        momentum=ema(decay, seeded="first_step", accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
