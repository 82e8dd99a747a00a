"""The registry: what is known of each algorithm, in one place, and the look-ups over it."""

import dataclasses
import fnmatch
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo._hyperparameters import in_own_words
from optax_zoo._suggestions import unknown_algorithm
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import needs_of

_Parameters = ParamSpec("_Parameters")
_Made = TypeVar("_Made", bound=optax.GradientTransformation)

CLAIMS: Mapping[str, str] = types.MappingProxyType(
    {
        "apart": "a NaN in the gradient of one leaf does not reach the others",
        "order": "leaves that are renamed, and so reordered, get the same updates",
        "rest": "parameters whose gradients have always been 0 do not move",
        "scale": "gradients multiplied by one constant give the same updates, but for eps",
        "sign": "gradients of opposite sign give the opposite updates",
    }
)


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """What is known of one algorithm. The fields are said at its definition, the properties follow from its code.

    Attributes:
      name: the name in the registry.
      factory: the function from hyperparameters to a `Pipeline`, or to another optax transformation.
      full_name: the name in prose.
      paper: authors and title of the publication.
      year: year of the publication.
      url: where the publication is found.
      example: hyperparameters that work on common toy problems; those without a default are among them.
      claims: the invariances that it has, names in `CLAIMS`.
      expected_failures: the checks of `optax_zoo.conformance` that it does not pass, each with the reason.
    """

    name: str
    factory: Callable[..., optax.GradientTransformation]
    full_name: str
    paper: str
    year: int
    url: str
    example: Mapping[str, Any]
    claims: tuple[str, ...]
    expected_failures: Mapping[str, str]

    def at_rate(self, learning_rate: Any, **hyperparameters: Any) -> Any:
        """The algorithm at a learning rate that may be a traced value; a `base_learning_rate` is set with it.

        Hyperparameters without a default are those of the example unless given. It returns what `create` does.
        """
        if "base_learning_rate" in self.defaults and not callable(learning_rate):
            hyperparameters = {"base_learning_rate": learning_rate, **hyperparameters}
        required = {name: self.example[name] for name in _required(self._named) if name in self.example}
        return create(self.name, **{**required, **hyperparameters, "learning_rate": learning_rate})

    @property
    def _named(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.factory).parameters
        return {name: p for name, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The hyperparameters with their default values; where there is none, with that of the example."""
        return {name: self.example[name] if p.default is p.empty else p.default for name, p in self._named.items()}

    @property
    def docstring(self) -> str:
        """The documentation: maths, hyperparameters, state, sources."""
        return inspect.getdoc(self.factory) or ""

    @property
    def composition(self) -> str:
        """How the algorithm at its defaults is composed, as one would write it; of one of optax the outermost call."""
        return expression(self.factory(**self.defaults), self.name)

    @property
    def needs(self) -> tuple[str, ...]:
        """What `update` must be given at the example's hyperparameters: "params", or names of extra arguments.

        Of a transformation that is not made of parts of this library nothing is known.
        """
        return needs_of(self.factory(**self.example))

    @property
    def state_bytes(self) -> float:
        """Bytes of state per float32 parameter, at the defaults."""
        leaf = jax.ShapeDtypeStruct((1024, 1024), jnp.float32)
        state = jax.eval_shape(self.factory(**self.defaults).init, leaf)
        return round(sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / leaf.size, 2)


_ALGORITHMS: dict[str, Algorithm] = {}


def algorithm(
    *,
    full_name: str,
    paper: str,
    year: int,
    url: str,
    example: Mapping[str, Any],
    claims: Iterable[str] = (),
    expected_failures: Mapping[str, str] = types.MappingProxyType({}),
    replace: bool = False,
) -> Callable[[Callable[_Parameters, _Made]], Callable[_Parameters, _Made]]:
    """Registers a function from hyperparameters to a `Pipeline`, or to any optax transformation, under its own name.

    Hyperparameters are named: beyond those of its signature it may take `**kwargs` and hand them on.

    Args:
      full_name: the name in prose.
      paper: authors and title of the publication.
      year: year of the publication.
      url: where the publication is found.
      example: hyperparameters that work on common toy problems; those without a default must be among them.
      claims: the invariances that it has, names in `CLAIMS`.
      expected_failures: the checks of `optax_zoo.conformance` that it does not pass, each with the reason.
      replace: whether an algorithm of that name may be registered already and gives way, as where a notebook's cell
        runs again.

    Returns:
      A decorator; the function it returns refuses `learning_rate=None`, which would ascend, suggests the nearest of
      its hyperparameters for an unknown one, and says what a part refuses of the hyperparameter that it came from.

    Raises:
      ValueError: if the name is taken, for an unknown claim, or for an example without a hyperparameter it needs.
    """
    for claim in claims:
        _checks.one_of("claims", claim, CLAIMS)

    def register(factory: Callable[_Parameters, _Made]) -> Callable[_Parameters, _Made]:
        name = factory.__name__
        if name in _ALGORITHMS and not replace:
            raise ValueError(
                f"name is {name!r}, but that algorithm is registered already; choose another name, or pass "
                "replace=True."
            )
        checked = in_own_words(factory)
        missing = [each for each in _required(inspect.signature(factory).parameters) if each not in example]
        if missing:
            raise ValueError(
                f"example is {dict(example)!r}, but must have {', '.join(missing)}, which {name} has no default for."
            )
        _ALGORITHMS[name] = Algorithm(
            name,
            checked,
            full_name,
            paper,
            year,
            url,
            example=types.MappingProxyType(dict(example)),
            claims=tuple(claims),
            expected_failures=types.MappingProxyType(dict(expected_failures)),
        )
        return checked

    return register


def _required(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """The hyperparameters without a default."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, p in parameters.items() if p.default is p.empty and p.kind not in variadic]


def create(name: str, **hyperparameters: Any) -> optax.GradientTransformationExtraArgs:
    """The algorithm of a name with the hyperparameters given: `create("adam", learning_rate=1e-3, b2=0.99)`.

    Returns:
      A `Pipeline`; of an algorithm of one's own that makes another transformation, that, with a place for extra
      arguments of `update`.

    Raises:
      ValueError: for an unknown name (the nearest are suggested) or a hyperparameter outside its range.
      TypeError: for an unknown hyperparameter (the nearest is suggested).
    """
    return optax.with_extra_args_support(describe(name).factory(**hyperparameters))


def list_algorithms(filter: str | Callable[[Algorithm], bool] | None = None) -> list[str]:
    """Names of the registered algorithms, sorted.

    Args:
      filter: a pattern with wildcards ("adam*", case does not matter), or a function that says of an `Algorithm`
        whether it is wanted: `lambda a: a.year >= 2020`.
    """
    names = sorted(_ALGORITHMS)
    if filter is None:
        return names
    if callable(filter):
        return [name for name in names if filter(_ALGORITHMS[name])]
    if not isinstance(filter, str):
        raise TypeError(f"filter is {filter!r}, but must be a pattern, a function or None.")
    return [name for name in names if fnmatch.fnmatchcase(name.lower(), filter.lower())]


def describe(name: str) -> Algorithm:
    """What is known of the algorithm of a name.

    Raises:
      ValueError: for an unknown name; the nearest five are suggested, and optax's own if it has one.
    """
    if name not in _ALGORITHMS:
        raise ValueError(unknown_algorithm(name, _ALGORITHMS))
    return _ALGORITHMS[name]
