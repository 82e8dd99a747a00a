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


class Within(NamedTuple):
    """What a step was in a basis, for parts outside it, which are given it as `within=`.

    Attributes:
      basis: the rule of the basis.
      state: the state that it had in the step.
      gradient: the gradient in it.
      direction: what numerator and denominator made of that.
    """

    basis: "BasisRule"
    state: Any
    gradient: Any
    direction: Any


class BasisRule(Rule):
    """The rule of a basis, for the slot of that name; see `eigenbasis` and `subspace`.

    Args:
      init: maps parameters to a state.
      into: maps (tree, state) to the tree in the basis.
      back: maps (tree in the basis, state) to the tree outside.
      turn: maps (gradient, state, directions, scales) to `Turned`, after a step; the last two are lists of trees that
        numerator and denominator keep in the basis. None where it does not change then.
      ready: maps a state to whether steps can be taken in that basis (a bool, or a scalar array of one). Where they
        cannot, the step only turns the basis: the update is 0, and nothing else changes.
      by_leaf: see `Rule`.
      seen: see `Rule`.
      renew: maps (gradient, state) to a state, before a step, which is then taken in the new basis.
      shapes: maps parameters to a tree of leaves with the shapes that they have in the basis, if they have others.
      of_average: whether the numerator is outside the basis, which is renewed by what it returns, and which that is
        then mapped into.
    """

    def __init__(
        self,
        init: Callable[[Any], Any],
        into: Callable[[Any, Any], Any],
        back: Callable[[Any, Any], Any],
        turn: Callable[[Any, Any, list[Any], list[Any]], Turned] | None = None,
        ready: Callable[[Any], Any] = lambda state: True,
        by_leaf: bool = False,
        seen: Callable[[Any], list[str]] | None = None,
        *,
        renew: Callable[[Any, Any], Any] = lambda gradient, state: state,
        shapes: Callable[[Any], Any] | None = None,
        of_average: bool = False,
    ):
        super().__init__(init, self._alone, by_leaf=by_leaf, seen=seen)
        self.into = into
        self.back = back
        self.turn = turn
        self.ready = ready
        self.renew = renew
        self.keeps_shapes = shapes is None
        self.shapes = shapes or (lambda params: params)
        self.of_average = of_average

    def outside(self, tree: Any, state: Any, like: Any) -> Any:
        """A tree in the basis as one outside, like another of which it has been."""
        return self.back(tree, state)

    def _alone(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        """In an optax.chain: the updates in the basis."""
        state = self.renew(updates, state)
        return self.into(updates, state), self.turn(updates, state, [], []).state if self.turn else state
