"""Rprop."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import zeros_for
from optax_zoo.primitives.statistics import absolute, identity
from optax_zoo.primitives.types import DType, Scalar
from optax_zoo.registry import algorithm


class ResilientState(NamedTuple):
    """State of `resilient_steps`.

    Attributes:
      size: the size of each element's step, a tree of arrays (real, float32 or wider unless told otherwise).
      previous: the signs of the updates of the step before, 0 where these had turned round.
    """

    size: Any
    previous: Any


@primitive
def resilient_steps(
    shrink: Scalar = 0.5,
    grow: Scalar = 1.2,
    *,
    min_size: Scalar = 1e-4,
    max_size: Scalar = 5e3,
    accumulator_dtype: DType = None,
) -> Rule:
    """Replaces each element by its sign times a size that grows while the sign stays, and shrinks where it turns.

    The size is 1 at first. An element whose sign has turned is 0 in this step, and its size stays in the next.

    Args:
      shrink: what the size is multiplied by where the sign has turned, above 0 and below 1.
      grow: what it is multiplied by where the sign is that of the step before, at least 1.
      min_size: the least size, above 0.
      max_size: the largest size, at least min_size.
      accumulator_dtype: dtype of sizes; by default the gradient's, at least float32.

    Returns:
      A transformation with state `ResilientState`. Complex numbers turn where they have a component against the sign
      before.
    """
    _checks.scalar("shrink", shrink, "above 0 and below 1", lambda x: 0 < x < 1)
    _checks.scalar("grow", grow, "at least 1", lambda x: x >= 1)
    _checks.positive("min_size", min_size)
    _checks.positive("max_size", max_size)
    check_accumulator_dtype(accumulator_dtype, scale=False)

    def init(params: Any) -> ResilientState:
        size = jax.tree.map(lambda p: jnp.ones_like(zeros_for(absolute, p, accumulator_dtype)), params)
        return ResilientState(size, jax.tree.map(lambda p: zeros_for(identity, p), params))

    def update(updates: Any, state: ResilientState, params: Any = None, **extra_args: Any) -> Any:
        signs = jax.tree.map(jnp.sign, updates)
        turns = jax.tree.map(lambda sign, before: (sign * before.conj()).real, signs, state.previous)

        def sized(turn: jax.Array, size: jax.Array) -> jax.Array:
            factor = jnp.where(turn > 0, grow, jnp.where(turn < 0, shrink, 1))
            return jnp.clip(factor * size, min_size, max_size).astype(size.dtype)

        size = jax.tree.map(sized, turns, state.size)
        previous = jax.tree.map(lambda turn, sign: jnp.where(turn < 0, 0, sign), turns, signs)
        made = jax.tree.map(lambda sign, size: (sign * size).astype(sign.dtype), previous, size)
        return made, ResilientState(size, previous)

    return Rule(init, update, by_leaf=True)


@algorithm(
    full_name="Rprop: resilient backpropagation",
    paper="Riedmiller and Braun: A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm",
    year=1993,
    url="https://doi.org/10.1109/ICNN.1993.298623",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def rprop(
    learning_rate: ScalarOrSchedule = 1e-2,
    shrink: Scalar = 0.5,
    grow: Scalar = 1.2,
    *,
    min_size: Scalar = 1e-4,
    max_size: Scalar = 5e3,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Rprop: steps against the sign of the gradient, of a size that each element learns from how its sign turns.

    .. math::

        s_t &= \mathrm{clip}(\eta_t s_{t-1}, s_{min}, s_{max}), \qquad s_0 = 1 \\
        p_t &= p_{t-1} - \alpha_t s_t\, \mathrm{sign}(g_t), \quad \eta_t = \eta_+ \qquad
               \text{where } g_t g_{t-1} > 0 \\
        p_t &= p_{t-1}, \quad g_t \leftarrow 0, \quad \eta_t = \eta_- \qquad \text{where } g_t g_{t-1} < 0 \\
        p_t &= p_{t-1} - \alpha_t s_t\, \mathrm{sign}(g_t), \quad \eta_t = 1 \qquad \text{elsewhere}

    Args:
      learning_rate: ... How far each element moves in the first step. Default of PyTorch, like the others.
      shrink: :math:`\eta_-`, above 0 and below 1.
      grow: :math:`\eta_+`, at least 1.
      min_size: the least size of a step, in units of the rate, above 0.
      max_size: the largest size of a step, in units of the rate, above 0.

    State:
      `state["numerator"].size`: s, and `.previous`: the sign of the gradient before, 0 where it had turned, both shaped
      like the parameters. 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.rprop(1e-2)
      pipeline(numerator=resilient_steps(), learning_rate=0.01)

    Claim:
      Use it when gradients are of all the data, not of a batch, and differ in size by orders of magnitude from layer to
      layer: the paper finds that few epochs suffice, whatever the first size is.

    Source:
      M. Riedmiller, H. Braun (1993). This is the form without going back over a step (Rprop- of C. Igel and M. Huesken,
      2000), in which an element that has turned stays where it is, as in PyTorch. There sizes are absolute and start
      from the rate; here they are relative to it, so that the rate may be a schedule: `min_size` is PyTorch's
      `step_sizes[0]` over `lr`. The paper has 0.1 for the first size and 50 for the largest. optax 0.2.8 takes each
      step one call late.
    """
    sizes = resilient_steps(shrink, grow, min_size=min_size, max_size=max_size, accumulator_dtype=accumulator_dtype)
    return pipeline(numerator=sizes, learning_rate=learning_rate)
