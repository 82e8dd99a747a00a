"""Apollo, the quasi-Newton method."""

from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import coupled_decay, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.bias_correction import weight_after
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.statistics import absolute, identity, square
from optax_zoo.primitives.types import AxisName, Decay, Mask, Scalar
from optax_zoo.registry import algorithm

Rebound: TypeAlias = Scalar | Literal["belief"]


class QuasiNewtonState(NamedTuple):
    """State of `quasi_newton`: trees like the parameters, and the count.

    Attributes:
      average: m, the average gradient.
      curvature: B, the diagonal that stands for the Hessian.
      direction: d, what was returned last.
      count: steps taken (int32 scalar).
    """

    average: Any
    curvature: Any
    direction: Any
    count: Any


@primitive
def quasi_newton(
    decay: Scalar = 0.9,
    *,
    rebound: Rebound = 0.01,
    eps: Scalar = 1e-4,
    weight_decay: Scalar | None = None,
    relative_decay: bool = False,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    r"""The average gradient over a diagonal that meets the secant equation along the last direction (Apollo).

    .. math::

        a &= \frac{1 - \beta}{1 - \beta^t}, \qquad y = g - m, \qquad m \leftarrow m + a y, \qquad
             v = \frac{d}{\|d\|_4 + \epsilon} \\
        B &\leftarrow B - \left( \frac{a \, y^T v}{\|d\|_4 + \epsilon} + v^T B v \right) v^2, \qquad
             d \leftarrow \frac{m}{\max(|B|, \sigma)} + \lambda p

    Args:
      decay: beta, in [0, 1).
      rebound: sigma, above 0, the least curvature; "belief" for the largest size of y in the leaf, plus eps / a.
      eps: added, over sigma, to the norm of the last direction; as it is with "belief".
      weight_decay: lambda, of a decay that is part of the direction, at least 0; None or 0 for none.
      relative_decay: whether lambda is divided by the mean of what m is divided by.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has sums of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `QuasiNewtonState`.

    Source:
      X. Ma (2020): Apollo: An Adaptive Parameter-wise Diagonal Quasi-Newton Method for Nonconvex Stochastic
      Optimization.
    """
    _checks.decay("decay", decay)
    least: Any = rebound
    weight: Any = weight_decay
    by_belief = isinstance(rebound, str)
    if by_belief:
        _checks.one_of("rebound", rebound, ["belief"])
    else:
        _checks.positive("rebound", least)
    _checks.non_negative("eps", eps)
    check_stacked(stacked)
    decays = not _checks.is_absent(weight_decay)
    if decays:
        _checks.non_negative("weight_decay", weight_decay)

    def init(params: Any) -> QuasiNewtonState:
        def zeros() -> Any:
            return jax.tree.map(lambda p: jnp.zeros_like(lift(p)), params)

        return QuasiNewtonState(zeros(), zeros(), zeros(), jnp.zeros((), jnp.int32))

    def of_leaf(own: tuple[Any, ...], a: jax.Array, name: AxisName, axes: tuple[int, ...]) -> tuple[jax.Array, ...]:
        g, m, b, d, p = own

        def over(x: jax.Array) -> Reduction:
            return Reduction([x], [name], axes)

        change = bounded(g) - m
        m = m + a * change
        norm = _norm_of_four(over(d), d) + (eps if by_belief else eps / least)
        still = norm == 0
        v = d / jnp.where(still, 1, norm)
        along = over((change * v.conj()).real / jnp.where(still, 1, norm)).sum(identity)
        v_square = square(v)
        b = b - (a * along + over(b * v_square).sum(identity)) * v_square
        curvature = jnp.maximum(jnp.abs(b), over(change).max(absolute) if by_belief else least)
        if by_belief:
            curvature = curvature + eps / a
        d = m / jnp.where(curvature == 0, 1, curvature)
        if decays:
            d = d + weight / (over(curvature).mean(identity) if relative_decay else 1) * p
        return m, b, d

    def update(updates: Any, state: QuasiNewtonState, params: Any = None, **extra_args: Any) -> Any:
        count: Any = optax.safe_increment(state.count)
        treedef: Any = jax.tree.structure(updates)
        trees = (updates, *state[:3], params if decays else updates)
        columns = [treedef.flatten_up_to(tree) for tree in trees]
        a = (1 - decay) / weight_after(decay, count)
        names, layers = broadcast_axis_names(axis_name, updates), stacked_axes(stacked, updates)
        of_leaves = zip(zip(*columns, strict=True), names, layers, strict=True)
        done = [of_leaf(own, a, name, axes) for own, name, axes in of_leaves]
        m, b, d = (treedef.unflatten(column) for column in (zip(*done, strict=True) if done else ((), (), ())))
        return d, QuasiNewtonState(m, b, jax.tree.map(jnp.copy, d), count)

    needs = ("params",) if decays else ()
    return Rule(init, update, needs, by_leaf=axis_name is None and stacked is None)


def _norm_of_four(over: Reduction, d: jax.Array) -> jax.Array:
    """The 4-norm, of numbers whose powers may be too large."""
    largest = jax.lax.stop_gradient(over.max(absolute))
    scale = jnp.where(largest > 0, largest, 1)
    of_scaled = over.sum(lambda x: square(square(x / scale)))
    return scale * root_of(root_of(of_scaled))


@algorithm(
    full_name="Apollo: a diagonal quasi-Newton method of Ma",
    paper="Ma: Apollo: An Adaptive Parameter-wise Diagonal Quasi-Newton Method for Nonconvex Stochastic Optimization",
    year=2020,
    url="https://arxiv.org/abs/2009.13586",
    example={"learning_rate": 1e-4},
    claims=("apart", "order", "sign"),
    proof="an independent implementation",
    also_called=("apollo_quasi_newton",),
)
def apollo_dqn(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Scalar = 0.9,
    *,
    rebound: Rebound = 0.01,
    eps: Scalar = 1e-4,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Apollo: the average gradient over a diagonal that meets the secant equation along the last direction.

    .. math::

        a_t &= \frac{1 - \beta_1}{1 - \beta_1^t}, \qquad y_t = g_t - m_{t-1}, \qquad m_t = m_{t-1} + a_t y_t, \qquad
               n_t = \|d_{t-1}\|_4 + \epsilon / \sigma, \qquad v_t = d_{t-1} / n_t \\
        B_t &= B_{t-1} - \left( a_t \, y_t^T v_t / n_t + v_t^T B_{t-1} v_t \right) v_t^2, \qquad
               d_t = \frac{m_t}{\max(|B_t|, \sigma)}, \qquad p_t = p_{t-1} - \alpha_t d_t

    of each leaf by itself. A rate that warms up is recommended: `optax.linear_schedule`.

    Args:
      learning_rate: ... Default of pytorch_optimizer, like all that follow.
      b1: beta_1, of the average gradient, in [0, 1).
      rebound: sigma, above 0, the least curvature; "belief" for the largest size of the change y of a leaf's gradient.
      eps: added to the norm of the last direction, over sigma.
      stacked: which axes of a leaf stack layers, each of which has sums of its own; see `normalize_by_norm`.

    State:
      `state["numerator"].average`: m, `.curvature`: B, and `.direction`: d, all shaped like the parameters; `.count`:
      steps taken. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.apollo_dqn().slots["numerator"]
      quasi_newton()

    Claim:
      Use it when curvature differs between parameters, and a method of second order is to cost as much as Adam.

    Source:
      X. Ma (2020); XuezheMax/apollo, of which pytorch_optimizer (ApolloDQN) and torch_optimizer (Apollo) have versions.
      The latter is the first published: sigma is 1 there, and eps is not divided by it. A sigma of 0.01 and a rate of
      1 % of that are the same but for eps. No kin of `apollo`.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=quasi_newton(b1, rebound=rebound, eps=eps, axis_name=axis_name, stacked=stacked),
        learning_rate=learning_rate,
    )
