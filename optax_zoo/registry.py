"""The registry: what is known of each algorithm, in one place, and the look-ups over it."""

import dataclasses
import fnmatch
import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.pipeline import Pipeline

_Parameters = ParamSpec("_Parameters")

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
      factory: the function from hyperparameters to a `Pipeline`.
      full_name: the name in prose.
      paper: authors and title of the publication.
      year: year of the publication.
      url: where the publication is found.
      example: hyperparameters that work on common toy problems.
      claims: the invariances that it has, names in `CLAIMS`.
      expected_failures: the checks of `optax_zoo.conformance` that it does not pass, each with the reason.
    """

    name: str
    factory: Callable[..., Pipeline]
    full_name: str
    paper: str
    year: int
    url: str
    example: Mapping[str, Any]
    claims: tuple[str, ...]
    expected_failures: Mapping[str, str]

    def at_rate(self, learning_rate: Any, **hyperparameters: Any) -> Pipeline:
        """The algorithm at a learning rate that may be a traced value; a `base_learning_rate` is set with it."""
        if "base_learning_rate" in self.defaults and not callable(learning_rate):
            hyperparameters = {"base_learning_rate": learning_rate, **hyperparameters}
        return create(self.name, learning_rate=learning_rate, **hyperparameters)

    @property
    def defaults(self) -> dict[str, Any]:
        """The hyperparameters with their default values."""
        return {name: p.default for name, p in inspect.signature(self.factory).parameters.items()}

    @property
    def docstring(self) -> str:
        """The documentation: maths, hyperparameters, state, sources."""
        return inspect.getdoc(self.factory) or ""

    @property
    def composition(self) -> str:
        """How the algorithm at its defaults is composed, as one would write it."""
        return repr(self.factory())

    @property
    def needs(self) -> tuple[str, ...]:
        """What `update` must be given at the example's hyperparameters: "params", or names of extra arguments."""
        return self.factory(**self.example).needs

    @property
    def state_bytes(self) -> float:
        """Bytes of state per float32 parameter, at the defaults."""
        leaf = jax.ShapeDtypeStruct((1024, 1024), jnp.float32)
        state = jax.eval_shape(self.factory().init, leaf)
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
) -> Callable[[Callable[_Parameters, Pipeline]], Callable[_Parameters, Pipeline]]:
    """Registers a function from hyperparameters to a `Pipeline` under its own name.

    Args:
      full_name: the name in prose.
      paper: authors and title of the publication.
      year: year of the publication.
      url: where the publication is found.
      example: hyperparameters that work on common toy problems.
      claims: the invariances that it has, names in `CLAIMS`.
      expected_failures: the checks of `optax_zoo.conformance` that it does not pass, each with the reason.

    Returns:
      A decorator; the function it returns refuses `learning_rate=None`, which would ascend.

    Raises:
      ValueError: if the name is taken, or for an unknown claim.
    """
    for claim in claims:
        _checks.one_of("claims", claim, CLAIMS)

    def register(factory: Callable[_Parameters, Pipeline]) -> Callable[_Parameters, Pipeline]:
        name = factory.__name__
        if name in _ALGORITHMS:
            raise ValueError(f"name is {name!r}, but that algorithm is registered already; choose another name.")
        signature = inspect.signature(factory)
        rate = signature.parameters.get("learning_rate")
        rate_may_be_none = rate is None or rate.default is None

        @functools.wraps(factory)
        def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Pipeline:
            if not rate_may_be_none and signature.bind(*args, **kwargs).arguments.get("learning_rate", 0) is None:
                raise ValueError(
                    "learning_rate is None, but must be a number at least 0 or a schedule; for a direction without a "
                    f"rate use {name}().replace(learning_rate=None), which points uphill."
                )
            return factory(*args, **kwargs)

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


def create(name: str, **hyperparameters: Any) -> Pipeline:
    """The algorithm of a name with the hyperparameters given: `create("adam", learning_rate=1e-3, b2=0.99)`.

    Raises:
      ValueError: for an unknown name (the nearest is suggested) or a hyperparameter outside its range.
      TypeError: for an unknown hyperparameter.
    """
    record = describe(name)
    unknown = [key for key in hyperparameters if key not in record.defaults]
    if unknown:
        allowed = ", ".join(record.defaults)
        raise TypeError(f"{', '.join(unknown)} is no hyperparameter of {name}; it has {allowed}.")
    return record.factory(**hyperparameters)


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
    return [name for name in names if fnmatch.fnmatch(name, filter.lower())]


def describe(name: str) -> Algorithm:
    """What is known of the algorithm of a name.

    Raises:
      ValueError: for an unknown name; the nearest is suggested.
    """
    _checks.one_of("name", name, list_algorithms())
    return _ALGORITHMS[name]
