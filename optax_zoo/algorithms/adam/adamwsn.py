"""AdamWSN."""

import jax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import debiased, decoupled_decay, ema, optional, root, square
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


def shorter_axis_sum(x: jax.Array) -> jax.Array:
    """The sum of squares along the shorter of the last two axes: one number a row of a high matrix, a column of a wide.

    Of leaves of fewer axes the square of each element.
    """
    if x.ndim < 2:
        return square(x)
    return square(x).sum(axis=-1 if x.shape[-2] >= x.shape[-1] else -2, keepdims=True)


@algorithm(
    variant_of=adam,
    full_name="AdamWSN: AdamW with subset norms",
    paper="Nguyen and Nguyen: Subset-Norm and Subspace-Momentum: Faster Memory-Efficient Adaptive Optimization with "
    "Convergence Guarantees",
    year=2024,
    url="https://arxiv.org/abs/2411.07120",
    example={"learning_rate": 1e-2},
    expected_failures={
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "no_collectives": "rows of a matrix that is split are summed over devices: an all-reduce of as many numbers as "
        "a device has rows",
        "shard_map_sharded": "rows are summed over what a device holds: under jax.shard_map the last two axes of a "
        "leaf must be whole; under jax.jit they may be split",
    },
)
def adamwsn(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-6,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdamWSN: AdamW with one second moment for each row of a matrix, or for each column of a wide one.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) \sum_{j} g_{t,ij}^2 \\
        q_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{(v_t + \epsilon_r) / (1 - \beta_2^t)}
               + \epsilon / \sqrt{1 - \beta_2^t}}, \qquad p_t = q_t - \alpha_t \lambda q_t

    The sum is along the shorter of the last two axes; leaves of fewer axes have a second moment for each element.

    Args:
      learning_rate: ... Default of the authors' code, like the others. Steps of a row of n elements are about as long
        as Adam's over the root of n, so that the rate should be larger.
      eps: added outside the root, which is not corrected for its start.
      weight_decay: the coefficient lambda of decoupled decay, of the parameters that the step has led to, at least 0,
        or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, shaped like the parameters, and `state["denominator"].estimator.value`:
      v, of shape (..., n, 1) or (..., 1, n); `.weight` of each slot: 1 - beta^t (scalar). 4 bytes a parameter.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax_zoo as zoo
      >>> tx = zoo.adamwsn(1e-2)
      >>> tx.slots["denominator"]
      debiased(root(ema(0.999, of=shorter_axis_sum), eps=1e-06))
      >>> tx.init(jnp.ones((768, 64)))["denominator"].estimator.value.shape
      (768, 1)

    Claim:
      Use it when memory is short: second moments take almost none, and the paper's language models learn with it at
      least as fast as with Adam.

    Source:
      T. D. Nguyen, H. L. Nguyen (2024); timmytonga/sn-sm, `adamw_sn.py`, which does so with the matrices that are
      marked, and is Adam for other leaves. Its general form sums over subsets of any size of the flattened leaf, and so
      does pytorch_optimizer, whose recorded cases mark none: they are AdamW. There coupled decay is added to gradients
      that have been used.
    """
    plain = adam(learning_rate, b1, accumulator_dtype=accumulator_dtype)
    sums = ema(b2, of=shorter_axis_sum, accumulator_dtype=accumulator_dtype)
    return plain.replace(
        denominator=debiased(root(sums, eps=eps, eps_root=eps_root)),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
