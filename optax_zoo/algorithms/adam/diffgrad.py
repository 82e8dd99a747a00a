"""diffGrad."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import Rule, difference, primitive
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.difference import written_after
from optax_zoo.primitives.part import all_by_leaf, needs_of, update_of
from optax_zoo.primitives.trees import leaves_beside
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@primitive
def friction(change: optax.GradientTransformation) -> Rule:
    """Multiplies updates by diffGrad's coefficient of friction, 1 / (1 + exp(-abs(c))), c the change of the gradient.

    So elements whose gradients stand still, as near a minimum, move half as far. In a pipeline the gradient is handed
    on as it left the gradient slot; elsewhere it is an argument of `update`.

    Args:
      change: what is made of the gradient to find c: `difference()`.

    Returns:
      A transformation with the state of the one inside.

    Raises:
      TypeError: from `update` without the gradient.
    """
    update_change = update_of(change)

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        if gradient is None:
            raise TypeError(
                "friction needs the gradient: put it into a slot of a pipeline, or call update(updates, state, params, "
                "gradient=...)."
            )
        beside = jax.tree.unflatten(jax.tree.structure(updates), leaves_beside(updates, gradient))
        changes, after = update_change(beside, state, params, gradient=gradient, **extra_args)
        shares = jax.tree.map(lambda c: jax.nn.sigmoid(jnp.abs(c)), changes)
        return jax.tree.map(jnp.multiply, updates, shares), written_after(after, shares)

    return Rule(change.init, update, needs_of(change), by_leaf=all_by_leaf(change))


@algorithm(
    variant_of=adam,
    full_name="diffGrad: Adam with friction where gradients stand still",
    paper="Dubey et al.: diffGrad: An Optimization Method for Convolutional Neural Networks",
    year=2019,
    url="https://arxiv.org/abs/1909.11015",
    claims=("apart", "order", "rest", "sign"),
)
def diffgrad(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""diffGrad: Adam whose step is shorter, down to half, where the gradient is as in the step before.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
               \xi_t = \frac{1}{1 + \exp(-|g_t - g_{t-1}|)}, \quad g_0 = 0 \\
        p_t &= p_{t-1} - \alpha_t \frac{\xi_t m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r}
               + \epsilon}

    Args:
      learning_rate: ... Default of the authors' code, like the others.

    State:
      As `adam`; `state["rescale"].previous`: the gradient of the step before, shaped like the parameters. 12 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.diffgrad(1e-3).slots["rescale"]
      friction(difference(seeded=None))

    Claim:
      Use it when Adam overshoots minima: the paper's convolutional networks classify images better with the friction.

    Source:
      S. R. Dubey et al. (2019). The coefficient lies between 0.5 and 1, and depends on the size of gradients: those
      that are small everywhere halve every step. The recorded implementations add eps to the uncorrected root, which
      is `denominator=debiased(root(ema(0.999, of=square)))`; pytorch_optimizer takes the root of v + 1e-15.
    """
    plain = adam(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    return plain.replace(rescale=friction(difference(seeded=None, accumulator_dtype=accumulator_dtype)))
