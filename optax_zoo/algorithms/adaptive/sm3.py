"""SM3."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import AS_MANY_AS_AXES
from optax_zoo.parts import covered, decoupled_decay, ema, optional, root, square, total
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SM3: AdaGrad with a number for each row and each column",
    paper="Anil, Gupta, Koren and Singer: Memory-Efficient Adaptive Optimization",
    year=2019,
    url="https://arxiv.org/abs/1901.11150",
    example={"learning_rate": 1e-1},
    claims=("apart", "order", "scale", "sign"),
    expected_failures={
        "map_params": AS_MANY_AS_AXES,
        "no_collectives": "the largest of rows and columns of a matrix that is split are found over devices: two "
        "all-reduces of as many numbers as a device has rows, and columns",
        "shard_map_sharded": "the largest of rows and columns are of what a device holds",
    },
    proof="an independent implementation",
)
def sm3(
    learning_rate: ScalarOrSchedule = 0.1,
    b1: Decay | None = 0.9,
    b2: Decay | None = None,
    *,
    eps_root: Scalar = 1e-30,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""SM3: sums of squares as in AdaGrad, each bounded by the largest of its row and of its column.

    .. math::

        \nu_t &= \min(R_{t-1}, C_{t-1}) + g_t^2, \qquad
        R_t = \max_j \nu_t, \qquad C_t = \max_i \nu_t \\
        u_t &= \frac{g_t}{\sqrt{\nu_t + \epsilon_r}}, \qquad
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) u_t, \qquad p_t = p_{t-1} - \alpha_t m_t

    A leaf of more axes has a number for each index along each of them; of one axis or none, one for each element.

    Args:
      learning_rate: ... Default of pytorch_optimizer.
      b1: decay of the average direction, in [0, 1), or a function of the number of steps taken; None for none. Default
        of the paper and of optax.
      b2: decay of an average of the squares in place of their sum, in [0, 1), or a function of the number of steps
        taken; None for the sum.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["denominator"].value.axes`: R and C, of shapes (n, 1) and (1, m) for a leaf (n, m). With b1
      `state["momentum"].value`: m, shaped like the parameters. 4.01 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sm3().slots["denominator"]
      root(covered(total(of=square)), eps=0, eps_root=1e-30)

    Claim:
      Use it when AdaGrad suits, as where features are rare, and memory for its sums is missing.

    Source:
      R. Anil, V. Gupta, T. Koren, Y. Singer (2019), algorithm SM3-II, and the authors' code in google-research/sm3,
      where R and C are those of this step alone, too, and whose later form in Lingvo has b2. pytorch_optimizer takes
      b2 for "beta", where 0 stands for the sum, and with another the larger of R and its predecessor: so its
      denominators never fall, although the average does. optax has 1e-8 in place of 1e-30.
    """
    squares = (
        total(of=square, accumulator_dtype=accumulator_dtype)
        if b2 is None
        else ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    )
    return pipeline(
        denominator=root(covered(squares, stacked=stacked), eps=0.0, eps_root=eps_root),
        momentum=None if b1 is None else ema(b1, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
