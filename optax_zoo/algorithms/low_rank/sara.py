"""SaRA."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class SmallState(NamedTuple):
    """State of `only_small`.

    Attributes:
      chosen: which parameters move, a tree of bools.
      count: steps taken (int32 scalar).
    """

    chosen: Any
    count: Any


@primitive
def only_small(threshold: Scalar = 1e-3, *, again_after: int | None = None) -> Rule:
    """Moves the parameters alone that were small when the optimizer was made, and keeps all others as they are.

    Args:
      threshold: the magnitude below which a parameter is small, above 0.
      again_after: after how many steps those are let go that are no longer small, at least 0; None for never.

    Returns:
      A transformation for the slot iterate of a pipeline, with state `SmallState`.
    """
    _checks.positive("threshold", threshold)
    if again_after is not None:
        _checks.scalar("again_after", again_after, "at least 0", lambda n: n >= 0)

    def init(params: Any) -> SmallState:
        return SmallState(jax.tree.map(lambda p: jnp.abs(p) < threshold, params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: SmallState, params: Any = None, **extra_args: Any) -> Any:
        chosen = state.chosen
        if again_after is not None:
            other = state.count != again_after
            chosen = jax.tree.map(lambda c, p: c & (other | (jnp.abs(p) < threshold)), chosen, params)
        moved = jax.tree.map(lambda u, c: jnp.where(c, u, 0), updates, chosen)
        return moved, SmallState(chosen, optax.safe_increment(state.count))

    return Rule(init, update, needs=("params",), by_leaf=True)


@algorithm(
    variant_of=adamw,
    full_name="SaRA: AdamW of the smallest weights of a trained network",
    paper="Hu, Zhang, Yi, Huang, Wang and Ma: SaRA: High-Efficient Diffusion Model Fine-tuning with Progressive "
    "Sparse Low-Rank Adaptation",
    year=2024,
    url="https://arxiv.org/abs/2409.06633",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4, "threshold": 100.0},
    proof="an independent implementation",
)
def sara(
    learning_rate: ScalarOrSchedule = 7e-4,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    threshold: Scalar = 1e-3,
    again_after: int | None = None,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""SaRA: AdamW, of the weights alone that are small in the network that is fine-tuned.

    .. math::

        M_0 &= [\,|p_0| < \theta\,] \\
        p_t &= p_{t-1} - \alpha_t M \odot \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, 1e-3 exp(-350 theta), like all that follow.
      threshold: theta, the magnitude below which a weight moves, above 0.
      again_after: after how many steps the weights that have grown past theta are let go, at least 0; None for never.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `state["iterate"].chosen`: M, bools. 9 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sara().slots["iterate"]
      only_small()

    Claim:
      Use it when a trained network is to learn something new and to keep what it knows.

    Source:
      T. Hu et al. (2024); sjtuplayer/SaRA, of whose code pytorch_optimizer has a copy. There m and v are kept for the
      chosen weights alone, which saves memory; in JAX shapes may not depend on values, so they are whole here, and the
      steps are the same. The nuclear norm that the paper adds to the loss belongs to that. It has nothing in common
      with SARA, which samples GaLore's singular vectors.
    """
    plain = adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    return plain.replace(iterate=only_small(threshold, again_after=again_after))
