"""What is checked: a function that makes an optax transformation, and what its `update` must be given."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.conformance import trees

Make = Callable[..., optax.GradientTransformation]
Extra = Callable[[Any, Any], Any]


def _linear(params: Any, grads: Any) -> Callable[[Any], jax.Array]:
    """A function of parameters whose gradient is `grads` everywhere."""

    def value(at: Any) -> jax.Array:
        slopes = jax.tree.map(lambda g, p, q: jnp.sum(jnp.real(jnp.conj(g) * (q - p))), grads, params, at)
        return jnp.float32(1.0) + sum(jax.tree.leaves(slopes))

    return value


KNOWN: dict[str, Extra] = {
    "value": lambda params, grads: jnp.float32(1.0),
    "grad": lambda params, grads: grads,
    "value_fn": _linear,
    "curvature": lambda params, grads: jax.tree.map(lambda g: jnp.real(g * jnp.conj(g)), grads),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A factory under test.

    Attributes:
      make: returns the transformation; hyperparameters that it takes by name (`learning_rate`, `axis_name`, ...) enable
        the checks that need them.
      extras: what `update` must be given by name, each a function of (params, grads).
      claims: the invariances it is held to, names in `optax_zoo.CLAIMS`.
    """

    make: Make
    extras: Mapping[str, Extra] = dataclasses.field(default_factory=dict)
    claims: frozenset[str] = frozenset()

    def build(self, **hyperparameters: Any) -> optax.GradientTransformationExtraArgs:
        """The transformation, at other hyperparameters than its own if some are given."""
        return optax.with_extra_args_support(self.make(**hyperparameters))

    @functools.cached_property
    def tx(self) -> optax.GradientTransformationExtraArgs:
        """The transformation at its own hyperparameters, made once for all checks."""
        return self.build()

    @functools.cached_property
    def init(self) -> Callable[[Any], Any]:
        """The compiled `init` of `tx`, shared by all checks."""
        return jax.jit(self.tx.init)

    @functools.cached_property
    def compiled_update(self) -> Callable[..., tuple[Any, Any]]:
        """The compiled `update` of `tx`: from (params, state, grads) to (updates, state), shared by all checks."""
        return jax.jit(lambda params, state, grads: self.update(self.tx, params, state, grads))

    def takes(self, name: str) -> bool:
        """Whether the factory has a hyperparameter of that name."""
        return name in self._hyperparameters

    @functools.cached_property
    def _hyperparameters(self) -> Mapping[str, inspect.Parameter]:
        try:
            return inspect.signature(self.make).parameters
        except (TypeError, ValueError):
            return {}

    @property
    def rate(self) -> Any:
        """The default of learning_rate if it is a number; None otherwise."""
        return self.default("learning_rate")

    def default(self, name: str) -> Any:
        """The default of a hyperparameter if it is a number; None otherwise."""
        default = self._hyperparameters[name].default if self.takes(name) else None
        return default if isinstance(default, (int, float)) else None

    def given(self, params: Any, grads: Any, **others: Any) -> dict[str, Any]:
        """The extra arguments of a step."""
        return {name: others.get(name, make(params, grads)) for name, make in self.extras.items()}

    def step(self, tx: Any, params: Any, state: Any, grads: Any, **others: Any) -> tuple[Any, Any]:
        """One step: new parameters and state."""
        updates, state = self.update(tx, params, state, grads, **others)
        return optax.apply_updates(params, updates), state

    def update(self, tx: Any, params: Any, state: Any, grads: Any, **others: Any) -> tuple[Any, Any]:
        """The updates and the new state."""
        return tx.update(grads, state, params, **self.given(params, grads, **others))

    def train(self, tx: Any, params: Any = None, *, steps: int = trees.STEPS, **arguments: Any) -> tuple[Any, Any]:
        """Parameters and state after steps with the gradients of `trees.gradients`, in one compiled program."""
        params = trees.parameters() if params is None else params
        grads = [trees.gradients(params, t) for t in range(steps)]

        def run(params: Any, grads: Any) -> tuple[Any, Any]:
            state = tx.init(params)
            for g in grads:
                params, state = self.step(tx, params, state, g, **arguments)
            return params, state

        return jax.jit(run)(params, grads)
