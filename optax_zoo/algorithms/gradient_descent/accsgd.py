"""Accelerated stochastic gradient descent."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import coupled_decay, identity, optional, parallel, scaled, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AccSGD: accelerated stochastic gradient descent",
    paper="Kidambi et al.: On the Insufficiency of Existing Momentum Schemes for Stochastic Optimization",
    year=2018,
    url="https://arxiv.org/abs/1803.05591",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="authors' code",
)
def accsgd(
    learning_rate: ScalarOrSchedule = 0.1,
    kappa: Scalar = 1000.0,
    xi: Scalar = 10.0,
    *,
    small_const: Scalar = 0.7,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AccSGD: short steps, and a running average of long ones that pulls the parameters along.

    .. math::

        w_t &= (1 - \beta) w_{t-1} + \beta \left( p_{t-1} - \frac{\kappa \alpha_t}{c} g_t \right),
               \qquad \beta = c^2 \xi / \kappa, \quad w_0 = p_0 \\
        p_t &= \zeta (p_{t-1} - \alpha_t g_t) + (1 - \zeta) w_t, \qquad \zeta = \frac{c}{c + \beta}

    What is kept is not w but the sum v of past steps that leads to it, so that masks and low precision cost nothing:

    .. math::

        v_t &= \zeta (1 - \beta) v_{t-1} - \alpha_t g_t, \qquad w_t = p_t + \zeta (c \xi - 1) v_t \\
        p_t &= p_{t-1} - \alpha_t g_t + (1 - \zeta) (c \xi - 1) v_t

    Args:
      learning_rate: ... Of the short steps. Default of the authors' example.
      kappa: how much longer the long steps are, above 0. Default of the authors' code, like xi and small_const.
      xi: the statistical advantage, above 0; the paper has it at most the root of kappa.
      small_const: c, above 0 and at most 1.

    State:
      `state["velocity"]["long"].value`: v, shaped like the parameters. 4 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or where small_const^2 xi is above kappa.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.accsgd(0.1, 16.0, 4.0, small_const=1.0)
      pipeline(learning_rate=0.1, velocity=parallel(short=scaled(1, identity), long=scaled(0.6, trace(0.6))))

    Claim:
      Use it when batches are small: the paper proves that heavy-ball and Nesterov's momentum need not gain anything on
      gradient descent with noisy gradients, where this does.

    Source:
      R. Kidambi et al. (2018), algorithm 3; rahulkidambi/AccSGD, with which torch-optimizer and pytorch_optimizer
      agree. These keep w itself; the form above is equal to it, also while the rate changes. A step is that of QHM in
      other terms.
    """
    for name, value in {"kappa": kappa, "xi": xi}.items():
        _checks.positive(name, value)
    _checks.scalar("small_const", small_const, "above 0 and at most 1", lambda x: 0 < x <= 1)
    beta = small_const**2 * xi / kappa
    _checks.scalar("small_const^2 xi / kappa", beta, "at most 1", lambda x: x <= 1)
    zeta = small_const / (small_const + beta)
    long = scaled((1 - zeta) * (small_const * xi - 1), trace(zeta * (1 - beta), accumulator_dtype=accumulator_dtype))
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=learning_rate,
        velocity=parallel(short=scaled(1.0, identity), long=long),
    )
