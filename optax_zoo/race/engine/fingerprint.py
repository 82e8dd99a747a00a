"""Which optimizers are one algorithm: they answer the same gradients with the same steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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
    rounding into differences of any size. The numbers are random projections of its updates after some steps, at two
    rates.

    Returns:
      By rate, step and projection.
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

    def projections(rate: Any, parameters: Any, phases: Any, sizes: Any, onto: Any) -> jax.Array:
        made = transformation(entrant, settings, rate, {})

        def step(state: Any, number: jax.Array) -> tuple[Any, jax.Array]:
            size = jnp.where(number < READ_AFTER[-1] // 2, 1.0, 0.1)
            gradient = jax.tree.map(lambda s, x: (size * s * jnp.sin(x + number)).astype(s.dtype), sizes, phases)
            updates, state = made.update(gradient, state, parameters, value=size)
            return state, jnp.stack([_product(each, updates) for each in onto])

        _, read = jax.lax.scan(step, made.init(parameters), jnp.arange(READ_AFTER[-1]))
        return read[jnp.asarray(READ_AFTER) - 1]

    compiled = jax.jit(projections)
    found = [np.asarray(compiled(np.float32(rate), parameters, phases, sizes, onto)) for rate in RATES]
    return tuple(float(f"{x:.6g}") for x in np.ravel(found))


def _product(a: Any, b: Any) -> jax.Array:
    return sum((jnp.vdot(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)), jnp.zeros(()))
