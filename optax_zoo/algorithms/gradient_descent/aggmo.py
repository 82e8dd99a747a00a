"""Aggregated momentum."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import SUMS_OF_GRADIENTS
from optax_zoo.parts import coupled_decay, identity, optional, parallel, scaled, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AggMo: aggregated momentum",
    paper="Lucas, Sun, Zemel and Grosse: Aggregated Momentum: Stability Through Passive Damping",
    year=2019,
    url="https://arxiv.org/abs/1804.00325",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"huge_gradients": SUMS_OF_GRADIENTS},
    proof="authors' code",
)
def aggmo(
    learning_rate: ScalarOrSchedule = 0.1,
    decays: tuple[Scalar, ...] = (0.0, 0.9, 0.99),
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AggMo: the mean of several momenta, which decay at different speeds.

    .. math::

        v^{(i)}_t &= \beta_i v^{(i)}_{t-1} + g_t, \qquad i = 1, \ldots, K \\
        p_t &= p_{t-1} - \frac{\alpha_t}{K} \sum_i v^{(i)}_t

    Args:
      learning_rate: ... Default of the paper's experiments on images.
      decays: the beta of each momentum, in [0, 1). The paper recommends 1 - 0.1^i for i = 0, 1, ..., K - 1; its
        default is K = 3.

    State:
      `state["momentum"]["velocity_2"].value` and so on: v by their places, each shaped like the parameters; there is
      none for a decay of 0, where v is the gradient. 8 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or no decays.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.aggmo(0.1, (0.0, 0.9)).slots["momentum"]
      scaled(0.5, parallel(velocity_1=scaled(1, identity), velocity_2=trace(0.9)))

    Claim:
      Use it when momentum oscillates at large decays: the paper finds decays of 0.999 stable beside small ones, and the
      defaults a replacement that needs no tuning.

    Source:
      J. Lucas et al. (2019); AtheMathmo/AggMo, with which torch-optimizer and pytorch_optimizer agree. These keep their
      sums by decay, so that equal decays would share one, to which each of them adds the gradient. Two decays with
      weights of one's own are `scaled` in `parallel`, as in AdEMAMix.
    """
    if not decays:
        raise ValueError("decays is (), but must have at least one number.")
    velocities = {
        f"velocity_{place}": scaled(1.0, identity)
        if _checks.is_absent(decay)
        else trace(decay, accumulator_dtype=accumulator_dtype)
        for place, decay in enumerate(decays, 1)
    }
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        momentum=scaled(1 / len(decays), parallel(**velocities)),
        learning_rate=learning_rate,
    )
