"""RMSprop, and Graves's form of it."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import coupled_decay, deviation, ema, optional, root, square, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="RMSprop",
    paper="Tieleman and Hinton: Lecture 6.5, Neural Networks for Machine Learning",
    year=2012,
    url="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
    also_called=("rmsprop_tf",),
)
def rmsprop(
    learning_rate: ScalarOrSchedule = 1e-3,
    decay: Decay = 0.9,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    centered: bool = False,
    momentum: Decay | None = None,
    initial_accumulator: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""RMSprop: gradients over the root of their average square.

    .. math::

        v_t &= \rho v_{t-1} + (1 - \rho) g_t^2, \qquad m_t = \rho m_{t-1} + (1 - \rho) g_t \quad \text{(if centered)} \\
        d_t &= \mu d_{t-1} - \alpha_t \frac{g_t}{\sqrt{v_t - m_t^2 + \epsilon_r} + \epsilon} \\
        p_t &= p_{t-1} + d_t

    Args:
      learning_rate: ... Default of Keras.
      decay: rho, in [0, 1), or a function of the number of steps taken. Default of the lecture (PyTorch has 0.99).
      centered: subtract the squared average gradient, which makes the root a standard deviation.
      momentum: mu, in [0, 1), of the finished step; None or 0 for none.
      initial_accumulator: what v starts from, at least 0; not to be given with `centered`.

    State:
      `state["denominator"].value`: v, shaped like the parameters; if centered `.mean_square.value`: v and
      `.mean.value`: m. With momentum `state["velocity"].value`: d. 4 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or an initial accumulator with `centered`.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.rmsprop(1e-3, momentum=0.9)
      pipeline(denominator=root(ema(0.9, of=square)), learning_rate=0.001, velocity=trace(0.9))

    Claim:
      Use it when gradients are of small batches, and differ in size from weight to weight and over time.

    Source:
      T. Tieleman, G. Hinton (2012), who have no eps. It stands outside the root in PyTorch, Keras and Chainer, inside
      in TensorFlow 1, where v starts at 1. PyTorch has the momentum before the rate:
      `rmsprop().replace(momentum=trace(mu))`, the same while the rate is constant. optax adds eps inside the root.
    """
    _checks.non_negative("initial_accumulator", initial_accumulator)
    if centered and not (isinstance(initial_accumulator, (int, float)) and initial_accumulator == 0):
        raise ValueError(f"initial_accumulator is {initial_accumulator!r}, but must be 0 for the centered form.")
    average = ema(decay, of=square, initial=initial_accumulator, accumulator_dtype=accumulator_dtype)
    mean = ema(decay, accumulator_dtype=accumulator_dtype)
    spread = deviation(mean, average, eps=eps, eps_root=eps_root)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        denominator=spread if centered else root(average, eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
        velocity=optional(trace, momentum),
    )


@algorithm(
    full_name="RMSprop in Graves's form",
    paper="Graves: Generating Sequences With Recurrent Neural Networks",
    year=2013,
    url="https://arxiv.org/abs/1308.0850",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def rmsprop_graves(
    learning_rate: ScalarOrSchedule = 1e-4,
    decay: Decay = 0.95,
    *,
    momentum: Decay | None = 0.9,
    eps: Scalar = 0.0,
    eps_root: Scalar = 1e-4,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""RMSprop in Graves's form: gradients over their standard deviation, with momentum of the finished step.

    .. math::

        v_t &= \rho v_{t-1} + (1 - \rho) g_t^2, \qquad m_t = \rho m_{t-1} + (1 - \rho) g_t \\
        d_t &= \mu d_{t-1} - \alpha_t \frac{g_t}{\sqrt{v_t - m_t^2 + \epsilon_r} + \epsilon} \\
        p_t &= p_{t-1} + d_t

    Args:
      learning_rate: ... Default of the paper, like decay, momentum and eps_root.
      decay: rho, in [0, 1), or a function of the number of steps taken.
      momentum: mu, in [0, 1), of the finished step; None or 0 for none.

    State:
      `state["denominator"].mean_square.value`: v, and `.mean.value`: m, shaped like the parameters; with momentum
      `state["velocity"].value`: d. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.rmsprop_graves(1e-4).slots["denominator"]
      deviation(ema(0.95), ema(0.95, of=square), eps=0, eps_root=0.0001)

    Claim:
      Use it when recurrent networks are to generate sequences.

    Source:
      A. Graves (2013), equations 38 to 45; agrees with Chainer. Articles often leave the momentum out: `momentum=None`.
    """
    return rmsprop(
        learning_rate,
        decay,
        eps=eps,
        eps_root=eps_root,
        centered=True,
        momentum=momentum,
        accumulator_dtype=accumulator_dtype,
    )
