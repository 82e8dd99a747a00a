"""CAME."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.algorithms.adaptive.adafactor import OF_ROWS, adafactor
from optax_zoo.parts import Rule, clip_by_norm, decoupled_decay, ema, factored, in_series, optional, primitive, root
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.part import all_by_leaf, needs_of, update_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, is_of_leaf, stacked_axes
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class ConfidenceState(NamedTuple):
    """State of `scale_by_confidence`: the states of its two estimators."""

    average: Any
    instability: Any


@primitive
def scale_by_confidence(
    average: optax.GradientTransformation, instability: optax.GradientTransformation, *, stacked: Stacked = None
) -> Rule:
    """An average of updates, in matrices over an estimate of what they differ by from it: m / instability(u - m).

    So steps are longer where updates agree with those before them. Leaves of fewer than two axes get the average.

    Args:
      average: makes m of the updates u: `ema(0.9)`.
      instability: an estimate of the scale of u - m, with m as it is after this step:
        `root(factored(ema(0.9999)), eps=0.0)`. Leaves of fewer than two axes are to it a single 0.
      stacked: which axes of a leaf stack layers, and do not count; see `normalize_by_norm`.

    Returns:
      A transformation with state `ConfidenceState`.

    Raises:
      ValueError: if `stacked` gives a leaf axes that it does not have.
    """
    check_stacked(stacked)
    update_average, update_instability = update_of(average), update_of(instability)

    def are_matrices(tree: Any) -> Any:
        axes = zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        return jax.tree.unflatten(jax.tree.structure(tree), [jnp.ndim(x) - len(kept) > 1 for x, kept in axes])

    def of_matrices(tree: Any) -> Any:
        return jax.tree.map(
            lambda whole, x: x if whole else jnp.zeros((1,) * jnp.ndim(x), jnp.result_type(x)), are_matrices(tree), tree
        )

    def init(params: Any) -> ConfidenceState:
        return ConfidenceState(average.init(params), instability.init(of_matrices(params)))

    def update(updates: Any, state: ConfidenceState, params: Any = None, **extra_args: Any) -> Any:
        m, of_average = update_average(updates, state.average, params, **extra_args)
        unforeseen = of_matrices(jax.tree.map(jnp.subtract, updates, m))
        scale, of_scale = update_instability(unforeseen, state.instability, **extra_args | {"unit": 1})
        directions = jax.tree.map(lambda whole, m, s: m / s if whole else m, are_matrices(updates), m, scale)
        return directions, ConfidenceState(of_average, of_scale)

    by_leaf = is_of_leaf(stacked) and all_by_leaf(average, instability)
    return Rule(init, update, needs_of(average, instability), by_leaf=by_leaf)


@algorithm(
    variant_of=adafactor,
    full_name="CAME: confidence-guided adaptive memory-efficient optimization",
    paper="Luo et al.: CAME: Confidence-guided Adaptive Memory Efficient Optimization",
    year=2023,
    url="https://arxiv.org/abs/2307.02047",
    claims=("apart", "order", "scale", "sign"),
    expected_failures={**OF_ROWS, "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def came(
    learning_rate: ScalarOrSchedule = 2e-4,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay = 0.9999,
    *,
    eps: Scalar = 1e-30,
    eps_instability: Scalar = 1e-16,
    clip_threshold: Scalar | None = 1.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""CAME: Adafactor's directions, averaged, and longer where they agree with their average.

    .. math::

        u_t &= \frac{g_t}{\sqrt{\mathrm{factored}_{\beta_2}(g^2 + \epsilon)_t}}, \qquad
        \hat u_t = \frac{u_t}{\max(1, \text{rms}(u_t) / d)}, \qquad
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) \hat u_t \\
        S_t &= \mathrm{factored}_{\beta_3}((\hat u - m)^2 + \epsilon_s)_t, \qquad
        p_t = (1 - \alpha_t \lambda) p_{t-1} - \alpha_t \frac{m_t}{\sqrt{S_t}}

    :math:`\mathrm{factored}_\beta` is the product of averages over rows and over columns, see `adafactor`; none is
    divided by its weight. In leaves of fewer than two axes there is no S, and steps are along m.

    Args:
      learning_rate: ... Default of the authors' examples; the others are those of their code.
      b1: decay of the average direction, in [0, 1), or a function of the number of steps taken.
      b2: decay of the averages of squared gradients, in [0, 1), or a function of the number of steps taken.
      b3: decay of the averages of squared differences, in [0, 1), or a function of the number of steps taken.
      eps: added to the squares of gradients.
      eps_instability: added to the squares of differences.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["denominator"].value.rows` and `.columns`: those of the squared gradients, and of the squared differences
      `state["momentum"]["confidence"].instability.value`, shaped as in `adafactor`; `.average.value`: m, shaped like
      the parameters. 4.02 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.came(clip_threshold=None).slots["momentum"]
      scale_by_confidence(ema(0.9), root(factored(ema(0.9999), eps=1e-16), eps=0))

    Claim:
      Use it when Adafactor's memory is wanted, and Adam's training.

    Source:
      Y. Luo et al. (2023), algorithm 2, and yangluo7/CAME, where vectors are left without S, which the paper does not
      say. Without a bias correction the first steps are long: S starts from 1e-4 of a squared difference, so that a
      matrix moves by 11 times the rate. pytorch_optimizer agrees; with its `ams_bound` it takes the root of the largest
      root, and multiplies by that of b2.
    """
    directions = factored(ema(b2, accumulator_dtype=accumulator_dtype), eps=eps, stacked=stacked)
    spread = factored(ema(b3, accumulator_dtype=accumulator_dtype), eps=eps_instability, stacked=stacked)
    clip = None if clip_threshold is None else clip_by_norm("avg_l2", clip_threshold, eps=0.0, stacked=stacked)
    confidence = scale_by_confidence(
        ema(b1, accumulator_dtype=accumulator_dtype), root(spread, eps=0.0), stacked=stacked
    )
    return pipeline(
        denominator=root(directions, eps=0.0),
        momentum=in_series(clip=clip, confidence=confidence),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
