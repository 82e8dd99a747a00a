"""ScionLight."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import SUMS_OF_GRADIENTS, WHOLE_MATRICES
from optax_zoo.algorithms.matrix.scion import Ball, scion
from optax_zoo.parts import trace
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.coefficients import KELLER_JORDAN, Coefficients
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=scion,
    full_name="ScionLight: Scion whose gradients add up",
    expected_failures={
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
        "huge_gradients": SUMS_OF_GRADIENTS,
    },
)
def scion_light(
    learning_rate: ScalarOrSchedule = 1e-3,
    momentum: Decay = 0.9,
    *,
    norm: Ball = "auto",
    radius: Scalar = 1.0,
    constrained: bool = True,
    normalized: bool | None = None,
    at_least_one: bool = False,
    transposed: bool = False,
    ns_steps: int = 5,
    ns_coefficients: Coefficients = KELLER_JORDAN,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    outputs: Outputs = "last",
    stacked: Stacked = None,
    ns_dtype: DType = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""ScionLight: Scion with a sum of gradients that decays in place of their average.

    .. math::

        m_t = \mu m_{t-1} + g_t, \qquad s_t = \rho \, \underset{\|s\| \le 1}{\mathrm{arg\,max}} \langle m_t, s \rangle,
        \qquad p_t = (1 - \alpha_t) p_{t-1} - \alpha_t s_t

    As steps do not depend on how long m is, they are Scion's, but for the 1e-8 and 1e-7 that norms have added.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.scion_light().slots["numerator"]
      trace(0.9)

    Claim:
      Use it when you compare with code that uses it: here it saves nothing.

    Source:
      T. Pethick et al. (2025); LIONS-EPFL/scion, where the sum is kept in the buffers of the gradients, which the
      training loop must not clear, so that the optimizer has no state. JAX has no such buffers. The trajectories
      recorded of pytorch_optimizer set new gradients at each step, so that it has no momentum at all: they are replayed
      with 0.
    """
    tx = scion(
        learning_rate,
        norm=norm,
        radius=radius,
        constrained=constrained,
        normalized=normalized,
        at_least_one=at_least_one,
        transposed=transposed,
        ns_steps=ns_steps,
        ns_coefficients=ns_coefficients,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        outputs=outputs,
        stacked=stacked,
        ns_dtype=ns_dtype,
    )
    return tx.replace(numerator=trace(momentum, accumulator_dtype=accumulator_dtype))
