"""Our side of `step_torch.py`."""

import jax
import jax.numpy as jnp
import optax
from step_torch_turns import serve

import optax_zoo as zoo


def begin(params, gradients, task):
    """A jitted step that writes into the old parameters and state."""
    tx = zoo.create(task["name"], **task["hyperparameters"])

    def update(params, state, grads):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    params = list(map(jnp.asarray, params))
    carry = params, tx.init(params)
    gradients = [list(map(jnp.asarray, grads)) for grads in gradients]
    update = jax.jit(update, donate_argnums=(0, 1)).lower(*carry, gradients[0]).compile()

    def step(number):
        nonlocal carry
        carry = jax.block_until_ready(update(*carry, gradients[number]))

    return step


if __name__ == "__main__":
    serve(begin)
