"""Quasi-hyperbolic momentum."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import coupled_decay, ema, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="QHM: quasi-hyperbolic momentum",
    paper="Ma and Yarats: Quasi-hyperbolic momentum and Adam for deep learning",
    year=2019,
    url="https://arxiv.org/abs/1810.06801",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="authors' code",
)
def qhm(
    learning_rate: ScalarOrSchedule = 1.0,
    decay: Scalar = 0.999,
    nu: Scalar = 0.7,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""QHM: a step along a mean of the gradient and its average.

    .. math::

        m_t &= \mu m_{t-1} + (1 - \mu) g_t \\
        p_t &= p_{t-1} - \alpha_t ((1 - \nu) g_t + \nu m_t)

    Args:
      learning_rate: ... Default of the paper, like decay and nu.
      decay: mu, above 0 and below 1.
      nu: the share of the average, in [0, 1]: 0 is gradient descent, 1 the averaged form of momentum, and decay that of
        Nesterov's gradient.

    State:
      `state["momentum"].value`: m, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.qhm(1.0, 0.9, nu=0.5)
      pipeline(momentum=ema(0.9, blend=0.45), learning_rate=1)

    Claim:
      Use it when momentum does better the longer it averages, but follows the gradient too late: the paper finds that
      with the gradient in the mean, decays of 0.999 are stable and converge faster.

    Source:
      J. Ma, D. Yarats (2019); facebookresearch/qhoptim, with which torch-optimizer and pytorch_optimizer agree. In
      terms of the average before the step the mean is :math:`\nu \mu\, m_{t-1} + (1 - \nu \mu) g_t`: the blend of Lion,
      hence the part. Besides momentum and Nesterov's gradient, AccSGD, PID controllers, and the methods of robust and
      triple momentum are cases of it, for which qhoptim finds the hyperparameters.
    """
    _checks.scalar("decay", decay, "above 0 and below 1", lambda x: 0 < x < 1)
    _checks.scalar("nu", nu, "at least 0 and at most 1", lambda x: 0 <= x <= 1)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        momentum=ema(decay, blend=nu * decay, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
    )
