"""A side of `step_fused.py`: takes steps of an optimizer when it is told to, and prints how long they took."""

import json
import sys
import time


def of_jax(task):
    """A jitted step that writes into the old parameters and state."""
    import optax_zoo as zoo
    from optax_zoo.cost.step.rivals import same_of_optax
    from optax_zoo.cost.step.trees import tree_of

    if task["kind"] == "fused":
        zoo.enable_fused_steps()
    import jax
    import jax.numpy as jnp
    import optax

    known = zoo.describe(task["name"])
    tx = known.factory(**{**known.example, "learning_rate": 1e-3})
    if task["kind"] == "fused":
        tx = zoo.fused(tx)
    elif task["kind"] == "optax":
        tx = optax.lion(1e-3) if task["name"] == "lion" else same_of_optax(task["name"])[1]
    shapes = tree_of(task["tree"])
    params, grads = (jax.tree.map(lambda x, value=value: jnp.full(x.shape, value), shapes) for value in (0.1, 0.01))

    def step(carry, grads):
        params, state = carry
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    carry = params, jax.jit(tx.init)(params)
    del params
    compiled = jax.jit(step, donate_argnums=0).lower(carry, grads).compile()

    def run(count):
        nonlocal carry
        for _ in range(count):
            carry = compiled(carry, grads)
        jax.block_until_ready(carry)

    return run


def of_torch(task):
    """A step of torch's fused optimizer."""
    import torch

    torch.set_num_threads(task["cores"])
    params = [torch.nn.Parameter(torch.full(shape, 0.1)) for shape in task["shapes"]]
    for each in params:
        each.grad = torch.full(each.shape, 0.01)
    made = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adagrad": torch.optim.Adagrad}
    if task["name"] in ("momentum", "nag"):
        nag = task["name"] == "nag"
        optimizer = torch.optim.SGD(params, lr=1e-3, momentum=0.9, nesterov=nag, fused=True)
    else:
        optimizer = made[task["name"]](params, lr=1e-3, fused=True)

    def run(count):
        for _ in range(count):
            optimizer.step()

    return run


def main():
    """The first line of the input says what to do, each other a number of steps."""
    task = json.loads(input())
    run = (of_torch if task["kind"] == "torch" else of_jax)(task)
    for line in sys.stdin:
        began = time.perf_counter()
        run(int(line))
        print((time.perf_counter() - began) / int(line), flush=True)


if __name__ == "__main__":
    main()
