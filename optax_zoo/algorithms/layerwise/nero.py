"""Nero."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, OF_EACH_OUTPUT
from optax_zoo.parts import Rule, debiased, each_output, ema, leaf_sum, primitive, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.precision import lift, scalar_dtype
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import Decay, DType, Scalar
from optax_zoo.registry import algorithm

ON_A_SPHERE = "the weights of an output stay centred and of the norm 1, which the solution is not"


class BalancedState(NamedTuple):
    """State of `balanced`.

    Attributes:
      scale: the mean norm of the first weights of an output, a scalar a leaf.
      count: steps taken (int32 scalar).
    """

    scale: Any
    count: Any


@primitive
def balanced(*, constrain: bool = True, eps: Scalar = 1e-8, outputs: Outputs = "last") -> Rule:
    r"""Steps in proportion to the first weights of an output, after which these are centred and have the norm 1.

    .. math::

        p \leftarrow \mathrm{balance}(p + \sigma u), \qquad
        \mathrm{balance}(w) = \frac{w - \mathrm{mean}(w)}{\|w - \mathrm{mean}(w)\| + \epsilon}
        \quad \text{(the weights } w \text{ of each output)}

    The first step balances the parameters before it, too. In leaves of less than two axes each element is an output,
    and nothing is balanced.

    Args:
      constrain: whether the weights are balanced.
      eps: added to their norm.
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.

    Returns:
      A transformation of finished steps that needs the parameters, for the slot iterate, with state `BalancedState`.

    Raises:
      ValueError: for a number outside its range.
    """
    _checks.non_negative("eps", eps)
    of_each = each_output(outputs)

    def norms(x: jax.Array) -> jax.Array:
        return root_of(Reduction([x], [None], of_each((), x)).sum(square))

    def balance(x: jax.Array) -> jax.Array:
        if not constrain or x.ndim < 2:
            return x
        centred = x - Reduction([x], [None], of_each((), x)).mean(identity)
        total = norms(centred) + eps
        return centred / jnp.where(total == 0, 1, total)

    def init(params: Any) -> BalancedState:
        def scale(p: Any) -> jax.Array:
            mean = jnp.mean(norms(balance(lift(p))))
            return jnp.where(mean == 0, 0.01, mean).astype(scalar_dtype(p))

        return BalancedState(jax.tree.map(scale, params), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: BalancedState, params: Any = None, **extra_args: Any) -> Any:
        def step(u: jax.Array, scale: jax.Array, p: Any) -> jax.Array:
            start = jnp.where(state.count == 0, balance(lift(p)), lift(p))
            return (balance(start + scale * u) - lift(p)).astype(u.dtype)

        steps = jax.tree.map(step, updates, state.scale, params)
        return steps, BalancedState(state.scale, optax.safe_increment(state.count))

    return Rule(init, update, ("params",), by_leaf=True)


@algorithm(
    full_name="Nero: neuronal rotator",
    paper="Liu, Bernstein, Meister and Yue: Learning by Turning: Neural Architecture Aware Optimisation",
    year=2021,
    url="https://arxiv.org/abs/2102.07227",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "scale"),
    expected_failures={
        "shard_map_sharded": OF_EACH_OUTPUT,
        "no_collectives": OF_EACH_OUTPUT,
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "vmap_over_learning_rates": "its update is the difference of two points of a sphere, and rounded like these",
        "matrix_parabola": ON_A_SPHERE,
        "vector_and_matrix": ON_A_SPHERE,
    },
    proof="authors' code",
)
def nero(
    learning_rate: ScalarOrSchedule = 1e-2,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    constraints: bool = True,
    outputs: Outputs = "last",
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Nero: the weights of each neuron turn by an angle, and stay centred and of the norm 1.

    .. math::

        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \|g_t\|^2 \quad \text{(of each output)} \\
        q_t &= p_{t-1} - \alpha_t \sigma \frac{g_t}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}, \qquad
        p_t = \frac{q_t - \mathrm{mean}(q_t)}{\|q_t - \mathrm{mean}(q_t)\| + \epsilon}

    p is balanced so before the first step, too; :math:`\sigma` is the mean norm of an output's weights then, 0.01 where
    that is 0. In leaves of less than two axes each element is an output, and p is q.

    Args:
      learning_rate: ... It is about the angle in radians. Default of the authors' code, like b2.
      b2: decay of the average squared norm, in [0, 1), or a function of the number of steps taken.
      eps: added to norms; the authors have none, and where a norm is 0 nothing moves.
      constraints: whether weights are centred and have the norm 1.
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.

    State:
      `state["denominator"].estimator.value`: v, a number for each output; `state["iterate"].scale`: sigma, a scalar a
      leaf. 0 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.nero().slots["denominator"]
      root(debiased(ema(0.999, of=leaf_sum(square, stacked=each_output('last')))))

    Claim:
      Use it when a network is to train with little or no tuning of the rate, and with little memory.

    Source:
      Y. Liu, J. Bernstein, M. Meister, Y. Yue (2021), jxbz/nero, where the optimizer balances the weights as it is
      made; here the first step does, because an optimizer of optax sees no parameters but then. pytorch_optimizer adds
      eps to the norms, as here, and balances at its first step, with a gradient from before it.
    """
    norms = ema(b2, of=leaf_sum(square, stacked=each_output(outputs)), accumulator_dtype=accumulator_dtype)
    return pipeline(
        denominator=root(debiased(norms), eps=eps, still=_checks.is_absent(eps)),
        learning_rate=learning_rate,
        iterate=balanced(constrain=constraints, eps=eps, outputs=outputs),
    )
