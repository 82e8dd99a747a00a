"""The registry: what is known of each algorithm, in one place, and the look-ups over it."""

import fnmatch
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import optax

from optax_zoo import _checks
from optax_zoo._bibtex import key
from optax_zoo._descriptions import COMMON
from optax_zoo._docstrings import completed
from optax_zoo._hyperparameters import in_own_words
from optax_zoo._suggestions import unknown_algorithm
from optax_zoo.record import CLAIMS, OWN, PROOFS, Algorithm, required

_Parameters = ParamSpec("_Parameters")
_Made = TypeVar("_Made", bound=optax.GradientTransformation)

_HOME = "optax_zoo.algorithms"
ALGORITHMS: dict[str, Algorithm] = {}


def algorithm(
    *,
    full_name: str,
    paper: str | None = None,
    year: int | None = None,
    url: str | None = None,
    example: Mapping[str, Any] | None = None,
    claims: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    proof: str | None = None,
    family: str | None = None,
    variant_of: str | Callable[..., Any] | None = None,
    also_called: Iterable[str] = (),
    replace: bool = False,
) -> Callable[[Callable[_Parameters, _Made]], Callable[_Parameters, _Made]]:
    """Registers a function from hyperparameters to a `Pipeline`, or to any optax transformation, under its own name.

    Hyperparameters are named: beyond those of its signature it may take `**kwargs` and hand them on. Those that its
    docstring has no description of under `Args:` get the one that is common to all algorithms, if there is one; text
    that begins with `...` is put after that.

    Args:
      full_name: the name in prose.
      paper: authors and title of the publication.
      year: year of the publication.
      url: where the publication is found.
      example: hyperparameters that work on common toy problems; those without a default must be among them.
      claims: the invariances that it has, names in `CLAIMS`; none by default.
      expected_failures: the checks of `optax_zoo.conformance` that it does not pass, each with the reason.
      proof: what it was replayed against: "authors' code", "an independent implementation", or "formulas alone", the
        default.
      family: the family that it is listed under; by default that of its package in `optax_zoo.algorithms`, or "own".
      variant_of: an algorithm, or its name. What is not given of the arguments above, but for the name, is as there,
        and so are descriptions of hyperparameters, states and exceptions that the docstring leaves out.
      also_called: the names that other libraries have for it, where they are not the same but for "_" and capitals;
        `create` and `describe` suggest it for them.
      replace: whether an algorithm of that name may be registered already and gives way, as where a notebook's cell
        runs again.

    Returns:
      A decorator; the function it returns refuses `learning_rate=None`, which would ascend, suggests the nearest of
      its hyperparameters for an unknown one, and says what a part refuses of the hyperparameter that it came from.

    Raises:
      TypeError: if the publication or the example is missing of an algorithm that is not a variant.
      ValueError: if the name is taken, for an unknown claim, proof or base, or for an example without a hyperparameter
        it needs.
    """
    base = None if variant_of is None else describe(variant_of if isinstance(variant_of, str) else variant_of.__name__)
    given: dict[str, Any] = dict(paper=paper, year=year, url=url, example=example, claims=claims, proof=proof)
    given = _metadata({**given, "expected_failures": expected_failures, "family": family}, base)

    def register(factory: Callable[_Parameters, _Made]) -> Callable[_Parameters, _Made]:
        name, parameters = factory.__name__, inspect.signature(factory).parameters
        if name in ALGORITHMS and not replace:
            raise ValueError(
                f"name is {name!r}, but that algorithm is registered already; choose another name, or pass "
                "replace=True."
            )
        missing = [each for each in required(parameters) if each not in given["example"]]
        if missing:
            raise ValueError(
                f"example is {dict(given['example'])!r}, but must have {', '.join(missing)}, which {name} has no "
                "default for."
            )
        checked, home = in_own_words(factory), _family_of(factory)
        common = "" if home == OWN else COMMON
        checked.__doc__ = completed(factory.__doc__, parameters, common if base is None else base.docstring)
        known = {"family": home, **given, "variant_of": None if base is None else base.name}
        known["also_called"] = tuple(also_called)
        ALGORITHMS[name] = Algorithm(name, checked, full_name, **known)
        return checked

    return register


