"""Averages of parameters around any optimizer."""

from typing import Literal

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._inner import inner_row
from optax_zoo.parts import averaged_params
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Average of parameters: EMA, Polyak-Ruppert, SWA",
    paper="Polyak and Juditsky: Acceleration of Stochastic Approximation by Averaging",
    year=1992,
    url="https://doi.org/10.1137/0330046",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
    also_called=("swa", "ema", "ema_params", "polyak_averaging", "AveragedModel", "ModelEma"),
)
def averaged(
    inner: optax.GradientTransformation | None = None,
    decay: Decay | None = 0.999,
    *,
    debias: bool = False,
    seeded: Literal["first_step"] | None = None,
    begin: int = 0,
    every: int = 1,
    learning_rate: ScalarOrSchedule | None = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, with an average of its parameters beside it, which leaves the training as it is.

    The parameters of the training loop are p; those to evaluate with are the average a, which `evaluation_params`
    gives.

    .. math::

        p_t = p_{t-1} + \text{inner}(g_t), \qquad
        a \leftarrow a + \frac{1 - d_n}{w} (p_t - a) \quad \text{every k steps after the first b}

    for the n-th time; w is 1, with `debias` the sum of the weights that the average has given, :math:`1 - d^n`.

    Args:
      inner: the optimizer that takes the steps; None stands for `adam(learning_rate)`.
      decay: d, in [0, 1), or a function of the number of parameters averaged so far; None for the arithmetic mean,
        :math:`d_n = 1 - 1 / n`.
      debias: whether the average has only parameters after steps in it, each with the weight that d gives it; else
        it starts from the parameters before the first step that is averaged.
      seeded: "first_step": the average starts from the first parameters averaged, as in PyTorch.
      begin: the number b of steps before the first that counts, at least 0.
      every: the number k of steps for each that is averaged, at least 1.
      learning_rate: the rate of the default inner optimizer, 1e-3 unless given; not to be given with `inner`.

    State:
      That of the inner optimizer: by slot for a `Pipeline`, else in `state["learning_rate"]`; and
      `state["iterate"].average`: a, shaped like the parameters, float32 or wider. 12 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or a learning_rate beside an inner optimizer.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.averaged(zoo.sgd(0.1), 0.99)
      pipeline(learning_rate=0.1, iterate=averaged_params(0.99))
      >>> zoo.averaged(zoo.momentum(0.1), None, begin=1000, every=50).slots["iterate"]  # SWA
      averaged_params(begin=1000, every=50)

    Claim:
      Use it when the last parameters are noisy: their average is often better, at the cost of memory alone.

    Source:
      B. T. Polyak, A. B. Juditsky (1992), of the mean of all parameters; P. Izmailov et al. (2018), SWA, of those at
      the end of cycles. torch.optim.swa_utils.AveragedModel starts from the first parameters that it is shown, which
      is `seeded`; timm's ModelEma from those before. `optax.ema` of parameters starts from 0, and is `debias`.
    """
    average = averaged_params(decay, debias=debias, seeded=seeded, begin=begin, every=every)
    return inner_row(inner, learning_rate).replace(iterate=average)
