"""Adafactor as Big Vision has it."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adaptive.adafactor import adafactor
from optax_zoo.parts import (
    but_longest,
    clip_by_norm,
    decoupled_decay,
    ema,
    factored,
    in_series,
    optional,
    power_decay,
    root,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adafactor,
    full_name="Adafactor as Big Vision has it",
    paper="Zhai, Kolesnikov, Houlsby and Beyer: Scaling Vision Transformers",
    year=2021,
    url="https://arxiv.org/abs/2106.04560",
    example={"learning_rate": 1e-2, "min_dim_size_to_factor": None},
    claims=("apart", "order", "scale", "sign"),
    also_called=("adafactor_big_vision",),
)
def adafactor_bv(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay | None = 0.9,
    b2: Decay = power_decay(limit=0.999),
    *,
    eps: Scalar = 1e-30,
    clip_threshold: Scalar | None = None,
    min_dim_size_to_factor: int | None = 32,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    momentum_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Adafactor for vision transformers: rates as for Adam, and momentum, which may be in half precision.

    .. math::

        u_t &= \frac{g_t}{\sqrt{\mathrm{factored}_{\beta_{2,t}}(g^2 + \epsilon)_t}}, \qquad
        \beta_{2,t} = \min(1 - t^{-0.8}, 0.999) \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \frac{u_t}{\max(1, \text{rms}(u_t) / d)}, \qquad
        p_t = (1 - \alpha_t \lambda) p_{t-1} - \alpha_t m_t

    Rows and columns are the two longest axes of a leaf, of equally long ones the last.

    Args:
      learning_rate: ... Not relative to the parameters.
      b1: decay of the average direction, in [0, 1), or a function of the number of steps taken; None for none.
      b2: decay of the averages of squares. `power_decay(limit=0.999, start=1 - n)` for training that starts after n
        steps of another.
      clip_threshold: d, the largest root mean square of a leaf's direction, above 0; None for no limit.
      min_dim_size_to_factor: a leaf whose second longest axis is shorter keeps an average for each element, at least
        1; None for no such limit. timm has 16.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none.
      momentum_dtype: what the average direction is kept in, bfloat16 in Big Vision; None for float32 or wider.
      stacked: ... The last two of the other axes are then rows and columns.

    State:
      `state["denominator"].value`: as of `adafactor`; `state["momentum"].value`: m, shaped like the parameters. 4.01
      bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adafactor_bv(momentum_dtype="bfloat16").slots["momentum"]
      ema(0.9, accumulator_dtype='bfloat16')

    Claim:
      Use it when a large vision transformer is to train as with Adam, but memory is there for half a moment only, with
      `momentum_dtype="bfloat16"`.

    Source:
      X. Zhai et al. (2021), section 3.4, and google-research/big_vision, the source of the defaults but for the
      dtype. It replays timm's `AdafactorBigVision`, which has a rate of 1, rounds directions to bfloat16 before they
      are averaged, and by default lets parameters decay by rate times decay; in Big Vision they decay without the rate,
      timm's `unscaled_wd`.
    """
    average = ema(b2, accumulator_dtype=accumulator_dtype)
    axes = but_longest() if stacked is None else stacked
    squares = factored(average, eps=eps, min_size=min_dim_size_to_factor, stacked=axes)
    clip = None if clip_threshold is None else clip_by_norm("avg_l2", clip_threshold, eps=0.0, stacked=stacked)
    return pipeline(
        denominator=root(squares, eps=0.0),
        momentum=in_series(clip=clip, average=None if b1 is None else ema(b1, accumulator_dtype=momentum_dtype)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
