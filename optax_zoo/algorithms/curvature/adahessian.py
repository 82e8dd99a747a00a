"""AdaHessian."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import debiased, decoupled_decay, ema, of_curvature, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaHessian: Adam with the diagonal of the Hessian in its denominator",
    paper="Yao et al.: ADAHESSIAN: An Adaptive Second Order Optimizer for Machine Learning",
    year=2020,
    url="https://arxiv.org/abs/2006.00719",
    example={"learning_rate": 1e-1},
    claims=("apart", "order", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def adahessian(
    learning_rate: ScalarOrSchedule = 0.15,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-4,
    hessian_power: Scalar = 1.0,
    every: int = 1,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    key: Key | None = None,
) -> Pipeline:
    r"""AdaHessian: averaged gradients over the root of the average squared curvature of each element.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) (z \odot H z)^2 \\
        p_t &= (1 - \alpha_t \lambda) p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}
               {\left( \sqrt{v_t / (1 - \beta_2^t)} + \epsilon \right)^k}

    The product of the Hessian with random signs z is read from `curvature=` of `update`, as `hutchinson(loss, params)`
    makes it of the loss.

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b2: decay of the average squared curvature, in [0, 1), or a function of the number of steps taken.
      hessian_power: k, above 0: below 1 it adapts in part.
      every: how many steps after the other v is renewed, at least 1; its weight is then that of the renewals.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.estimator.value`: v, shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar); `state["denominator"].estimator.count` (int32 scalar) and
      `.key`, raw key data. 8 bytes a parameter.

    Raises:
      TypeError: from `update`, where `curvature=` is missing.
      ValueError: for a number outside its range; from `update`, for a curvature of another tree.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> def loss(p):
      ...     return jnp.sum(jnp.array([1.0, 100.0]) * p**2)
      >>> p, tx = jnp.array([1.0, 1.0]), zoo.adahessian(0.1)
      >>> tx.update(jax.grad(loss)(p), tx.init(p), p, curvature=zoo.hutchinson(loss, p))[0].round(3)
      Array([-0.1, -0.1], dtype=float32)

    Claim:
      Use it when twice the computing is worth steps that adapt to the curvature, and less tuning of the rate.

    Source:
      Z. Yao et al. (2020), algorithm 1, and amirgholami/adahessian, which averages the curvature over the spatial axes
      of convolutions, too; here each element has its own. pytorch_optimizer, which this replays, adds eps to the k-th
      power of the root, and divides v by the weight of as many renewals as there were steps.
    """
    squares = of_curvature(ema(b2, of=square, accumulator_dtype=accumulator_dtype), every=every, key=key)
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=root(debiased(squares), eps=eps, power=hessian_power),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
