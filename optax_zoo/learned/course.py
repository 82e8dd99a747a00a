"""An episode of meta-training: an optimizer runs over fresh tasks, and its weights learn from it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.learned.tasks import Task, advance, run
from optax_zoo.primitives.expressions import expression


@dataclasses.dataclass(frozen=True)
class Course:
    """What meta-training does in an episode. For the attributes see the arguments of `meta_train`."""

    optimizer: Callable[[Any], optax.GradientTransformation]
    task: Task
    objective: Callable[[jax.Array], jax.Array]
    meta_optimizer: optax.GradientTransformation
    steps: int
    unroll: int
    batch: int

    def episode(self, weights: Any, meta_state: Any, key: jax.Array) -> tuple[Any, Any, jax.Array]:
        """A run over fresh tasks with a meta-step after every `unroll` steps.

        Returns:
          The weights, the state of the meta-optimizer and the objective, a mean over the meta-steps.
        """
        keys = jax.random.split(key, self.batch)

        def begin(key: jax.Array) -> tuple[Any, Any]:
            params, _ = self.task(key)
            return params, self.optimizer(weights).init(params)

        def meta_step(carry: Any, start: jax.Array) -> tuple[Any, jax.Array]:
            weights, meta_state, runs = carry
            (value, runs), grads = jax.value_and_grad(self._meta_loss, has_aux=True)(weights, runs, keys, start)
            updates, meta_state = self.meta_optimizer.update(grads, meta_state, weights)
            return (optax.apply_updates(weights, updates), meta_state, runs), value

        starts = jnp.arange(0, self.steps, self.unroll)
        (weights, meta_state, _), values = jax.lax.scan(meta_step, (weights, meta_state, jax.vmap(begin)(keys)), starts)
        return weights, meta_state, jnp.mean(values)

    def validation(self, weights: Any, keys: jax.Array) -> jax.Array:
        """The objective over whole runs, a mean over the tasks of some keys."""
        tx = self.optimizer(weights)
        losses = jax.vmap(lambda key: run(tx, self.task, key, self.steps))(keys)
        return jnp.mean(jax.vmap(self.objective)(losses[:, 1:]))

    def described(self, weights: Any) -> dict[str, Any]:
        """All attributes as numbers and text, without addresses."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["optimizer"] = self.optimizer(weights)
        return {name: x if isinstance(x, int) else expression(x, name) for name, x in fields.items()}

    def _meta_loss(self, weights: Any, runs: Any, keys: jax.Array, start: jax.Array) -> tuple[jax.Array, Any]:
        """The objective of the next `unroll` steps, a mean over the tasks, and the state after these steps."""
        tx = self.optimizer(weights)

        def one(run: tuple[Any, Any], key: jax.Array) -> tuple[jax.Array, Any]:
            _, loss = self.task(key)
            losses, params, state = advance(tx, loss, *run, key, start, self.unroll)
            return self.objective(losses[1:]), (params, state)

        values, runs = jax.vmap(one)(runs, keys)
        return jnp.mean(values), runs
