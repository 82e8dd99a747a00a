"""What wrappers around a whole optimizer share."""

from typing import Any

import optax

from optax_zoo._checks import Refused, refusal
from optax_zoo.primitives.part import Rule


class Around(Rule):
    """The rule of a wrapper around an optimizer: updates are returned in the dtypes that they are made in."""

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> tuple[Any, Any]:
        self.check_params(params)
        return self.update_fn(updates, state, params, **extra_args)


def inner_of(tx: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """The optimizer that is wrapped, which may be given extra arguments.

    Raises:
      TypeError: if it is none.
    """
    if not isinstance(tx, optax.GradientTransformation):
        raise refusal(TypeError, Refused("tx", tx, "an optax.GradientTransformation"))
    return optax.with_extra_args_support(tx)


def needs_around(needs: tuple[str, ...]) -> tuple[str, ...]:
    """What a wrapper that needs the parameters, around an optimizer with needs, must be given."""
    return ("params", *(need for need in needs if need != "params"))
