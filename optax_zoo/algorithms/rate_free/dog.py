"""DoG."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, dog_rate, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="DoG: distance over gradients",
    paper="Ivgi, Hinder and Carmon: DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule",
    year=2023,
    url="https://arxiv.org/abs/2302.12022",
    example={"learning_rate": 1.0, "reps_rel": 1e-3},
    claims=("order", "rest", "sign"),
    proof="authors' code",
)
def dog(
    learning_rate: ScalarOrSchedule = 1.0,
    reps_rel: Scalar = 1e-6,
    *,
    init_eta: Scalar | None = None,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Gradient descent at the rate largest distance from the start, over the root of the sum of all squared norms.

    .. math::

        \bar r_t &= \max(\bar r_{t-1}, \|p_{t-1} - p_0\|), \qquad \bar r_0 = \rho (1 + \|p_0\|), \qquad
        G_t = G_{t-1} + \|g_t\|^2, \qquad G_0 = \epsilon \\
        p_t &= p_{t-1} - c\, \frac{\bar r_t}{\sqrt{G_t}}\, g_t

    Args:
      learning_rate: the factor c, at least 0, or a schedule; leave it at 1. Default of the authors' code, like all
        that follow.
      reps_rel: rho, above 0: the first distance, relative to the size of the parameters. The paper has 1e-4 for
        networks with batch normalization.
      init_eta: the first rate, above 0, instead of that which follows from rho; it has no factor c.
      eps: added to the sum of squares, inside the root.

    State:
      `state["learning_rate"]`: `.distance`: the largest distance, `.size`: the root of G (scalars), `.start`: the first
      parameters, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dog()
      pipeline(learning_rate=dog_rate())
      >>> zoo.adamw().replace(learning_rate=zoo.dog_rate()).slots["learning_rate"]
      dog_rate()

    Claim:
      Use it when plain or averaged gradient descent is to be trained without a search for its rate.

    Source:
      M. Ivgi, O. Hinder, Y. Carmon (2023); formll/dog, whose cases are replayed. They evaluate an average of the
      parameters whose weights grow polynomially, and call that necessary for the best results:
      `dog().replace(iterate=averaged_params(lambda n: n / (n + 9)))`. Where other slots make something of the gradient,
      as in the second example, norms are of the direction that the rate multiplies, Adam's quotient there, so that the
      rate has its units. The authors' code with `init_eta` starts from a distance of 0, and so never moves again after
      a first gradient of 0; here the rate is `init_eta` until the parameters have moved. optax multiplies `init_eta`
      with the factor, too.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=dog_rate(learning_rate, reps_rel=reps_rel, init_eta=init_eta, eps_root=eps, axis_name=axis_name),
    )
