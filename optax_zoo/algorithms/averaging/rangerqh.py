"""RangerQH."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.qhadam import qhadam
from optax_zoo.parts import lookahead_steps
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=qhadam,
    full_name="RangerQH: QHAdam and Lookahead",
    url="https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer",
    proof="an independent implementation",
)
def rangerqh(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    nu1: Scalar = 0.7,
    nu2: Scalar = 1.0,
    eps: Scalar = 1e-8,
    every: int = 6,
    alpha: Scalar = 0.5,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""RangerQH: QHAdam, whose weights go back a part of the way every k steps.

    .. math::

        \theta_t = \theta_{t-1} + \mathrm{QHAdam}(g_t), \qquad
        \text{every k steps} \quad \phi \leftarrow \phi + \alpha (\theta_t - \phi), \quad \theta_t \leftarrow \phi

    The parameters of the training loop are :math:`\theta`; those to evaluate with are :math:`\phi`, which
    `evaluation_params` gives.

    Args:
      learning_rate: ... Default of the author's code, like all that follow.
      every: the number k of fast steps, at least 1.
      alpha: the share of the way that the slow weights go, in [0, 1].

    State:
      As `qhadam`, and `state["iterate"].slow`: the slow weights, shaped like the parameters. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.rangerqh(1e-3).slots["iterate"]
      lookahead_steps(6)

    Claim:
      Use it when QHAdam is to be less sensitive to its hyperparameters.

    Source:
      L. Wright (2019), in pytorch-ranger, which torch-optimizer has. It does without Ranger's rectification. With
      decoupled decay its slow weights start from parameters that have decayed once already.
    """
    row = qhadam(
        learning_rate,
        b1,
        b2,
        nu1=nu1,
        nu2=nu2,
        eps=eps,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    return row.replace(iterate=lookahead_steps(every, alpha))
