"""What a basis is: a part that maps gradients in and directions back, and turns as the gradients come."""

from collections.abc import Callable
from typing import Any, NamedTuple

from optax_zoo.primitives.part import Rule


class Turned(NamedTuple):
    """What becomes of a basis and of what was kept in it.

    Attributes:
      state: the state of the basis after the step.
      directions: averages of gradients (the state of the numerator), carried over to the new basis.
      scales: elementwise scales (the state of the denominator), carried over.
    """

    state: Any
    directions: list[Any]
    scales: list[Any]


class BasisRule(Rule):
    """The rule of a basis, for the slot of that name; see `eigenbasis`.

    Args:
      init: maps parameters to a state.
      into: maps (tree, state) to the tree in the basis.
      back: maps (tree in the basis, state) to the tree outside.
      turn: maps (gradient, state, directions, scales) to `Turned`, after a step; the last two are lists of trees that
        numerator and denominator keep in the basis.
      ready: maps a state to whether steps can be taken in that basis (a bool, or a scalar array of one). Where they
        cannot, the step only turns the basis: the update is 0, and nothing else changes.
      by_leaf: see `Rule`.
    """

    def __init__(
        self,
        init: Callable[[Any], Any],
        into: Callable[[Any, Any], Any],
        back: Callable[[Any, Any], Any],
        turn: Callable[[Any, Any, list[Any], list[Any]], Turned],
        ready: Callable[[Any], Any],
        by_leaf: bool = False,
    ):
        super().__init__(init, self._alone, by_leaf=by_leaf)
        self.into = into
        self.back = back
        self.turn = turn
        self.ready = ready

    def _alone(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        """In an optax.chain: the updates in the basis."""
        return self.into(updates, state), self.turn(updates, state, [], []).state
