"""L-DoG."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.rate_free.dog import dog
from optax_zoo.parts import coupled_decay, dog_rate, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=dog, full_name="L-DoG: distance over gradients, leaf by leaf", claims=("apart", "order", "rest", "sign")
)
def ldog(
    learning_rate: ScalarOrSchedule = 1.0,
    reps_rel: Scalar = 1e-6,
    *,
    init_eta: Scalar | None = None,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""DoG with a rate for each leaf, from the distance and the gradients of this leaf alone.

    .. math::

        \bar r_t &= \max(\bar r_{t-1}, \|p_{t-1} - p_0\|), \qquad \bar r_0 = \rho (1 + \|p_0\|), \qquad
        G_t = G_{t-1} + \|g_t\|^2, \qquad G_0 = \epsilon \\
        p_t &= p_{t-1} - c\, \frac{\bar r_t}{\sqrt{G_t}}\, g_t

    State:
      `state["learning_rate"]`: `.distance`: the largest distance, `.size`: the root of G (trees of a scalar a leaf),
      `.start`: the first parameters, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.ldog()
      pipeline(learning_rate=dog_rate(scope='leaf'))

    Claim:
      Use it when layers need steps of different sizes, as in transformers that are fine-tuned, and DoG's are too small.

    Source:
      M. Ivgi, O. Hinder, Y. Carmon (2023); formll/dog, whose cases are replayed. A decoupled decay has no rate to
      follow, since there is one a leaf: the decay is coupled.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=dog_rate(
            learning_rate, reps_rel=reps_rel, init_eta=init_eta, eps_root=eps, scope="leaf", axis_name=axis_name
        ),
    )
