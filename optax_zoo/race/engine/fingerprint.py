"""Which optimizers are one algorithm: they answer the same gradients with the same steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.evaluation import evaluation_params
from optax_zoo.race.engine.protocol import transformation
from optax_zoo.race.engine.trials import Start
from optax_zoo.race.settings import Settings
from optax_zoo.running.entrants import Entrant

RATES = (0.003, 0.3)
READ_AFTER = (1, 8, 24)  # steps
LARGE = 100.0  # so large are parameters that a small weight decay shows


def fingerprint(entrant: Entrant, settings: Settings, start: Start) -> tuple[float, ...]:
    """Numbers that two optimizers share, to rounding, if and only if they are one algorithm, as far as this can tell.

    Made-up gradients for the parameters of the task, of all sizes and smaller in the second half, are handed to the
    optimizer at its default hyperparameters under the rules of the race; no training is involved, which would turn
    rounding into differences of any size. The numbers are random projections of the sum of its updates after some
    steps, at two rates, and of how far the parameters to evaluate with are from these at the end.

    Returns:
      By rate, step and projection, then by projection at the higher rate.
    """
    leaves: Any
    structure: Any
    leaves, structure = jax.tree.flatten(
        jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), start.parameters)
    )
    random = np.random.default_rng(0)

    def normal(scale: float) -> Any:
        return structure.unflatten([np.asarray(scale * random.normal(size=x.shape), x.dtype) for x in leaves])

    parameters, phases, onto = normal(LARGE), normal(3.0), [normal(1.0) for _ in range(2)]
    sizes = jax.tree.map(lambda x: np.exp(-2 - 2 * x).astype(x.dtype), normal(1.0))

    def projections(rate: Any, parameters: Any, phases: Any, sizes: Any, onto: Any) -> tuple[jax.Array, jax.Array]:
        made = transformation(entrant, settings, rate, {})

        def step(carry: Any, number: jax.Array) -> tuple[Any, jax.Array]:
            state, moved, position = carry
            size = jnp.where(number < READ_AFTER[-1] // 2, 1.0, 0.01)
            gradient = jax.tree.map(lambda s, x: (size * s * jnp.sin(x + number)).astype(s.dtype), sizes, phases)
            curvature = jax.tree.map(jnp.square, gradient)
            updates, state = made.update(gradient, state, position, value=size, curvature=curvature)
            moved = jax.tree.map(jnp.add, moved, updates)
            carry = state, moved, optax.apply_updates(position, updates)
            return carry, jnp.stack([_product(each, moved) for each in onto])

        start = made.init(parameters), jax.tree.map(jnp.zeros_like, parameters), parameters
        (state, _, position), read = jax.lax.scan(step, start, jnp.arange(READ_AFTER[-1]))
        apart = jax.tree.map(jnp.subtract, evaluation_params(made, state, position), position)
        return read[jnp.asarray(READ_AFTER) - 1], jnp.stack([_product(each, apart) for each in onto])

    compiled = jax.jit(projections)
    found = [compiled(np.float32(rate), parameters, phases, sizes, onto) for rate in RATES]
    numbers = [*(read for read, _ in found), found[-1][1]]  # at low rates the latter would be rounding
    return tuple(float(f"{x:.6g}") for x in np.concatenate([np.ravel(each) for each in numbers]))


def _product(a: Any, b: Any) -> jax.Array:
    return sum((jnp.vdot(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)), jnp.zeros(()))
