"""Fromage."""

import dataclasses
from typing import Any

import jax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import proximal_decay, trust_ratio
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.registry import algorithm


@dataclasses.dataclass(frozen=True)
class orthogonal_shrinkage:  # noqa: N801  (used like a schedule function)
    """The proximal decay that divides by :math:`\\sqrt{1 + \\alpha^2}`, what a step across the parameters lengthens.

    Args:
      rate: alpha, a schedule.
    """

    rate: Any

    def __call__(self, count: jax.Array) -> Any:
        return _shrinkage(self.rate(count))

    def __repr__(self) -> str:
        return f"orthogonal_shrinkage({expression(self.rate, 'rate')})"


def _shrinkage(rate: ScalarOrSchedule) -> Any:
    """The coefficient of such a decay: of a number, or a schedule of a schedule."""
    _checks.non_negative("learning_rate", rate, schedule=True)
    return orthogonal_shrinkage(rate) if callable(rate) else rate / (1 + (1 + rate * rate) ** 0.5)


@algorithm(
    full_name="Fromage: Frobenius matched gradient descent",
    paper="Bernstein, Vahdat, Yue and Liu: On the distance between two neural networks and the stability of learning",
    year=2020,
    url="https://arxiv.org/abs/2002.03432",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "scale"),
    proof="authors' code",
)
def fromage(learning_rate: ScalarOrSchedule = 1e-2, *, axis_name: Any = None, stacked: Stacked = None) -> Pipeline:
    r"""Fromage: in each layer a step in proportion to the parameters, which are then shortened to their old length.

    .. math::

        p_t = \frac{1}{\sqrt{1 + \alpha_t^2}} \left( p_{t-1} - \alpha_t \frac{\|p_{t-1}\|}{\|g_t\|} g_t \right)
               \quad \text{(per leaf; without the ratio where either norm is 0)}

    A step across the parameters would leave their length as it is.

    Args:
      learning_rate: ... It is the length of a step relative to the parameters. Default of the authors' code, which they
        recommend for everything.

    State:
      Nothing for a constant rate; counters (int32 scalars) for a schedule. 0 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.fromage(1.0).slots["rescale"], zoo.fromage(0.01).slots.keys()
      (trust_ratio(), dict_keys(['rescale', 'learning_rate', 'decay']))

    Claim:
      Use it when one rate is to serve many architectures, and there is no memory for an optimizer's state.

    Source:
      J. Bernstein et al. (2020), jxbz/fromage. The division is the proximal decay of coefficient alpha / (1 +
      sqrt(1 + alpha^2)). Their option `p_bound`, a largest length relative to the first one, is left out here.
      pytorch_optimizer takes the same steps.
    """
    return pipeline(
        rescale=trust_ratio(axis_name=axis_name, stacked=stacked),
        learning_rate=learning_rate,
        decay=proximal_decay(_shrinkage(learning_rate)),
    )
