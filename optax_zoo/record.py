"""What is known of an algorithm."""

import dataclasses
import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo._bibtex import entry
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import needs_of

CLAIMS: Mapping[str, str] = types.MappingProxyType(
    {
        "apart": "a NaN in the gradient of one leaf does not reach the others",
        "order": "leaves that are renamed, and so reordered, get the same updates",
        "rest": "parameters whose gradients have always been 0 do not move",
        "scale": "gradients multiplied by one constant give the same updates, but for eps",
        "sign": "gradients of opposite sign give the opposite updates",
    }
)

PROOFS = ("authors' code", "an independent implementation", "formulas alone")
OWN = "own"  # the family of an algorithm that is registered from elsewhere, unless it names one


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
      family: the family that it belongs to: of ours the package under `optax_zoo.algorithms`, of others "own" unless
        they name one.
      proof: what it was replayed against: "authors' code", "an independent implementation" or "formulas alone".
      variant_of: the name of the algorithm that it is a variant of.
      also_called: the names that other libraries have for it.
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
    family: str
    proof: str
    variant_of: str | None
    also_called: tuple[str, ...]

    def at_rate(self, learning_rate: Any, **hyperparameters: Any) -> Any:
        """The algorithm at a learning rate that may be a traced value; a `base_learning_rate` is set with it.

        Hyperparameters without a default are those of the example unless given. It returns what `create` does.
        """
        if "base_learning_rate" in self.defaults and not callable(learning_rate):
            hyperparameters = {"base_learning_rate": learning_rate, **hyperparameters}
        of_example = {name: self.example[name] for name in required(self._named) if name in self.example}
        hyperparameters = {**of_example, **hyperparameters, "learning_rate": learning_rate}
        return optax.with_extra_args_support(self.factory(**hyperparameters))

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
    def use_when(self) -> str | None:
        """When to use it, in a sentence, as its publication claims; None where the docstring has no such section."""
        section = re.search(r"^Claim:\n((?:  .*\n?)+)", self.docstring, re.MULTILINE)
        return " ".join(section[1].split()) if section else None

    @property
    def bibtex(self) -> str:
        """An entry for BibTeX of its publication: authors as far as known here, title, year and where it is found."""
        return entry(self.paper, self.year, self.url)

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


def required(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """The hyperparameters without a default."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, p in parameters.items() if p.default is p.empty and p.kind not in variadic]
