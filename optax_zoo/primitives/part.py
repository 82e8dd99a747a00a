"""What every primitive is: a plain optax transformation that remembers how it was written."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, Self, TypeVar

import jax
import optax

from optax_zoo._suggestions import keywords, refuse_unknown
from optax_zoo.primitives.expressions import call_expression
from optax_zoo.primitives.precision import in_dtype_of, in_wider_dtype, lift, like

DebiasWeight = Callable[[jax.Array, Any], tuple[jax.Array, jax.Array]]
_Parameters = ParamSpec("_Parameters")


@dataclasses.dataclass(eq=False, repr=False)
class Rule:
    """The definition behind a `Part`: what a function decorated with `primitive` returns.

    Its functions see updates in float32 or wider and return them so; `update` of the part casts what comes back to the
    dtype of the updates that were given (the wider of theirs and the parameters' where these are needed), and the state
    to the dtypes that it had.

    Args:
      init_fn: maps parameters to a state, as in optax.
      update_fn: maps `(updates, state, params, **extra_args)` to (updates, state), as in optax.
      needs: what `update` must be given beyond updates and state: "params" or names of extra arguments.
      debias_weight: for estimators that can be debiased: maps (weight, state before the step) to (new weight, divisor).
      by_leaf: whether a leaf's update and state depend on that leaf, its parameter and scalars alone, whatever the tree
        around it; a pipeline of such parts is traced once for all leaves of a shape.
      expression: the call that makes the part, set by the `primitive` decorator.
      seen: how each leaf of a tree is seen, in words for `optax-zoo show --tree`: "768 x 3072".
      inside: the parts that this one was made of, set by the `primitive` decorator.

    Raises:
      ValueError: for a rule that goes by leaf and needs an extra argument, which is of the whole tree.
    """

    init_fn: Callable[[Any], Any]
    update_fn: Callable[..., tuple[Any, Any]]
    needs: tuple[str, ...] = ()
    debias_weight: DebiasWeight | None = None
    by_leaf: bool = False
    expression: str = ""
    seen: Callable[[Any], list[str]] | None = None
    inside: tuple["Part", ...] = ()

    def __post_init__(self) -> None:
        of_the_tree = [need for need in self.needs if need != "params"]
        if self.by_leaf and of_the_tree:
            raise ValueError(
                f"needs is {self.needs!r}, but must not have {of_the_tree[0]!r} beside by_leaf=True: leaf by leaf a "
                "part is given its parameter alone."
            )

    def __repr__(self) -> str:
        return self.expression

    def init(self, params: Any) -> Any:
        return self.init_fn(params)

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> tuple[Any, Any]:
        self.check_params(params)
        made, after = self.update_fn(jax.tree.map(lift, updates), state, params, **extra_args)
        after = jax.tree.map(in_dtype_of, after, state)
        if "params" in self.needs:
            return jax.tree.map(in_wider_dtype, made, updates, params), after
        return jax.tree.map(like, made, updates), after

    def check_params(self, params: Any) -> None:
        """Refuses a step without the parameters where they are needed."""
        if "params" in self.needs and params is None:
            raise ValueError(f"{self.expression} needs the parameters: call update(updates, state, params).")


class Part(optax.GradientTransformationExtraArgs):
    """A gradient transformation whose two functions are methods of one `Rule`, so that it knows how it was written.

    It is a NamedTuple (init, update) like any optax transformation, hence a pytree. Rebuilt from the same two functions
    it stays what it was. Rebuilt from other functions (`_replace`, a `jax.tree.map` over it) it is a plain
    `optax.GradientTransformationExtraArgs`, and prints as one. Rebuilt from what are not functions (the None that
    equinox.partition leaves, the specs of a tree that holds an optimizer) it is a placeholder of its class, which
    prints as that, and the functions can be put back into it.
    """

    def __new__(cls, init: Any, update: Any) -> Self:
        if _rule_of(init, update) is None and callable(init) and callable(update):
            return optax.GradientTransformationExtraArgs(init, update)  # type: ignore[return-value]
        return tuple.__new__(cls, (init, update))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]
        return cls(*iterable)

    @property
    def rule(self) -> Rule:
        """The definition that `init` and `update` are methods of.

        Raises:
          TypeError: for a placeholder, which has none.
        """
        rule = _rule_of(self.init, self.update)
        if rule is None:
            raise TypeError(f"{self!r} has no functions: it was rebuilt from a tree that has none in their place.")
        return rule

    @property
    def needs(self) -> tuple[str, ...]:
        """What `update` must be given beyond updates and state: "params" or names of extra arguments."""
        return self.rule.needs

    def __repr__(self) -> str:
        return super().__repr__() if _rule_of(self.init, self.update) is None else self.rule.expression


def _rule_of(init: Any, update: Any) -> Rule | None:
    """The rule whose methods both functions are."""
    rule = getattr(init, "__self__", None)
    return rule if isinstance(rule, Rule) and getattr(update, "__self__", None) is rule else None


_Kind = TypeVar("_Kind", bound=Rule)


def rule_of(part: Any, kind: type[_Kind]) -> _Kind | None:
    """The rule of a part, if it is of a kind."""
    rule = part.rule if isinstance(part, Part) else None
    return rule if isinstance(rule, kind) else None


def needs_of(*transformations: Any) -> tuple[str, ...]:
    """What the `update` of any of the transformations must be given; of foreign ones nothing is known."""
    return tuple(dict.fromkeys(need for part in transformations for need in getattr(part, "needs", ())))


def update_of(part: optax.GradientTransformation) -> Callable[..., tuple[Any, Any]]:
    """The update of a part inside another one: of updates in float32 or wider, as they are in there, to such."""
    return part.rule.update_fn if isinstance(part, Part) else optax.with_extra_args_support(part).update


def all_by_leaf(*transformations: Any) -> bool:
    """Whether each of the transformations goes leaf by leaf, see `Rule`; of foreign ones nothing is known."""
    return all(isinstance(part, Part) and part.rule.by_leaf for part in transformations)


def primitive(function: Callable[_Parameters, Rule]) -> Callable[_Parameters, Part]:
    """Makes a function that returns a `Rule` return a `Part`, which prints as the call that made it."""
    signature = inspect.signature(function)
    known = keywords(signature)

    @functools.wraps(function)
    def make(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Part:
        refuse_unknown(f"argument of {function.__name__}", kwargs, known)
        rule = function(*args, **kwargs)
        rule.expression = call_expression(function.__name__, signature, *args, **kwargs)
        rule.inside = tuple(each for each in (*args, *kwargs.values()) if isinstance(each, Part))
        return Part(rule.init, rule.update)

    return make
