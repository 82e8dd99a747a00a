"""SRMM."""

from optax import ScalarOrSchedule

from optax_zoo.parts import ema, power_decay
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import DType, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SRMM: stochastic regularized majorization-minimization",
    paper="Lyu: Stochastic Regularized Majorization-Minimization with Weakly Convex and Multi-convex Surrogates",
    year=2022,
    url="https://arxiv.org/abs/2201.01652",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
)
def srmm(
    learning_rate: ScalarOrSchedule = 1e-2,
    power: Scalar = 0.5,
    memory_length: int | None = 100,
    *,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""SRMM: gradient descent along an average that remembers longer with every step, and starts over now and then.

    .. math::

        w_t &= (1 + t \bmod n)^{-\beta}, \qquad m_t = (1 - w_t) m_{t-1} + w_t g_t \\
        p_t &= p_{t-1} - \alpha_t m_t

    Args:
      learning_rate: ... Default of pytorch_optimizer, like the others.
      power: beta, at least 0: at 1 the average is the arithmetic mean of the gradients since it started over.
      memory_length: n, the number of steps after which the average starts over, at least 1; None for never.

    State:
      `state["momentum"].value`: m, shaped like the parameters, and `.count`: steps taken (int32 scalar). 4 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.srmm(1e-2)
      pipeline(momentum=ema(power_decay(power=0.5, start=2, every=100)), learning_rate=0.01)

    Claim:
      Use it when data are dependent, as along a Markov chain: the paper proves convergence there, for surrogates of the
      loss of which this rule minimizes the quadratic ones.

    Source:
      H. Lyu (2022), of which this is the case of quadratic surrogates, as pytorch_optimizer has it. That one averages
      parameters, too, with 0 in place of the first ones, so that its first step shrinks them to w_1, 2^-1/2 of their
      size by default; from then on the average is the parameters. With `memory_length=None` its weights are 1, which
      makes it gradient descent.
    """
    decay = power_decay(power, start=2, every=memory_length)
    return pipeline(momentum=ema(decay, accumulator_dtype=accumulator_dtype), learning_rate=learning_rate)
