"""Adafactor."""

from optax import ScalarOrSchedule

from optax_zoo.parts import (
    clip_by_norm,
    decoupled_decay,
    ema,
    factored,
    in_series,
    optional,
    power_decay,
    relative_rate,
    root,
    scale_by_param_norm,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm

OF_ROWS = {
    "no_collectives": "rows and columns of a matrix that is split are averaged over devices: two all-reduces of as "
    "many numbers as a device has rows, and columns",
    "shard_map_sharded": "rows and columns are averaged over what a device holds: under jax.shard_map the last two "
    "axes of a leaf must be whole; under jax.jit they may be split",
}


@algorithm(
    full_name="Adafactor: adaptive steps with sublinear memory",
    paper="Shazeer and Stern: Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
    year=2018,
    url="https://arxiv.org/abs/1804.04235",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures=OF_ROWS,
    proof="an independent implementation",
)
def adafactor(
    learning_rate: ScalarOrSchedule = relative_rate(),
    b1: Decay | None = None,
    b2: Decay = power_decay(),
    *,
    eps: Scalar = 1e-30,
    clip_threshold: Scalar | None = 1.0,
    min_scale: Scalar | None = 1e-3,
    min_dim_size_to_factor: int | None = None,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Adafactor: matrices keep squares of rows and columns alone, and steps are relative to the parameters.

    .. math::

        R_t &= \beta_{2,t} R_{t-1} + (1 - \beta_{2,t}) \, \text{mean}_j(g_t^2 + \epsilon), \qquad
        C_t = \beta_{2,t} C_{t-1} + (1 - \beta_{2,t}) \, \text{mean}_i(g_t^2 + \epsilon) \\
        u_t &= \frac{g_t}{\sqrt{R_t C_t / \text{mean}(R_t)}}, \qquad
        \beta_{2,t} = 1 - t^{-0.8}, \qquad \alpha_t = \min(10^{-2}, 1 / \sqrt{t}) \\
        p_t &= p_{t-1} - \alpha_t \max(s, \text{rms}(p_{t-1})) \frac{u_t}{\max(1, \text{rms}(u_t) / d)}
               \quad \text{(rms of each leaf)}

    Leaves of fewer than two axes keep an average of the square of each element; of more than two axes the last two
    are those of matrices.

    Args:
      learning_rate: the rate alpha relative to the size of the parameters, at least 0, or a schedule. Default of the
        paper, like the others; `relative_rate(None, warmup=1e-6)` is the paper's with warm-up.
      b1: decay of an average of the finished steps, in [0, 1), or a function of the number of steps taken; None for
        none.
      b2: ... The default needs no correction for the start at 0.
      eps: added to the squares.
      clip_threshold: d, the largest root mean square of a leaf's direction, above 0; None for no limit.
      min_scale: s, the least size of the parameters that counts, at least 0; None for rates that are not relative.
      min_dim_size_to_factor: a leaf of fewer rows or fewer columns keeps an average for each element, at least 1; None
        for no such limit. optax has 128.
      weight_decay: the coefficient of decoupled decay, at least 0, or a schedule; None or 0 for none. Not relative to
        the size of the parameters.
      stacked: ... Of a leaf that stacks matrices each is factored anyway.

    State:
      `state["denominator"].value.rows` and `.columns`: R and C, of shapes (..., n, 1) and (..., 1, m) for a leaf (...,
      n, m); of a leaf that is not factored `.rows` has each element's average and `.columns` a single 0. `.count`:
      steps taken (int32 scalar). With b1 `state["velocity"].value`: the average step, shaped like the parameters. 0.01
      bytes a parameter of a matrix of 1,024 by 1,024.

    Example:
      >>> import optax_zoo as zoo
      >>> tx = zoo.adafactor()
      >>> tx.slots["denominator"]
      root(factored(ema(power_decay())), eps=0)
      >>> tx.slots["rescale"]
      serial(clip=clip_by_norm('avg_l2', 1, eps=0), scale=scale_by_param_norm())

    Claim:
      Use it when memory for a second moment of the parameters' size is missing, as for large transformers.

    Source:
      N. Shazeer, M. Stern (2018), algorithms 4 to 6. PyTorch puts eps elsewhere: it is the least mean of the rows, and
      the least root. fairseq, and torch-optimizer and timm after it, let parameters decay by rate times size times
      decay; PyTorch by the largest rate times decay. timm takes a given rate as it is, not relative to the parameters,
      and factors the first two axes of convolutions. optax's adafactor decays after all else, without the rate.
    """
    average = ema(b2, accumulator_dtype=accumulator_dtype)
    squares = factored(average, eps=eps, min_size=min_dim_size_to_factor, stacked=stacked)
    clip = None if clip_threshold is None else clip_by_norm("avg_l2", clip_threshold, eps=0.0, stacked=stacked)
    scale = None if min_scale is None else scale_by_param_norm("avg_l2", min_norm=min_scale, stacked=stacked)
    return pipeline(
        denominator=root(squares, eps=0.0),
        rescale=in_series(clip=clip, scale=scale),
        learning_rate=learning_rate,
        velocity=None if b1 is None else ema(b1, accumulator_dtype=accumulator_dtype),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
