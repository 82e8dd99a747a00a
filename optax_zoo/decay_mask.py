"""Which leaves of a tree of parameters get weight decay, told by names and shapes."""

import dataclasses
from typing import Any

import jax

from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.paths import as_keys
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.route import matrices

NEVER = ("bias", "scale")  # of all layers and of norms, also where they have two axes, as biases of attention


@dataclasses.dataclass(frozen=True)
class decay_mask:  # noqa: N801  (used like a function of the parameters)
    """A mask of weight decay: leaves of two or more axes decay, but for biases, scales and those under some names.

    So kernels, other matrices and embeddings decay; biases, the scales of norms, and leaves with fewer axes do not. It
    stands wherever a mask does: `weight_decay_mask=` of our rows, `mask=` of our parts and of Optax's optimizers.
    Called with parameters, or with what has their tree and shapes, it returns the tree of bools.

    It is `matrices(but=("bias", "scale", *but), stacked=stacked)`: what that rule sends to "matrices" decays.

    Args:
      but: keys of paths under which leaves do not decay either: embeddings, tokens, heads. A key is meant as a whole
        ("embedding", not "embed"); a key that no path has is no error.
      stacked: which axes stack layers, and do not count: `stacked_under("layers")`; see `normalize_by_norm`.

    Raises:
      TypeError: if but is not a tuple of keys, or stacked is no rule.

    Example:
      >>> import jax.numpy as jnp, optax_zoo as zoo
      >>> dense = {"kernel": jnp.ones((4, 4)), "bias": jnp.ones(4)}
      >>> params = {"embed": {"embedding": jnp.ones((9, 4))}, "dense": dense}
      >>> tx = zoo.adamw(1e-3, weight_decay=0.05, weight_decay_mask=zoo.decay_mask(("embedding",)))
      >>> zoo.decay_mask(("embedding",))(params)
      {'dense': {'bias': False, 'kernel': True}, 'embed': {'embedding': False}}
    """

    but: tuple[str, ...] = ()
    stacked: Stacked = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "but", as_keys("but", self.but, "('embedding', 'head')"))
        self._rule()  # refuses what is no rule of stacked layers

    def __call__(self, params: Any) -> Any:
        """A tree of bools like the parameters: which leaves decay."""
        return jax.tree.unflatten(jax.tree.structure(params), [decays for decays, _ in self.reasons(params)])

    def reasons(self, params: Any) -> list[tuple[bool, str]]:
        """Whether each leaf decays, and why or why not, in words."""
        return [(side == "matrices", why) for side, why in self._rule().reasons(params)]

    def _rule(self) -> matrices:
        return matrices(but=(*NEVER, *self.but), stacked=self.stacked)

    def __repr__(self) -> str:
        but = f"but={self.but!r}" if self.but else ""
        stacked = "" if self.stacked is None else f"stacked={expression(self.stacked, 'stacked')}"
        return f"decay_mask({', '.join(filter(None, (but, stacked)))})"
