"""AdaDelta."""

from typing import Any, NamedTuple

import jax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import Rule, coupled_decay, optional, primitive, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift, like, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class AdadeltaState(NamedTuple):
    """State of AdaDelta's stage.

    Attributes:
      gradient: average squared gradient v, a tree like the parameters.
      update: average squared update u, a tree like the parameters.
    """

    gradient: Any
    update: Any


@primitive
def match_units(decay: Scalar, *, eps: Scalar = 1e-6, accumulator_dtype: DType = None) -> Rule:
    """AdaDelta's stage: gradients brought to the root mean square of past updates, which has the parameters' units.

    v <- decay v + (1 - decay) g^2,  x = sqrt((u + eps) / (v + eps)) g,  u <- decay u + (1 - decay) x^2.

    Both averages are in one stage because the update needs u from before it; it is written in terms of the new u.

    Args:
      decay: of both averages, in [0, 1).
      eps: added inside both roots.
      accumulator_dtype: dtype of u and v; by default the gradient's, at least float32.

    Returns:
      A transformation with state `AdadeltaState`.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)
    check_accumulator_dtype(accumulator_dtype)

    def init(params: Any) -> AdadeltaState:
        def zeros() -> Any:
            return jax.tree.map(lambda p: zeros_for(square, p, accumulator_dtype), params)

        return AdadeltaState(zeros(), zeros())

    def update(updates: Any, state: AdadeltaState, params: Any = None, **extra_args: Any) -> Any:
        lifted = jax.tree.map(lambda g: bounded(lift(g)), updates)

        def average_gradient(g: jax.Array, v: jax.Array) -> jax.Array:
            return (decay * v + (1 - decay) * square(g)).astype(v.dtype)

        def average_update(g: jax.Array, u: jax.Array, v: jax.Array) -> jax.Array:
            return (decay * u + (1 - decay) * ((u + eps) * (square(g) / (v + eps)))).astype(u.dtype)

        def scaled(x: Any, g: jax.Array, new_u: jax.Array, v: jax.Array) -> jax.Array:
            # (u + eps) / (v + eps) in terms of the new u: XLA copies a buffer that is read after it was overwritten.
            # Two roots, as the quotient of a small u and a huge v would be 0.
            of_gradient = root_of(decay * (v + eps) + (1 - decay) * square(g))
            return like(root_of(new_u + decay * eps) / of_gradient * g, x)

        gradient = jax.tree.map(average_gradient, lifted, state.gradient)
        update = jax.tree.map(average_update, lifted, state.update, gradient)
        return jax.tree.map(scaled, updates, lifted, update, gradient), AdadeltaState(gradient, update)

    return Rule(init, update, by_leaf=True)


@algorithm(
    full_name="AdaDelta",
    paper="Zeiler: ADADELTA: An Adaptive Learning Rate Method",
    year=2012,
    url="https://arxiv.org/abs/1212.5701",
    example={"learning_rate": 0.1},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def adadelta(
    learning_rate: ScalarOrSchedule = 1.0,
    rho: Scalar = 0.95,
    *,
    eps: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaDelta: gradients times the root mean square of past updates over that of gradients.

    .. math::

        v_t &= \rho v_{t-1} + (1 - \rho) g_t^2 \\
        x_t &= \frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}} g_t, \qquad
               u_t = \rho u_{t-1} + (1 - \rho) x_t^2 \\
        p_t &= p_{t-1} - \alpha_t x_t

    Args:
      learning_rate: the rate alpha, at least 0, or a schedule; the paper has none, that is 1.
      rho: decay of both averages, in [0, 1). Default of the paper, like eps (PyTorch has 0.9).
      eps: added inside both roots; it sets the size of the first updates.

    State:
      `state["rescale"].gradient`: v, and `.update`: u, both shaped like the parameters. 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adadelta()
      pipeline(rescale=match_units(0.95), learning_rate=1)

    Claim:
      Use it when no learning rate is to be tuned by hand, and gradients are noisy.

    Source:
      M. D. Zeiler (2012). Agrees with PyTorch, Keras (eps 1e-7) and Chainer. The learning rate of optax's form is
      None by default, which ascends.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        rescale=match_units(rho, eps=eps, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
    )
