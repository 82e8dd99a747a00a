"""Mechanic."""

from functools import partial
from typing import Any

import optax
from optax import ScalarOrSchedule

from optax_zoo._checks import whole
from optax_zoo.algorithms._inner import inner_row
from optax_zoo.parts import mechanic_steps
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Mechanic: any optimizer whose rate is learnt",
    paper="Cutkosky, Defazio and Mehta: Mechanic: A Learning Rate Tuner",
    year=2023,
    url="https://arxiv.org/abs/2306.00144",
    example={"learning_rate": 1.0, "s_init": 1e-3},
    claims=("order", "rest"),
    proof="authors' code",
    also_called=("mechanic",),
)
def mechanize(
    inner: optax.GradientTransformation | None = None,
    *,
    weight_decay: Scalar = 1e-2,
    eps: Scalar = 1e-8,
    s_init: Scalar = 1e-6,
    num_betas: int | None = None,
    learning_rate: ScalarOrSchedule | None = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, with a factor of all its steps that is learnt from products of gradients and steps.

    With the step u of the inner optimizer, and for each of :math:`\beta_i = 1 - 10^{-i}`,

    .. math::

        \Delta_{t-1} &= \frac{p_0 - p_{t-1}}{S_{t-1} + \epsilon}, \qquad S = \sum_i s_i, \qquad
        h_t = \left\langle g_t + \lambda S_{t-1} \frac{\|g_t\|}{\|p_{t-1}\| + \epsilon} p_{t-1}, \Delta_{t-1}
              \right\rangle \\
        r_t &= \beta r_{t-1} + s_{t-1} \mathrm{clip}(h_t, -m_{t-1}, m_{t-1}), \qquad
        m_t = \max(\beta m_{t-1}, |h_t| + \epsilon), \qquad v_t = \beta^2 v_{t-1} + h_t^2 \\
        s_t &= \frac{m_t s_{init} / n + \max(r_t, 0)}{\sqrt{v_t} + \epsilon}, \qquad
        p_t = p_0 - S_t (\Delta_{t-1} - u_t)

    Args:
      inner: the optimizer that makes the steps; None stands for `adam(learning_rate)`.
      weight_decay: lambda, at least 0, which draws the factor to 0. Default of the authors, like all that follow.
      eps: epsilon, which keeps quotients finite.
      s_init: the first factor, above 0.
      num_betas: the number n of decays, at least 1; None for 6.
      learning_rate: the rate of the default inner optimizer, 1 unless given, or a schedule that starts there; not to be
        given with `inner`.

    State:
      That of the inner optimizer: by slot for a `Pipeline`, else in `state["learning_rate"]`; and `state["iterate"]`:
      `.scales`: s, `.reward`: r, `.largest`: m, `.squares`: v (an entry for each decay), `.start`: the first
      parameters, shaped like the parameters, float32 or wider. 12 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or a learning_rate beside an inner optimizer.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.mechanize(zoo.sgd(1.0))
      pipeline(learning_rate=1, iterate=mechanic_steps())

    Claim:
      Use it when an optimizer that works is to be trained without a search for its rate; leave its rate at 1.

    Source:
      A. Cutkosky et al. (2023); optax.contrib, which the authors wrote, and whose clipping of h they added after the
      paper. Their package for PyTorch does not clip, starts factors at 0 and m at 1e-6, has no eps in m, keeps r at 0
      or above, takes lambda's pull at the parameters that the inner step has led to, and has an `s_init` of 1e-8: its
      factors start later. Products are with the gradient as it is given: an inner row that changes it first, in its
      slot gradient, is put into the slot learning_rate as a whole.
    """
    steps = inner_row(inner, 1.0 if inner is None and learning_rate is None else learning_rate)
    row = pipeline(learning_rate=steps) if "gradient" in steps.slots else steps
    tuned = partial(mechanic_steps, weight_decay, eps=eps, s_init=s_init, axis_name=axis_name)
    if num_betas is None:
        return row.replace(iterate=tuned())
    whole("num_betas", num_betas)
    return row.replace(iterate=tuned(betas=tuple(1 - 0.1**power for power in range(1, int(num_betas) + 1))))
