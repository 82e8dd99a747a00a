"""Sophia: with sampled labels, and with Hutchinson's estimate."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import clip_by_value, decoupled_decay, ema, of_curvature, optional, root, scaled, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Sophia-G: clipped steps over a curvature from sampled labels",
    paper="Liu et al.: Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training",
    year=2023,
    url="https://arxiv.org/abs/2305.14342",
    example={"learning_rate": 1e-2, "batch_size": 64, "weight_decay": None},
    claims=("apart", "order", "sign"),
    expected_failures={
        "rosenbrock": "its curvature is a square, here of products with the Hessian: steps are short where it is steep"
    },
    proof="authors' code",
    also_called=("sophia",),
)
def sophia_g(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.965,
    b2: Decay = 0.99,
    *,
    rho: Scalar = 0.04,
    batch_size: Scalar = 5120,
    every: int = 10,
    eps: Scalar = 1e-15,
    weight_decay: Decay | None = 0.1,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    key: Key | None = None,
) -> Pipeline:
    r"""Sophia-G: averaged gradients over squared ones for labels that the model itself would give, clipped to +-1.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        h_t = \beta_2 h_{t-1} + (1 - \beta_2) \hat g_t^2 \quad \text{(every k steps, else } h_{t-1} \text{)} \\
        p_t &= (1 - \alpha_t \lambda) p_{t-1}
               - \alpha_t \, \mathrm{clip}\left( \frac{m_t}{\rho B h_t + \epsilon},\; \pm 1 \right)

    :math:`\hat g` is the gradient of the mean loss for labels sampled from the model's own predictions. `update` reads
    it from `curvature=`: a function from a random key to a tree like the parameters, which is called in the first step
    and every k steps after it, or such a tree.

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b2: decay of the average of squares, in [0, 1), or a function of the number of steps taken.
      rho: how large the curvature counts, above 0: tune it so that a tenth to a half of the elements are not clipped.
      batch_size: B, how many predictions the loss is a mean of (sequences times their length), above 0.
      every: k, at least 1.
      eps: added to the curvature.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].value`: m, and `state["denominator"].estimator.value`: h, shaped like the parameters;
      `.count`: steps taken (int32 scalar); `.key`: of what is drawn in the next step, raw key data. 8 bytes a
      parameter.

    Raises:
      TypeError: from `update`, where `curvature=` is missing.
      ValueError: for a number outside its range; from `update`, for a curvature of another tree.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> def loss(w, x, labels):
      ...     return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x @ w), labels[:, None], 1))
      >>> w, x, labels = jnp.zeros((3, 2)), jnp.ones((8, 3)), jnp.zeros(8, int)
      >>> def sampled(key):
      ...     return jax.grad(loss)(w, x, jax.random.categorical(key, x @ w))
      >>> tx = zoo.sophia_g(batch_size=8)
      >>> updates, state = tx.update(jax.grad(loss)(w, x, labels), tx.init(w), w, curvature=sampled)
      >>> updates.shape
      (3, 2)

    Claim:
      Use it when language models are to train in half the steps that AdamW needs.

    Source:
      H. Liu et al. (2023), algorithms 2 and 3, and Liuhong99/Sophia, which this replays. There h is renewed after each
      k-th step, here before the next, with the same numbers; but the first step has an estimate already, as in the
      paper, where in the code the first k steps are those of signs. The paper divides by the larger of
      :math:`\gamma h` and eps, and has B in the estimate; in the code rho and B multiply h, and eps is added.
    """
    _checks.positive("rho", rho)
    _checks.positive("batch_size", batch_size)
    squares = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    curvature = scaled(rho * batch_size, of_curvature(squares, every=every, key=key))
    return pipeline(
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(curvature, order=1, eps=eps),
        rescale=clip_by_value(1.0),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )


@algorithm(
    variant_of=sophia_g,
    full_name="Sophia-H: clipped steps over Hutchinson's estimate of the curvature",
    example={"learning_rate": 1e-2, "weight_decay": None},
    expected_failures={},
    proof="an independent implementation",
    also_called=(),
)
def sophia_h(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.96,
    b2: Decay = 0.99,
    *,
    gamma: Scalar = 0.01,
    every: int = 10,
    eps: Scalar = 1e-12,
    weight_decay: Decay | None = 0.2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    key: Key | None = None,
) -> Pipeline:
    r"""Sophia-H: averaged gradients over an average of the Hessian's diagonal, clipped to +-1.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        h_t = \beta_2 h_{t-1} + (1 - \beta_2) \, v \odot H v \quad \text{(every k steps, else } h_{t-1} \text{)} \\
        p_t &= (1 - \alpha_t \lambda) p_{t-1}
               - \alpha_t \, \mathrm{clip}\left( \frac{m_t}{\max(\gamma h_t, \epsilon)},\; \pm 1 \right)

    The product of the Hessian with random v is read from `curvature=` of `update`, as `hutchinson(loss, params)` makes
    it of the loss: a function from a random key, which is called in the first step and every k steps after it. Where h
    is negative or small, steps are those of signs.

    Args:
      learning_rate: ... The longest step of an element.
      b2: decay of the average curvature, in [0, 1), or a function of the number of steps taken.
      gamma: how large the curvature counts, above 0. Default of the paper, like the others.
      eps: the least that the curvature counts.

    Example:
      >>> import jax, jax.numpy as jnp, optax_zoo as zoo
      >>> def loss(p):
      ...     return jnp.sum(p**2)
      >>> p, tx = jnp.array([3.0, -0.001]), zoo.sophia_h(0.1, gamma=1.0, weight_decay=None)
      >>> updates, state = tx.update(jax.grad(loss)(p), tx.init(p), p, curvature=zoo.hutchinson(loss, p))
      >>> updates
      Array([-0.1  ,  0.0004], dtype=float32)

    Claim:
      Use it when language models are to train in half the steps that AdamW needs, and products with the Hessian can be
      had.

    Source:
      H. Liu et al. (2023), algorithms 1 and 3; the authors' code has Sophia-G alone. It replays pytorch_optimizer's
      `SophiaH`, which has normal v, gamma = 1 and +-0.01 for +-1, and divides by max(h, eps). optax's `sophia`
      divides m by its weight, and renews h after the step that it is found in, so that the first step is one of signs.
    """
    _checks.positive("gamma", gamma)
    average = ema(b2, accumulator_dtype=accumulator_dtype)
    curvature = scaled(gamma, of_curvature(average, every=every, key=key))
    return pipeline(
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(curvature, order=1, eps=0.0, floor=eps),
        rescale=clip_by_value(1.0),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
