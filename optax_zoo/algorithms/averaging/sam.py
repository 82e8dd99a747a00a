"""Sharpness-aware minimization around any optimizer."""

from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._inner import inner_row
from optax_zoo.parts import sharpness_aware
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SAM: sharpness-aware minimization",
    paper="Foret, Kleiner, Mobahi and Neyshabur: Sharpness-Aware Minimization for Efficiently Improving Generalization",
    year=2021,
    url="https://arxiv.org/abs/2010.01412",
    example={"learning_rate": 1e-2},
    claims=("order", "rest", "scale", "sign"),
    expected_failures={
        "rosenbrock": "a step takes two updates, and the bottom of a narrow valley is not where the loss around is low"
    },
    proof="authors' code",
    also_called=("asam",),
)
def sam(
    inner: optax.GradientTransformation | None = None,
    rho: Scalar = 0.05,
    *,
    adaptive: bool = False,
    eps: Scalar = 1e-12,
    axis_name: Any = None,
    learning_rate: ScalarOrSchedule | None = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, that is given the gradient of a point nearby where the loss is larger.

    Updates come in turns, each for a gradient at the parameters that the loop holds: the first of two climbs to that
    point, the second goes back and takes the step, so that a step costs two gradients.

    .. math::

        e = \rho \frac{T^2 g(p_{t-1})}{\|T g(p_{t-1})\| + \epsilon}, \qquad
        p_t = p_{t-1} + \text{inner}(g(p_{t-1} + e))

    with T = 1, or, where it is adaptive, T = :math:`|p_{t-1}|`, and the norm of all leaves together. The parameters to
    evaluate with are those that are climbed from, which `evaluation_params` gives.

    Args:
      inner: the optimizer that takes the steps; None stands for `adam(learning_rate)`.
      rho: how far the point is, at least 0. Default of the paper; for the adaptive form ten times as much.
      adaptive: whether the distance of an element is relative to its parameter (ASAM).
      eps: added to the norm.
      learning_rate: the rate of the default inner optimizer, 1e-3 unless given; not to be given with `inner`.

    State:
      `state["learning_rate"].inner`: that of the inner optimizer; `.origin`: the parameters that were climbed from,
      shaped like the parameters, float32 or wider; `.turn` (int32 scalar). 12 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or a learning_rate beside an inner optimizer.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sam(zoo.momentum(0.1, 0.9), rho=0.1)
      pipeline(learning_rate=sharpness_aware(pipeline(learning_rate=0.1, velocity=trace(0.9)), 0.1))

    Claim:
      Use it when twice the computing is worth a model that generalizes better, and that label noise harms less.

    Source:
      P. Foret et al. (2021), and davda54/sam, which is what most use, with the adaptive form of J. Kwon et al. (2021).
      There elements of the adaptive form are as far as :math:`p^2 g`, and the norm that of :math:`|p| g`, as here.
      optax.contrib.sam takes the same turns. Counters and schedules of the inner optimizer count its own steps.
    """
    row = inner_row(inner, learning_rate)
    return pipeline(learning_rate=sharpness_aware(row, rho, adaptive=adaptive, eps=eps, axis_name=axis_name))
