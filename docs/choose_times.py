"""How long a training step on char_lm takes with each optimizer of choose.md, over Adam's, in turns."""

import statistics
import time

import jax
import optax
from choose_races import ENTRANTS, LONGEST

import optax_zoo as zoo
from optax_zoo.primitives.curvature import hutchinson
from optax_zoo.race.tasks import create_task

ROUNDS, STEPS = 7, 20


def ratios(progress=print):
    """By name, the median of times over Adam's; both are taken one after the other in each round."""
    task = create_task("char_lm")
    parameters = task.init(jax.random.key(0))
    batch = jax.tree.map(lambda x: x[: task.batch_size], task.train)
    adam = trainer(task, zoo.adam(1e-3), parameters, batch)
    found = {}
    for name in ENTRANTS:
        options = {"max_size": LONGEST[name]} if name in LONGEST else {}
        own = trainer(task, zoo.create(name, learning_rate=1e-3, **options), parameters, batch)
        found[name] = round(statistics.median(own() / adam() for _ in range(ROUNDS)), 3)
        progress(f"{name}: {found[name]}")
    return {"ratios": found, "rounds": ROUNDS, "steps": STEPS}


def trainer(task, tx, parameters, batch):
    """A function that takes steps, and returns the seconds of one."""
    tx = optax.with_extra_args_support(tx)

    @jax.jit
    def steps(parameters, state):
        def step(carry, _):
            parameters, state = carry
            loss, grads = jax.value_and_grad(task.loss)(parameters, batch)
            curvature = hutchinson(lambda parameters: task.loss(parameters, batch), parameters)
            updates, state = tx.update(grads, state, parameters, value=loss, curvature=curvature)
            return (optax.apply_updates(parameters, updates), state), loss

        return jax.lax.scan(step, (parameters, state), length=STEPS)

    state = tx.init(parameters)
    jax.block_until_ready(steps(parameters, state))

    def seconds():
        began = time.perf_counter()
        jax.block_until_ready(steps(parameters, state))
        return (time.perf_counter() - began) / STEPS

    return seconds
