"""Ranger."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import KEEPS_MEANS, OF_EACH_OUTPUT
from optax_zoo.algorithms.adam.radam import radam
from optax_zoo.parts import centralized, lookahead_steps
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Ranger: RAdam, Lookahead and gradient centralization",
    paper="Wright and Demeure: Ranger21: a synergistic deep learning optimizer",
    year=2019,
    url="https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={
        "shard_map_sharded": OF_EACH_OUTPUT,
        "no_collectives": OF_EACH_OUTPUT,
        "matrix_parabola": KEEPS_MEANS,
        "vector_and_matrix": KEEPS_MEANS,
    },
    proof="authors' code",
)
def ranger(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.95,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-5,
    threshold: Scalar = 5.0,
    every: int = 6,
    alpha: Scalar = 0.5,
    centralize: bool = True,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    outputs: Outputs = "last",
    stacked: Stacked = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Ranger: RAdam on centralized gradients, whose weights go back a part of the way every k steps.

    .. math::

        g_t &\leftarrow g_t - \mathrm{mean}(g_t) \quad \text{(over the inputs of each output, in two and more axes)} \\
        \theta_t &= \theta_{t-1} + \mathrm{RAdam}(g_t), \qquad
        \text{every k steps} \quad \phi \leftarrow \phi + \alpha (\theta_t - \phi), \quad \theta_t \leftarrow \phi

    The parameters of the training loop are :math:`\theta`; those to evaluate with are :math:`\phi`, which
    `evaluation_params` gives.

    Args:
      learning_rate: ... Default of the author's code, like all that follow.
      eps: ... The root is not corrected for its start.
      threshold: the length from which on steps are divided by the root, at least 4, see `radam`.
      every: the number k of fast steps, at least 1.
      alpha: the share of the way that the slow weights go, in [0, 1].
      centralize: whether gradients are centralized.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.
      stacked: which axes of a leaf stack layers, each of which is centralized by itself; see `normalize_by_norm`.

    State:
      As `radam`, and `state["iterate"].slow`: the slow weights, shaped like the parameters. 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> tx = zoo.ranger(1e-3)
      >>> tx.slots["gradient"], tx.slots["iterate"]
      (centralized(), lookahead_steps(6))

    Claim:
      Use it when Adam is to train without a warmup, and to be less sensitive to its hyperparameters.

    Source:
      L. Wright (2019), lessw2020/Ranger-Deep-Learning-Optimizer, since 2020 with the gradient centralization of H. Yong
      et al., which its `use_gc` does not turn off. pytorch-ranger, which torch-optimizer has, and optimi do not
      centralize; optimi has eps outside the corrected root, and other decays. pytorch_optimizer steps uphill in the
      first five steps at its defaults: what marks them, a negative rate, reaches the step.
    """
    row = radam(
        learning_rate,
        b1,
        b2,
        eps=eps,
        threshold=threshold,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    before = centralized(outputs=outputs, stacked=stacked) if centralize else None
    return row.replace(gradient=before, iterate=lookahead_steps(every, alpha))
