"""Different optimizers for different kinds of leaves, as one that remembers them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import alignment, diagnosis
from optax_zoo._suggestions import refuse_unknown
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Part, Rule, needs_of
from optax_zoo.primitives.paths import as_keys, keys_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes


@dataclasses.dataclass(frozen=True)
class matrices:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `route`: leaves of two or more axes are "matrices", but for those under some names; others "rest".

    It is not a function, so that `optax.inject_hyperparams` does not take it for a schedule.

    Args:
      but: keys of paths under which leaves are "rest" whatever their shape: embeddings, heads. A key is meant as a
        whole ("embedding", not "embed").
      most_axes: leaves with more axes are "rest": 2 leaves out the kernels of convolutions.
      stacked: which axes stack layers, and do not count; see `normalize_by_norm`.

    Example:
      >>> import jax.numpy as jnp, optax_zoo as zoo
      >>> dense = {"kernel": jnp.ones((4, 4)), "bias": jnp.ones(4)}
      >>> params = {"embed": {"embedding": jnp.ones((9, 4))}, "dense": dense}
      >>> zoo.muon(by=zoo.matrices(but=("embedding",))).sides_of(params)
      {'dense': {'bias': 'rest', 'kernel': 'matrices'}, 'embed': {'embedding': 'rest'}}
    """

    but: tuple[str, ...] = ()
    most_axes: int | None = None
    stacked: Stacked = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "but", as_keys("but", self.but, "('embedding', 'head')"))
        check_stacked(self.stacked)

    def sides(self, tree: Any) -> list[str]:
        """The side of each leaf of a tree."""
        return [side for side, _ in self.reasons(tree)]

    def reasons(self, tree: Any) -> list[tuple[str, str]]:
        """The side of each leaf of a tree, and why it is there."""
        layers = stacked_axes(self.stacked, tree)
        of_leaves = zip(jax.tree.leaves_with_path(tree), layers, strict=True)
        return [self._reason(path, jnp.ndim(leaf), len(stacked)) for (path, leaf), stacked in of_leaves]

    def _reason(self, path: Any, axes: int, of_layers: int) -> tuple[str, str]:
        """The side of a leaf of so many axes, some of which stack layers, and why it is there."""
        named = next((key for key in keys_of(path) if key in self.but), None)
        if named is not None:
            return "rest", f"named {named}"
        own = axes - of_layers
        counted = f"{own} {'axis' if own == 1 else 'axes'}" + " + layers" * bool(of_layers)
        if self.most_axes is not None and own > self.most_axes:
            return "rest", f"{counted}, above {self.most_axes}"
        return "matrices" if own >= 2 else "rest", counted

    def __repr__(self) -> str:
        but = f"but={self.but!r}" if self.but else ""
        most_axes = "" if self.most_axes is None else f"most_axes={self.most_axes}"
        stacked = "" if self.stacked is None else f"stacked={expression(self.stacked, 'stacked')}"
        return f"matrices({', '.join(filter(None, (but, most_axes, stacked)))})"


By: TypeAlias = matrices | Callable[[Any, Any], str]


class Route(Part):
    """An optimizer made of several, each for some of the leaves. Made by `route`; it remembers them as its slots."""

    @property
    def slots(self) -> dict[str, Any]:
        """The optimizers of the sides, by name."""
        return dict(self.rule.slots)  # type: ignore[attr-defined]

    def replace(self, **sides: Any) -> "Route":
        """A new route with other optimizers on the sides named, the rest as it is.

        Args:
          **sides: an optimizer, or the slots to replace within the pipeline of that side:
            `tx.replace(matrices={"rescale": None})`.

        Raises:
          TypeError: for an unknown side, or for what cannot stand there.
        """
        refuse_unknown("side of this route", sides, self.slots)
        new = self.slots
        for name, side in sides.items():
            new[name] = _replaced(name, new[name], side) if isinstance(side, Mapping) else side
        return route(by=self.rule.by, **new)  # type: ignore[attr-defined]

    def sides_of(self, params: Any) -> Any:
        """The side of each leaf, as a tree of names like the parameters: look at it before a long run."""
        return jax.tree.unflatten(jax.tree.structure(params), [side for side, _ in self.reasons(params)])

    def reasons(self, params: Any) -> list[tuple[str, str]]:
        """The side of each leaf, and why it is there, in words."""
        return self.rule.reasons(params)  # type: ignore[attr-defined]


