"""Expectigrad."""

from optax import ScalarOrSchedule

from optax_zoo.parts import arithmetic_rms, optional, scale_by_ema
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Expectigrad",
    paper="Daley and Amato: Expectigrad: Fast Stochastic Optimization with Robust Convergence Properties",
    year=2020,
    url="https://arxiv.org/abs/2010.01356",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
)
def expectigrad(
    learning_rate: ScalarOrSchedule = 1e-3,
    beta: Decay = 0.9,
    *,
    eps: Scalar = 1e-8,
    sparse_counter: bool = True,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Expectigrad: gradients over the root of their arithmetic mean square, then momentum outside of that ratio.

    .. math::

        s_t &= s_{t-1} + g_t^2, \qquad n_t = n_{t-1} + [g_t^2 \neq 0] \\
        m_t &= \beta m_{t-1} + (1 - \beta) \frac{g_t}{\epsilon + \sqrt{s_t / n_t}}, \qquad 0/0 = 0 \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t}{1 - \beta^t}

    Args:
      learning_rate: ... Default of the authors' code, like beta and eps.
      beta: decay of the momentum, in [0, 1), or a function of the number of steps taken; 0 for no momentum.
      sparse_counter: count, per element, the steps with a gradient that is not 0; else all steps.

    State:
      `state["denominator"].total`: s, and `.count`: n, shaped like the parameters (n a scalar for a dense counter);
      `state["momentum"].estimator.value`: m, shaped like the parameters, and `.weight`: 1 - beta^t (scalar). 12 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.expectigrad(1e-3).slots["denominator"]
      root(arithmetic_mean(of=square, sparse=True))

    Claim:
      Use it when Adam or RMSProp diverge on rare, large gradients: all past gradients count alike.

    Source:
      B. Daley, C. Amato (2020); the authors' package expectigrad 0.0.0 (PyTorch, TensorFlow 1 and 2), which this
      follows. Only the momentum is corrected for its start, by the number of all steps even where counts are sparse.
    """
    return pipeline(
        denominator=arithmetic_rms(eps=eps, sparse=sparse_counter, accumulator_dtype=accumulator_dtype),
        momentum=optional(scale_by_ema, beta, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
    )
