"""AdaGrad."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import coupled_decay, optional, root, square, total
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaGrad: adaptive gradient",
    paper="Duchi, Hazan and Singer: Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    year=2011,
    url="https://jmlr.org/papers/v12/duchi11a.html",
    example={"learning_rate": 1.0},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def adagrad(
    learning_rate: ScalarOrSchedule = 1e-2,
    *,
    eps: Scalar = 1e-10,
    eps_root: Scalar = 0.0,
    initial_accumulator: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaGrad: gradients over the root of the sum of all their squares.

    .. math::

        s_t &= s_{t-1} + g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{g_t}{\sqrt{s_t + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of PyTorch and Keras.
      eps: ... Default of PyTorch; the paper's diagonal form has a small constant there.
      initial_accumulator: what s starts from, at least 0. TensorFlow has 0.1, and no eps.

    State:
      `state["denominator"].value`: s, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adagrad(0.1, initial_accumulator=0.1)
      pipeline(denominator=root(total(of=square, initial=0.1), eps=1e-10), learning_rate=0.1)

    Claim:
      Use it when features are sparse, and rare ones are to be learned as fast as frequent ones.

    Source:
      J. Duchi et al. (2011). Agrees with PyTorch, whose lr_decay is the schedule learning_rate / (1 + lr_decay count),
      Keras (eps 1e-7), Chainer (eps 1e-8) and TensorFlow 1. Without eps an element whose gradients are all 0 so far
      gives 0 / 0; optax puts eps inside the root and starts s at 0.1.
    """
    _checks.non_negative("initial_accumulator", initial_accumulator)
    sum_of_squares = total(of=square, initial=initial_accumulator, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        denominator=root(sum_of_squares, eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
    )
