"""A model as plain functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Tree = Any


class Network(NamedTuple):
    """A model.

    Attributes:
      init: from a key to parameters.
      apply: from parameters, inputs and, where there is one, the state to scores, as in evaluation.
      train: from parameters, inputs, a key and the state to scores as in training, and the new state; None where
        training computes the same.
      state: what is carried along but not trained, such as running averages, as it is at the start; None for nothing.
    """

    init: Callable[[jax.Array], Tree]
    apply: Callable[..., Any]
    train: Callable[[Tree, jax.Array, jax.Array, Tree], tuple[Any, Tree]] | None = None
    state: Tree = None

    @property
    def given(self) -> tuple[Tree, ...]:
        """What `apply` is given beside parameters and inputs, as it is at the start."""
        return () if self.state is None else (self.state,)
