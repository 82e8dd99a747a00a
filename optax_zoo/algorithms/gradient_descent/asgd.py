"""Averaged stochastic gradient descent."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import averaged_params, decoupled_decay, falling_rate, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="ASGD: averaged stochastic gradient descent",
    paper="Polyak and Juditsky: Acceleration of Stochastic Approximation by Averaging",
    year=1992,
    url="https://doi.org/10.1137/0330046",
    example={"learning_rate": 1e-3},
    claims=("apart", "order"),
    proof="an independent implementation",
)
def asgd(
    learning_rate: ScalarOrSchedule = 1e-2,
    *,
    power: Scalar = 0.75,
    begin: int = 0,
    weight_decay: Scalar | None = 1e-4,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""ASGD: gradient descent at a rate that falls slowly, evaluated at the mean of its parameters.

    .. math::

        \eta_t &= \frac{\alpha_t}{(1 + \lambda \alpha_t (t - 1))^\kappa} \\
        p_t &= p_{t-1} - \eta_t (g_t + \lambda p_{t-1}), \qquad
        a_t = \frac{1}{t - b} \sum_{s > b}^t p_s \quad \text{(to evaluate with)}

    Args:
      learning_rate: ... Default of PyTorch, like power and weight_decay.
      power: kappa, at least 0.
      begin: the number b of steps before the first whose parameters are averaged, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, after which the rate falls, too; None or 0
        for neither.

    State:
      `state["iterate"].average`: a, shaped like the parameters, float32 or wider; `state["learning_rate"].count`: steps
      taken (int32 scalar). 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.asgd(1e-2)
      pipeline(learning_rate=falling_rate(0.01), decay=decoupled_decay(0.0001), iterate=averaged_params())

    Claim:
      Use it when the problem is convex, and gradients are noisy: the paper proves that the mean converges as fast as
      any method can, without knowing the curvature.

    Source:
      B. T. Polyak, A. B. Juditsky (1992); the rate is that of L. Bottou's implementation, which PyTorch follows. There
      the mean begins with the parameters of step t0 + 2, `begin=t0 + 1`; at the default t0 of 1e6 hardly any training
      gets there. pytorch_optimizer's ASGD is another algorithm, of Y. Malitsky and K. Mishchenko (2019), whose rate
      follows from the local curvature, found there from differences of norms in place of norms of differences. For a
      mean beside any other row see `averaged`.
    """
    _checks.non_negative("power", power)
    strength = 0.0 if weight_decay is None else weight_decay
    return pipeline(
        learning_rate=falling_rate(learning_rate, strength, power),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
        iterate=averaged_params(begin=begin),
    )
