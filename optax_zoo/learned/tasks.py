"""What learned optimizers are trained on: tasks drawn at random, and runs of an optimizer over them."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.curvature import hutchinson

Loss: TypeAlias = Callable[[Any, jax.Array], jax.Array]  # of parameters and of a key for whatever is random in a step


class Task(Protocol):
    """Draws a task from a key: its initial parameters and its loss, a function of the parameters and a key.

    The same key draws the same task, in the same shapes as any other key. The key of the loss differs from step to
    step, for a random batch; a loss without randomness ignores it.
    """

    def __call__(self, key: jax.Array, /) -> tuple[Any, Loss]: ...


def quadratic(key: jax.Array, /, *, dimensions: int = 10) -> tuple[jax.Array, Loss]:
    """A random quadratic ||W theta - y||^2 with standard normal W and y, as in section 3.1 of Andrychowicz et al.

    theta starts from normal numbers of standard deviation 0.01, as in the authors' code (which draws W and y uniformly
    from [0, 1), unlike the paper).
    """
    of_w, of_y, of_theta = jax.random.split(key, 3)
    w = jax.random.normal(of_w, (dimensions, dimensions))
    y = jax.random.normal(of_y, (dimensions,))

    def loss(theta: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.sum((jnp.dot(w, theta, precision="highest") - y) ** 2)

    return 0.01 * jax.random.normal(of_theta, (dimensions,)), loss


def run(tx: optax.GradientTransformation, task: Task, key: jax.Array, steps: int) -> jax.Array:
    """The losses of an optimizer on the task of a key before each step and after the last: steps + 1 numbers.

    >>> import optax_zoo as zoo
    >>> losses = run(zoo.sgd(1e-3), quadratic, jax.random.key(0), 10)
    >>> losses.shape, bool(losses[-1] < losses[0])
    ((11,), True)
    """
    params, loss = task(key)
    return advance(tx, loss, params, tx.init(params), key, 0, steps)[0]


def advance(
    tx: optax.GradientTransformation, loss: Loss, params: Any, state: Any, key: jax.Array, start: Any, steps: int
) -> tuple[jax.Array, Any, Any]:
    """Takes steps, beginning with the `start`-th.

    A derivative of what it returns passes through the steps, not through the gradients that they are made from, as if
    those did not depend on the parameters.

    Returns:
      The losses before each step and after the last, the parameters and the state.
    """
    update = optax.with_extra_args_support(tx).update

    def curvature_at(params: Any, number: jax.Array) -> Any:
        estimate = hutchinson(lambda params: loss(params, jax.random.fold_in(key, number)), params)
        return lambda key: jax.lax.stop_gradient(estimate(key))

    def step(carry: tuple[Any, Any], number: jax.Array) -> tuple[tuple[Any, Any], jax.Array]:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, jax.random.fold_in(key, number))
        seen = jax.lax.stop_gradient((value, grads))
        updates, state = update(seen[1], state, params, value=seen[0], curvature=curvature_at(params, number))
        return (optax.apply_updates(params, updates), state), value

    (params, state), losses = jax.lax.scan(step, (params, state), start + jnp.arange(steps))
    last = loss(params, jax.random.fold_in(key, start + steps))
    return jnp.append(losses, last), params, state
