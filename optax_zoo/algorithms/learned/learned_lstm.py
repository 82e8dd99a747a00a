"""Learning to learn by gradient descent by gradient descent."""

from optax import ScalarOrSchedule

from optax_zoo.learned.lstm import Weights, coordinatewise_lstm
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import DType, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Learning to learn by gradient descent by gradient descent: a learned LSTM",
    paper="Andrychowicz et al.: Learning to learn by gradient descent by gradient descent",
    year=2016,
    url="https://arxiv.org/abs/1606.04474",
    example={"learning_rate": 0.1},
    claims=("apart", "order"),
    expected_failures={
        "rosenbrock": "the network that ships was trained on quadratic functions, and for a hundred steps",
    },
    proof="authors' code",
)
def learned_lstm(
    learning_rate: ScalarOrSchedule = 0.1,
    *,
    weights: Weights | None = None,
    k: Scalar | None = 10.0,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Learned LSTM: a small trained recurrent network, run for each coordinate by itself, maps gradients to steps.

    .. math::

        x_t &= \left(\max(k^{-1} \log(|g_t| + \epsilon), -1), \; \min(\max(e^k g_t, -1), 1)\right) \\
        (i, j, f, o) &= W_l\, (x_t, h_{l,t-1}) + b_l, \qquad x_t = h_{l-1,t} \text{ for the layers } l > 1 \\
        c_{l,t} &= \sigma(f + 1)\, c_{l,t-1} + \sigma(i) \tanh(j), \qquad h_{l,t} = \sigma(o) \tanh(c_{l,t}) \\
        p_t &= p_{t-1} + \alpha_t\, (w\, h_{L,t} + b)

    with two layers of 20 units. The weights are trained, see `optax_zoo.learned.meta_train`, and shared by all
    coordinates; :math:`\epsilon` is the machine epsilon of the gradient's dtype.

    Args:
      learning_rate: alpha, at least 0, or a schedule. It multiplies the output of the network (the authors' `scale`),
        which contains the size of the step already: weights are to be used at the rate that they were trained at,
        0.1 for those of the package.
      weights: by layer a dict of arrays, for any number of layers and units: `lstm_1`, `lstm_2` and so on with
        `w_gates` and `b_gates`, `linear` with `w` and `b`. By default those of the package, trained on random
        10-dimensional quadratics for 100 steps (`optax_zoo/learned/weights.json` says how); nothing is promised far
        from such problems.
      k: range of the logarithm, above 0 and at most 80: the paper's p, with its default. Belongs to the weights, too.
        None feeds the network the gradient itself.

    State:
      `state["numerator"].hidden` and `.cell`: h and c, dicts by layer ("lstm_1", "lstm_2") of trees like the parameters
      whose leaves have a trailing dimension of 20 units: 80 numbers a parameter. Real and imaginary part of a complex
      parameter are two coordinates, in a dimension before the last. On a CPU the jitted, donated step needs 120 more
      numbers a parameter: 40 inputs of the second layer and its 80 gates, which the matrix product between them keeps
      from being fused. For a leaf of one dimension it needs 161: XLA keeps the gates of both layers there. 320 bytes a
      parameter.

    Raises:
      ValueError: for a number outside its range, or for weights whose shapes do not fit together or to k.
      TypeError: for weights that are not a dict of layers.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.learned_lstm(0.1)
      pipeline(numerator=coordinatewise_lstm(), learning_rate=0.1)

    Claim:
      Use it when many problems are alike, and an optimizer learned on some of them is to solve the others.

    Source:
      M. Andrychowicz et al. (2016); google-deepmind/learning-to-learn with dm-sonnet 1.36, which this follows: the
      machine epsilon in the logarithm and the 1 added to the forget gate are from there, not from the paper. The
      defaults of p (10) and scale (0.1) are the paper's; the code has k = 5 and scale 0.01. Its quadratics are drawn
      uniformly from [0, 1), the paper's from a normal distribution.
    """
    return pipeline(
        numerator=coordinatewise_lstm(weights=weights, k=k, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
    )
