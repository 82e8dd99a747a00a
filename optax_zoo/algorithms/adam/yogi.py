"""Yogi."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, debiased, ema, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Initial, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Yogi: adaptive steps that grow slowly",
    paper="Zaheer, Reddi, Sachan, Kale and Kumar: Adaptive Methods for Nonconvex Optimization",
    year=2018,
    url="https://papers.nips.cc/paper/8186-adaptive-methods-for-nonconvex-optimization",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def yogi(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-3,
    eps_root: Scalar = 0.0,
    initial_accumulator: Initial = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Yogi: Adam whose average square moves by the square itself, not by what it is from the average.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
               v_t = v_{t-1} + (1 - \beta_2) \, \mathrm{sign}(g_t^2 - v_{t-1}) \, g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of the paper, like b1, b2 and eps.
      b2: how far v moves is 1 - b2 times the square, in [0, 1), or a function of the number of steps taken.
      initial_accumulator: what v starts from: a number, at least 0, or a function from a tree of zeros to a tree.
        Default of TensorFlow Addons, torch-optimizer and optax; the paper has the square of a first batch.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.yogi(1e-2).slots["denominator"]
      root(debiased(ema(0.999, of=square, initial=1e-06, additive=True)), eps=0.001)

    Claim:
      Use it when gradients are sparse or change their size: where they become small, Adam's steps grow fast, and these
      slowly.

    Source:
      M. Zaheer et al. (2018), whose algorithm 2 corrects neither average for its start; TensorFlow Addons does, with
      eps outside the uncorrected root, and rounded to float32 in the recorded steps. torch-optimizer, pytorch_optimizer
      and optax start m from initial_accumulator as well, where the paper and TensorFlow Addons start it from 0.
    """
    squares = ema(b2, of=square, initial=initial_accumulator, additive=True, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=root(debiased(squares), eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
    )