def _metadata(given: dict[str, Any], base: Algorithm | None) -> dict[str, Any]:
    """What is known of an algorithm: what is given, and the rest as of the base or by default."""
    known: dict[str, Any] = {"claims": (), "expected_failures": {}, "proof": PROOFS[-1]}
    if base is not None:
        known = {name: getattr(base, name) for name in given if name != "family"}
    known |= {name: value for name, value in given.items() if value is not None}
    missing = [name for name in ("paper", "year", "url", "example") if name not in known]
    if missing:
        raise TypeError(f"{missing[0]} is missing, but must be given for an algorithm that is not a variant.")
    for claim in known["claims"]:
        _checks.one_of("claims", claim, CLAIMS)
    _checks.one_of("proof", known["proof"], PROOFS)
    frozen = {name: types.MappingProxyType(dict(known[name])) for name in ("example", "expected_failures")}
    return {**known, **frozen, "claims": tuple(known["claims"])}


def _family_of(factory: Callable[..., Any]) -> str:
    """The name of its package in `optax_zoo.algorithms`, or "own"."""
    package, _, family = ".".join((factory.__module__ or "").split(".")[:3]).rpartition(".")
    return family if package == _HOME else OWN


def create(name: str, **hyperparameters: Any) -> optax.GradientTransformationExtraArgs:
    """The algorithm of a name with the hyperparameters given: `create("adam", learning_rate=1e-3, b2=0.99)`.

    Returns:
      A `Pipeline`; for an algorithm of your own that makes another transformation, that one, with a place for extra
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
    names = sorted(ALGORITHMS)
    if filter is None:
        return names
    if callable(filter):
        return [name for name in names if filter(ALGORITHMS[name])]
    if not isinstance(filter, str):
        raise TypeError(f"filter is {filter!r}, but must be a pattern, a function or None.")
    return [name for name in names if fnmatch.fnmatchcase(name.lower(), filter.lower())]


def describe(name: str) -> Algorithm:
    """What is known of the algorithm of a name.

    Raises:
      ValueError: for an unknown name; the nearest five are suggested, first the one that other libraries call so, and
        optax's own if it has one.
    """
    if name not in ALGORITHMS:
        elsewhere = {other: each.name for each in ALGORITHMS.values() for other in each.also_called}
        raise ValueError(unknown_algorithm(name, ALGORITHMS, elsewhere))
    return ALGORITHMS[name]


def bibtex(names: Iterable[str]) -> str:
    """Entries for BibTeX of the publications of some algorithms, each once.

    They have what the registry knows: last names of authors ("et al." as `others`), title, year, number at arXiv or
    DOI, and address.

    Args:
      names: of registered algorithms, or one of them.

    Raises:
      ValueError: for an unknown name.

    Example:
      >>> import optax_zoo as zoo
      >>> print(zoo.bibtex(["adam", "adamax"]))
      @misc{kingma2015adam,
        author = {Kingma and Ba},
        title = {{Adam: A Method for Stochastic Optimization}},
        year = {2015},
        eprint = {1412.6980},
        archivePrefix = {arXiv},
        url = {https://arxiv.org/abs/1412.6980},
      }
    """
    entries: dict[str, str] = {}
    for known in map(describe, [names] if isinstance(names, str) else names):
        entries.setdefault(key(known.paper, known.year), known.bibtex)
    return "\n".join(entries.values())


def families() -> dict[str, str]:
    """The families that registered algorithms belong to, each with the sentence of its package; others have none."""
    names = sorted({each.family for each in ALGORITHMS.values()})
    packages = {name: sys.modules.get(f"{_HOME}.{name}") for name in names}
    return {name: (package and package.__doc__) or "" for name, package in packages.items()}
