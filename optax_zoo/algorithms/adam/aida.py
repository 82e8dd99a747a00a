"""Aida."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adabelief import adabelief
from optax_zoo.parts import debiased, ema, mutual_projections, residual, root, square
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adabelief,
    full_name="Aida: step sizes of little range, by projections of gradient and average onto each other",
    paper="Zhang, Niwa and Kleijn: A DNN Optimizer that Improves over AdaBelief by Suppression of the Adaptive "
    "Stepsize Range",
    year=2022,
    url="https://arxiv.org/abs/2203.13273",
    proof="an independent implementation",
)
def aida(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    projections: int = 2,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""Aida: AdaBelief, with gradient and average projected onto each other before their difference is taken.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad x_0 = g_t, \quad y_0 = m_t \quad \text{(per leaf)} \\
        x_k &= \frac{\langle x_{k-1}, y_{k-1} \rangle}{\|x_{k-1}\|^2} x_{k-1}, \qquad
               y_k = \frac{\langle x_{k-1}, y_{k-1} \rangle}{\|y_{k-1}\|^2} y_{k-1}, \qquad k = 1, \dots, K \\
        s_t &= \beta_2 s_{t-1} + (1 - \beta_2) (x_K - y_K)^2 + \epsilon \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{(\sqrt{s_t} + \epsilon) / \sqrt{1 - \beta_2^t}}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer, like the others.
      b2: decay of the average squared difference, in [0, 1), or a function of the number of steps taken.
      projections: K, at least 0. With 0 it is AdaBelief; with 2 the difference is AdaBelief's times the squared cosine
        of the angle of gradient and average.
      eps: added to the average in every step, and outside the uncorrected root. Default of pytorch_optimizer.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.aida(1e-3).slots["denominator"]
      debiased(residual(root(ema(0.999, of=square, increment=1e-08)), projected=mutual_projections(2)))

    Claim:
      Use it when Adam's step sizes differ too much between the elements of a layer, and the network generalizes less
      well than it does with gradient descent.

    Source:
      G. Zhang, K. Niwa, W. B. Kleijn (2022); pytorch_optimizer 4.1.0, whose trajectories are replayed. It adds 1e-15
      inside the root, and 1e-20 to the squared norms, as `mutual_projections` does. Two projections of a leaf of one
      element change nothing: there Aida is AdaBelief, but for the place of eps.
    """
    plain = adabelief(
        learning_rate,
        b1,
        b2,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    average = ema(b2, of=square, increment=eps, accumulator_dtype=accumulator_dtype)
    projected = mutual_projections(projections, axis_name=axis_name, stacked=stacked)
    return plain.replace(denominator=debiased(residual(root(average, eps=eps), projected=projected)))
