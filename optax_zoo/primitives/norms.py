"""Norms by name, and the two transformations that divide or clip by one."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.scale import Scale, by_count, by_largest, quartered
from optax_zoo.primitives.sizes import Norm, Size, is_over_reduction, measured_by
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.statistics import absolute, identity, square
from optax_zoo.primitives.trees import leaves_beside
from optax_zoo.primitives.types import Scalar, Scope

Measured = Callable[..., Any]  # of updates and extra arguments


def _l1(over: Reduction) -> jax.Array:
    return over.sum(absolute)


def _l2(over: Reduction) -> jax.Array:
    return root_of(over.sum(square))


def _l1_l2(over: Reduction) -> jax.Array:
    return (_l1(over) + _l2(over)) / 2


def _avg_l1(over: Reduction) -> jax.Array:
    return over.mean(absolute)


def _avg_l2(over: Reduction) -> jax.Array:
    return root_of(over.mean(square))


def _avg_l1_l2(over: Reduction) -> jax.Array:
    return (_avg_l1(over) + _avg_l2(over)) / 2


def _max(over: Reduction) -> jax.Array:
    return over.max(absolute)


def _min_max(over: Reduction) -> jax.Array:
    return over.max(absolute) / 2 + over.min(_modulus) / 2  # the sum could overflow


def _modulus(x: jax.Array) -> jax.Array:
    # |x| in other words: XLA would keep an array of |x| that two reductions share.
    return absolute(x) if jnp.iscomplexobj(x) else jnp.maximum(x, -x)


def _std(over: Reduction) -> jax.Array:
    mean = over.mean(identity)
    return root_of(over.mean(lambda x: square(x - mean)))


NORMS: dict[str, tuple[Norm, Scale | None]] = {
    "l1": (_l1, by_count),
    "l2": (_l2, by_largest),
    "l1_l2": (_l1_l2, by_largest),
    "avg_l1": (_avg_l1, by_count),
    "avg_l2": (_avg_l2, by_largest),
    "avg_l1_l2": (_avg_l1_l2, by_largest),
    "max": (_max, quartered),
    "min_max": (_min_max, quartered),
    "std": (_std, by_largest),
}
_ALIASES = {"linf": "max"}


def list_norms() -> list[str]:
    """Names of all registered norms."""
    return list(NORMS)


def register_norm(name: str, fn: Norm, *, homogeneous: bool = False, replace: bool = False) -> None:
    """Registers a norm of the user's own under a name, for `normalize_by_norm` and `clip_by_norm`.

    Args:
      name: a name that is not taken.
      fn: a function whose one parameter is called `over`, written with `over.sum`, `over.mean`, `over.max` and
        `over.min` of elementwise functions (it then works per leaf, over the whole tree and over mesh axes):
        `lambda over: over.sum(lambda x: jnp.abs(x) ** 3) ** (1 / 3)`. Or any function of one array (it then works
        per leaf only). Either returns the norm, a scalar.
      homogeneous: whether norm(c x) = c norm(x) for every c > 0. The norm is then taken of leaves scaled by a power of
        two, so that their largest entry is in [2^16, 2^17): powers of huge and tiny gradients can be represented.
      replace: whether a norm of that name may be registered already and gives way, as where a notebook's cell runs
        again.

    Raises:
      ValueError: if the name is taken, and `replace` is not set; an alias always is.
      TypeError: if the name is not a str or fn is not callable.
    """
    if not isinstance(name, str) or not callable(fn):
        raise TypeError(f"register_norm needs a name and a function, but got {name!r} and {fn!r}.")
    if name in _ALIASES or (name in NORMS and not replace):
        raise ValueError(
            f"name is {name!r}, but that norm is registered already; choose another name, or pass replace=True."
        )
    NORMS[name] = fn, by_largest if homogeneous else None


@primitive
def normalize_by_norm(
    norm: str, *, eps: Scalar = 1e-7, scope: Scope = "leaf", axis_name: Any = None, stacked: Stacked = None
) -> Rule:
    """Divides updates by a norm of theirs: g / (norm(g) + eps).

    Right for every finite g: the norm is taken of leaves scaled by a power of two, and may itself be too large to be
    represented. Where even norm(g) + eps is 0 (beside the largest entry, which takes a constant leaf and std), g stays.

    Args:
      norm: a registered name: l1, l2, l1_l2, avg_l1, avg_l2, avg_l1_l2, max (alias linf), min_max, std, or one of
        the user's own (`register_norm`).
      eps: added to the norm.
      scope: "leaf": one norm a leaf. "tree": one norm of all leaves together.
      axis_name: under `jax.shard_map` or `jax.pmap` with sharded leaves, the mesh axes they are sharded over: a name,
        a tuple of names, or a pytree prefix of those and None (for replicated leaves). Where layers are stacked, those
        that a layer is sharded over.
      stacked: which axes of a leaf stack layers (`nn.scan`, `nnx.scan`), each of which then has a norm of its own:
        `stacked_under("layers")` for leaves with that key in their path; or a function of a leaf's path (as in
        `jax.tree_util.tree_map_with_path`) and the leaf, to a number of leading axes or a tuple of axes, 0 for a leaf
        of one layer; or such a number for all leaves. `optax.inject_hyperparams` takes functions for schedules and
        numbers for hyperparameters: name them in its `static_args`.

    Returns:
      A stateless transformation.

    Raises:
      ValueError: if the norm is unknown, cannot be taken over what is asked for, or does not return a scalar; if
        `stacked` gives a leaf axes that it does not have, or comes with scope "tree".
    """
    _checks.non_negative("eps", eps)
    measure = _measured(norm, scope, axis_name, stacked)

    def normalize(x: Any, size: Size) -> jax.Array:
        if size.scale is None:
            return like(lift(x) / (size.norm + eps), x)
        total = size.norm + eps * size.scale
        vanishes = total < size.least
        return like(lift(x) * jnp.where(vanishes, 1, size.scale) / jnp.where(vanishes, 1, total), x)

    return _of_sizes(normalize, measure, scope, axis_name, stacked)


@primitive
def clip_by_norm(
    norm: str,
    max_norm: Scalar,
    *,
    eps: Scalar = 1e-7,
    scope: Scope = "leaf",
    of: Measured | None = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Rule:
    """Scales updates down to a largest norm: g max_norm / (norm(g) + eps) where norm(g) + eps >= max_norm, else g.

    Right for every finite g, see `normalize_by_norm`.

    Args:
      norm: a registered name, see `normalize_by_norm`.
      max_norm: the largest norm that is left alone, above 0.
      eps: added to the norm.
      scope: "leaf": one norm a leaf. "tree": one norm of all leaves together.
      of: what the norm is taken of in place of the updates: a function of these and the extra arguments of `update`,
        to a tree like them, such as `whitened_gradient()`.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which is clipped by itself; see `normalize_by_norm`.

    Returns:
      A stateless transformation.

    Raises:
      ValueError: if the norm is unknown, cannot be taken over what is asked for, or does not return a scalar; if
        `stacked` gives a leaf axes that it does not have, or comes with scope "tree".
    """
    _checks.positive("max_norm", max_norm)
    _checks.non_negative("eps", eps)
    measure = _measured(norm, scope, axis_name, stacked)

    def clip(x: Any, size: Size) -> jax.Array:
        if size.scale is None:
            total = size.norm + eps
            return like(lift(x) * jnp.where(total >= max_norm, max_norm / total, 1), x)
        total = size.norm + eps * size.scale
        exceeds = (total >= max_norm * size.scale) & (total > 0)
        share = lift(x) * jnp.where(exceeds, size.scale, 1) / jnp.where(exceeds, total, 1)
        return like(share * jnp.where(exceeds, max_norm, 1), x)  # max_norm / total can vanish

    return _of_sizes(clip, measure, scope, axis_name, stacked, of)


@dataclasses.dataclass(frozen=True)
class whitened_gradient:  # noqa: N801  (used like a function)
    """What StableAdamW's clip measures: the gradient over the denominator of the step, g / max(D - eps, eps).

    It is large where squares have grown faster than their average. Without a denominator it is the gradient.

    Args:
      eps: what the denominator has been increased by, and the least that counts, at least 0.
    """

    eps: Scalar = 1e-8

    def __post_init__(self) -> None:
        _checks.non_negative("eps", self.eps)

    def __call__(self, updates: Any, *, gradient: Any = None, denominator: Any = None, **extra_args: Any) -> Any:
        if gradient is None:
            raise TypeError("whitened_gradient needs the gradient: put the clip into a slot of a pipeline.")
        gradient = leaves_beside(updates, gradient)
        scales = [1.0] * len(gradient) if denominator is None else leaves_beside(updates, denominator)
        return jax.tree.unflatten(jax.tree.structure(updates), list(map(self._whiten, gradient, scales)))

    def _whiten(self, g: Any, d: Any) -> jax.Array:
        scale = jnp.maximum(d - self.eps, self.eps)
        return jnp.where(scale == 0, 0, lift(g) / jnp.where(scale == 0, 1, scale))

    def __repr__(self) -> str:
        eps = "" if isinstance(self.eps, float) and self.eps == 1e-8 else expression(self.eps, "eps")
        return f"whitened_gradient({eps})"


def _of_sizes(
    change: Any, measure: Any, scope: str, axis_name: Any, stacked: Stacked, of: Measured | None = None
) -> Rule:
    """The rule that changes each leaf by the size that it is measured by."""

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        sizes = measure(updates if of is None else of(updates, **extra_args))
        return jax.tree.unflatten(treedef, list(map(change, leaves, sizes))), state

    by_leaf = scope == "leaf" and axis_name is None and stacked is None
    return Rule(init_for(stacked), update, by_leaf=by_leaf)


def measure_leaves(norm: str, axis_name: Any, stacked: Stacked) -> Callable[[Any], list[Size]]:
    """A function from a tree to the sizes of its leaves in a registered norm, see `normalize_by_norm`."""
    return _measured(norm, "leaf", axis_name, stacked)


def _measured(norm: str, scope: str, axis_name: Any, stacked: Stacked) -> Callable[[Any], list[Size]]:
    """A function from a tree to the sizes that its leaves are measured by."""
    _checks.one_of("norm", norm, [*NORMS, *_ALIASES])
    _checks.one_of("scope", scope, ["leaf", "tree"])
    check_stacked(stacked)
    if scope == "tree" and stacked is not None:
        raise ValueError(
            "stacked gives each layer a norm of its own, but scope='tree' takes one norm of all: drop one."
        )
    fn, scale_of = NORMS[_ALIASES.get(norm, norm)]
    if not is_over_reduction(fn) and (scope == "tree" or axis_name is not None):
        raise ValueError(
            f"norm {norm!r} is a function of one array, so it cannot be taken over the whole tree or mesh axes; "
            "register one whose parameter is called `over` and which uses over.sum, over.mean, over.max, over.min."
        )
    size_of = measured_by(norm, fn, scale_of)

    def measure(tree: Any) -> list[Size]:
        leaves, names = [lift(x) for x in jax.tree.leaves(tree)], broadcast_axis_names(axis_name, tree)
        if scope == "tree":
            return [size_of(leaves, names, ())] * len(leaves) if leaves else []
        of_leaves = zip(leaves, names, stacked_axes(stacked, tree), strict=True)
        return [size_of([leaf], [name], axes) for leaf, name, axes in of_leaves]

    return measure