def route(*, by: By = matrices(), **sides: optax.GradientTransformation) -> Route:
    """Composes an optimizer from several, of which each leaf of the parameters has one.

    Args:
      by: the rule. `matrices(...)` sends leaves to the sides "matrices" and "rest"; a function of a leaf's path (as in
        `jax.tree_util.tree_map_with_path`) and the leaf returns the name of any side.
      **sides: the optimizers by name, pipelines or any of optax: `route(matrices=muon_step, rest=adamw(3e-4))`.

    Returns:
      A `Route`, an `optax.GradientTransformationExtraArgs` whose state is a dict by side, in which the leaves of the
      other sides are None.

    Raises:
      TypeError: for a side that is not an optimizer, or without sides.
      ValueError: from `init` and `update`, for a leaf that the rule sends to a side that is not there.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.route(matrices=zoo.sgd(0.1), rest=zoo.sgd(0.01))
      route(matrices=pipeline(learning_rate=0.1), rest=pipeline(learning_rate=0.01))
    """
    rule = _Sides(by, sides)
    return Route(rule.init, rule.update)


class _Sides(Rule):
    """The rule of a route."""

    def __init__(self, by: By, sides: Mapping[str, Any]):
        if not sides:
            raise TypeError("route() has no sides: name the optimizers, route(matrices=..., rest=...).")
        for name, side in sides.items():
            if not isinstance(side, optax.GradientTransformation):
                raise TypeError(f"{name} is {side!r}, but must be an optax.GradientTransformation.")
        if not (isinstance(by, matrices) or callable(by)):
            raise TypeError(f"by is {by!r}, but must be matrices(...) or a function of a leaf's path and the leaf.")
        self.by = by
        self.slots = dict(sides)
        self.updates = {name: optax.with_extra_args_support(side).update for name, side in sides.items()}
        shown = [f"{name}={expression(side, name)}" for name, side in sides.items()]
        shown += [] if by == matrices() else [f"by={expression(by, 'by')}"]
        super().__init__(self.init, self.update, needs_of(*sides.values()), expression=f"route({', '.join(shown)})")

    def init(self, params: Any) -> dict[str, Any]:
        leaves, treedef = jax.tree.flatten(alignment.moved(params))
        sides = self.sides(jax.tree.unflatten(treedef, leaves))
        return {name: tx.init(_only(name, sides, leaves, treedef)) for name, tx in self.slots.items()}

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        self.check_params(params)
        if not (isinstance(state, dict) and state.keys() == self.slots.keys()):
            raise diagnosis.of_slots(self, state)
        aligned = alignment.align(updates, state, params)
        treedef: Any = jax.tree.structure(aligned.updates)
        leaves = jax.tree.leaves(aligned.updates)
        sides = self.sides(aligned.updates)
        at = None if params is None else treedef.flatten_up_to(aligned.params)
        made, after = {}, dict(state)
        for name in dict.fromkeys(sides):
            own = None if at is None else _only(name, sides, at, treedef)
            u, after[name] = self.updates[name](_only(name, sides, leaves, treedef), state[name], own, **extra_args)
            made[name] = iter(jax.tree.leaves(u))
        u = jax.tree.unflatten(treedef, [next(made[side]) for side in sides])
        return (u, after) if aligned.finish is None else aligned.finish(u, after, state)

    def sides(self, tree: Any) -> list[str]:
        """The side of each leaf of a tree."""
        return [side for side, _ in self.reasons(tree)]

    def reasons(self, tree: Any) -> list[tuple[str, str]]:
        """The side of each leaf of a tree, and why it is there."""
        paths, by = jax.tree.leaves_with_path(tree), self.by
        if isinstance(by, matrices):
            reasons = by.reasons(tree)
        else:
            reasons = [(_asked(by, *each), f"by {expression(by, 'by')}") for each in paths]
        for (side, _), (path, leaf) in zip(reasons, paths, strict=True):
            if side not in self.slots:
                raise ValueError(
                    f"by gives {side!r} for the leaf {jax.tree_util.keystr(path)} of shape {jnp.shape(leaf)}, but must "
                    f"give one of the sides {', '.join(map(repr, self.slots))}."
                )
        return reasons


def _asked(by: Callable[[Any, Any], str], path: Any, leaf: Any) -> str:
    """The side that a function gives a leaf."""
    try:
        return by(path, leaf)
    except Exception as error:
        error.add_note(f"This was in the rule of the route, at the leaf {jax.tree_util.keystr(path)}.")
        raise


def _replaced(name: str, side: Any, slots: Mapping[str, Any]) -> Any:
    """The optimizer of a side with other parts in its slots."""
    if not isinstance(side, (Pipeline, Route)):
        raise TypeError(f"{name} has the slots {', '.join(slots)} replaced, but {side!r} has no slots: give it whole.")
    return side.replace(**slots)


def _only(name: str, sides: list[str], leaves: list[Any], treedef: Any) -> Any:
    """A tree with None in place of the leaves of other sides."""
    return jax.tree.unflatten(
        treedef, [leaf if side == name else None for leaf, side in zip(leaves, sides, strict=True)]
    )
