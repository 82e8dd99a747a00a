"""The recursion of accumulators: its coefficients, which may change from step to step."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.types import Decay


class Recursion:
    """The coefficients of s <- a s + b f(x), and of c s + d f(x), which is returned where that is not the new s.

    Args:
      decay: a, or a function of the number of steps taken.
      gain: maps a to b.
      weight: what b is multiplied by, or a function of the number of steps taken.
      blend: return blend s + (1 - blend) f(x) with the s before the step; None for the new s.
      nesterov: return a s + b f(x) with the new s.
      first_whole: whether at the first step a is 0 and b is 1.

    Attributes:
      counts: whether they depend on the number of steps taken.
      mixes: whether what is returned is not the new s.
    """

    def __init__(
        self,
        decay: Decay,
        gain: Callable[[Any], Any],
        weight: Decay,
        blend: Decay | None,
        nesterov: bool,
        first_whole: bool,
    ):
        self._decay, self._gain, self._weight = decay, gain, weight
        self._blend, self._nesterov, self._first_whole = blend, nesterov, first_whole
        self.counts = callable(decay) or callable(blend) or callable(weight) or first_whole
        self.mixes = nesterov or blend is not None
        self._weighs = callable(weight) or not (_checks.is_number(weight) and weight == 1)
        self._constant = None if self.counts else self._of(decay, weight)

    def coefficients(self, state: Any) -> tuple[Any, Any]:
        """a and b at the step that a state is before."""
        if self._constant is not None:
            return self._constant
        a, b = self._of(_at(self._decay, state), _at(self._weight, state))
        if self._first_whole:
            a, b = jnp.where(state.count == 0, 0, a), jnp.where(state.count == 0, 1, b)
        return a, b

    def returned(self, state: Any) -> tuple[Any, Any]:
        """c and d, where c is that of the new s."""
        if self._nesterov:
            return self.coefficients(state)
        # Of the old s, which would have to be kept, the share would be the blend itself.
        share = _at(self._blend, state) / _at(self._decay, state)
        return share, 1 - share

    def _of(self, decay: Any, weight: Any) -> tuple[Any, Any]:
        return decay, self._gain(decay) * weight if self._weighs else self._gain(decay)


def _at(coefficient: Any, state: Any) -> Any:
    return coefficient(state.count) if callable(coefficient) else coefficient
