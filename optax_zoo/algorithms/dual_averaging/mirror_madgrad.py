"""Mirror-descent MADGRAD."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.dual_averaging.madgrad import madgrad
from optax_zoo.parts import (
    coupled_decay,
    identity,
    optional,
    power_growth,
    primal_averaging,
    root,
    scaled,
    square,
    total,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(variant_of=madgrad, full_name="Mirror-descent MADGRAD")
def mirror_madgrad(
    learning_rate: ScalarOrSchedule = 1e-2,
    momentum: Scalar = 0.9,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""MADGRAD by mirror descent: each step from where the last one led, instead of all from the start.

    .. math::

        \nu_t &= \nu_{t-1} + \sqrt{t} g_t^2, \qquad z_t = z_{t-1} - \alpha_t \frac{\sqrt{t} g_t}{\nu_t^{1/3}} \\
        p_t &= \beta p_{t-1} + (1 - \beta) z_t

    A gradient element that has always been 0 does not move its parameter.

    State:
      `state["denominator"].value`: nu, and `state["iterate"].base`: z, both shaped like the parameters. 8 bytes a
      parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.mirror_madgrad(0.01).slots["iterate"]
      primal_averaging()

    Claim:
      Use it when MADGRAD is to run very long, or in low precision: its steps do not depend on how far the start is.

    Source:
      A. Defazio's package madgrad, MirrorMADGRAD. There the average of squares is kept divided by the root of t, and
      the step multiplied by the cube root of t, which is the same as long as eps is 0, its default; decoupled decay
      acts on z.
    """
    weight = power_growth(0.5)
    squares = total(of=square, weight=weight, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=scaled(weight, identity),
        denominator=root(squares, eps=0.0, order=3, still=True),
        learning_rate=learning_rate,
        iterate=primal_averaging(momentum),
    )
