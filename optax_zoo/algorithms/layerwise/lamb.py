"""LAMB."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import coupled_decay, in_series, optional, trust_ratio
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="LAMB: layer-wise adaptive moments for batch training",
    paper="You et al.: Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
    year=2020,
    url="https://arxiv.org/abs/1904.00962",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "scale"),
)
def lamb(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-6,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    trust_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""LAMB: the direction of Adam and of weight decay, in each layer as long as the parameters are.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} + \lambda p_{t-1} \\
        p_t &= p_{t-1} - \alpha_t \frac{\|p_{t-1}\|}{\|u_t\|} u_t
               \quad \text{(per leaf; without the ratio where either norm is 0)}

    Args:
      learning_rate: ... It is the length of a step relative to the parameters. Default of NVIDIA's code.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. Default of the paper, like
        b1, b2 and eps.
      trust_mask: a tree of bools, or a function from parameters to one: which leaves are given the norm of their
        parameters. The others, usually biases and scales of norms, take Adam's step.

    Example:
      >>> import optax_zoo as zoo
      >>> tx = zoo.lamb(1e-3)
      >>> tx.slots["rescale"]
      serial(decay=coupled_decay(0.01), trust=trust_ratio())
      >>> clipped = tx.replace(gradient=zoo.clip_by_norm("l2", 1.0, scope="tree"))  # as BERT is trained

    Claim:
      Use it when batches are very large: BERT was trained with up to 32,868 sequences a batch, without loss of quality.

    Source:
      Y. You et al. (2020), algorithm 2, whose function of the norm of the parameters is the identity here, and with
      bounds `trust_ratio(max_param_norm=10.0)`. NVIDIA's code and timm first clip the norm of all gradients, and
      rescale no leaf that does not decay. torch-optimizer and pytorch_optimizer do not correct both averages for their
      start at 0, and clip the norm of the parameters at 10.
    """
    plain = adam(learning_rate, b1, b2, eps=eps, eps_root=eps_root, accumulator_dtype=accumulator_dtype)
    return plain.replace(
        rescale=in_series(
            decay=optional(coupled_decay, weight_decay, weight_decay_mask),
            trust=trust_ratio(mask=trust_mask, axis_name=axis_name, stacked=stacked),
        )
    )
