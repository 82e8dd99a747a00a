"""Lion."""

from optax import ScalarOrSchedule

from optax_zoo.parts import decoupled_decay, ema, optional, scale_by_sign
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Lion: evolved sign momentum",
    paper="Chen et al.: Symbolic Discovery of Optimization Algorithms",
    year=2023,
    url="https://arxiv.org/abs/2302.06675",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={
        "inject_hyperparams_bfloat16_default": "on bfloat16 parameters optax.inject_hyperparams rounds decays, 0.99 to "
        "0.988, which turns signs of what is near 0: pass hyperparam_dtype=jnp.float32"
    },
    proof="an independent implementation",
)
def lion(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Lion: the sign of a blend of gradient and average, where the average itself decays more slowly than the blend.

    .. math::

        c_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t \\
        p_t &= p_{t-1} - \alpha_t (\mathrm{sign}(c_t) + \lambda p_{t-1})

    Args:
      learning_rate: ... How far each element moves in a step. Default of the authors' code, like b1 and b2; the paper
        recommends a third to a tenth of AdamW's.
      b1: decay of the blend c, in [0, 1), or a function of the number of steps taken.
      b2: decay of the average m, above 0 and below 1, or a function of the number of steps taken.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none. The paper
        recommends three to ten times AdamW's.

    State:
      `state["numerator"].value`: m, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.lion(1e-4)
      pipeline(numerator=ema(0.99, blend=0.9), rescale=scale_by_sign(), learning_rate=0.0001)

    Claim:
      Use it when memory is short and batches are large, as of vision models, diffusion models and language models.

    Source:
      X. Chen et al. (2023); google/automl, whose rule this is. c is computed from the new m, (b1 / b2) m_t +
      (1 - b1 / b2) g_t, which is the same number, so that a step need not keep the old m. lion-pytorch, timm, optimi
      and pytorch_optimizer agree; their options are in the parity tests.
    """
    return pipeline(
        numerator=ema(b2, blend=b1, accumulator_dtype=accumulator_dtype),
        rescale=scale_by_sign(),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
