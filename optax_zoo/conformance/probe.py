"""What can be found out about a transformation by tracing it; nothing is computed."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.conformance.subject import KNOWN
from optax_zoo.pipeline import Pipeline


def state_bytes(tx: optax.GradientTransformation) -> float:
    """Bytes of state per float32 parameter, for a matrix of 1,024 by 1,024.

    Raises:
      ValueError: if `init` fails.
    """
    leaf = jax.ShapeDtypeStruct((1024, 1024), jnp.float32)
    try:
        state = jax.eval_shape(tx.init, leaf)
    except Exception as error:  # whatever a user's optimizer does
        raise ValueError(f"init fails: {type(error).__name__}: {' '.join(str(error).split())}") from error
    return round(sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / leaf.size, 2)


def needs_of(tx: optax.GradientTransformation) -> tuple[str, ...] | None:
    """What `update` must be given: "params" and names in `KNOWN`, as few as suffice; None if it fails with all."""
    if isinstance(tx, Pipeline):
        return tx.needs
    wrapped = optax.with_extra_args_support(tx)
    names = ["params", *KNOWN]
    tried = itertools.chain.from_iterable(itertools.combinations(names, count) for count in range(len(names) + 1))
    return next((needs for needs in tried if _runs(wrapped, needs)), None)


def _runs(tx: optax.GradientTransformationExtraArgs, needs: tuple[str, ...]) -> bool:
    """Whether a step can be traced with these alone."""

    def step(params: Any) -> Any:
        extras = {name: KNOWN[name](params, params) for name in needs if name != "params"}
        return tx.update(params, tx.init(params), params if "params" in needs else None, **extras)

    try:
        jax.eval_shape(step, {"w": jax.ShapeDtypeStruct((8, 8), jnp.float32)})
    except Exception:  # whatever is missing
        return False
    return True
