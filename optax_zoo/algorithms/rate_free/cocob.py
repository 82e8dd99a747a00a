"""COCOB."""

from optax import ScalarOrSchedule

from optax_zoo.parts import coin_betting, coupled_decay, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="COCOB: continuous coin betting, backpropagated",
    paper="Orabona and Tommasi: Training Deep Networks without Learning Rates Through Coin Betting",
    year=2017,
    url="https://arxiv.org/abs/1705.07795",
    example={"learning_rate": 1.0},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
)
def cocob(
    learning_rate: ScalarOrSchedule = 1.0,
    alpha: Scalar = 100.0,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""Each parameter goes as far from its start as a gambler would bet who knows where gradients have pointed so far.

    Elementwise, with the gradient times the factor c,

    .. math::

        L_t &= \max(L_{t-1}, |g_t|), \qquad G_t = G_{t-1} + |g_t|, \qquad
        R_t = \max(R_{t-1} - g_t (p_{t-1} - p_0), 0), \qquad L_0 = \epsilon \\
        p_t &= p_0 - \frac{\sum_{s \le t} g_s}{L_t \max(G_t + L_t, \alpha L_t)} (L_t + R_t)

    Args:
      learning_rate: a factor c of gradients, at least 0, or a schedule; a constant changes nothing but the weight of
        eps.
      alpha: at least 0; about as many steps stay short at the start. Default of the paper.
      eps: the first L, above 0. Default of the authors' code.

    State:
      `state["learning_rate"]`: `.start`: the first parameters, `.gradient_sum`, `.largest`: L, `.sizes`: G and
      `.reward`: R, all shaped like the parameters, float32 or wider. 20 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.cocob()
      pipeline(learning_rate=coin_betting())

    Claim:
      Use it when there is to be no rate at all, not even an estimated one, and there is memory for five more copies of
      the parameters.

    Source:
      F. Orabona, T. Tommasi (2017), algorithm 2; bremen79/parameterfree, and optax.contrib, which agree.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=coin_betting(learning_rate, alpha=alpha, eps=eps),
    )
