"""The published experiments of results.md that are no races: each returns what is saved as JSON."""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import optax_zoo as zoo
from optax_zoo.race.tasks import create_task

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import reddi
from results_deep import deep_mlp_long

SEEDS = 10
REPLAY = "replay.json"
PUBLISHED = {
    "adam": lambda: zoo.adam(10**-1.4),
    "momentum 0.99": lambda: zoo.momentum(10**-2.6, 0.99),
    "sgd": lambda: zoo.sgd(10**-1.8),
}
RATES = (0.001, 0.005, 0.01, 0.03, 0.05, 0.1)
CONVEX = {
    "sgd": zoo.sgd,
    "nag": zoo.nag,
    "normalized nag, l2": lambda rate: zoo.normalized(zoo.nag(rate), "l2"),
    "normalized nag, std": lambda rate: zoo.normalized(zoo.nag(rate), "std"),
    "adam": lambda rate: zoo.adam(rate, eps=1e-7),
    "normalized adam, l2": lambda rate: zoo.normalized(zoo.adam(rate, eps=1e-7), "l2"),
    "normalized adam, std": lambda rate: zoo.normalized(zoo.adam(rate, eps=1e-7), "std"),
    "rmsprop": lambda rate: zoo.rmsprop(rate, 0.9, eps=1e-7),
}


def quadratic_deep(epochs=100, optimizers=tuple(PUBLISHED)):
    """Test loss after each epoch at the published rates, by order of the batches, optimizer and seed."""
    task = create_task("quadratic_deep")
    train, size = jnp.asarray(task.train), task.batch_size
    per_epoch = len(train) // size

    def trial(tx, fixed, seed):
        def epoch(carry, number):
            key = jax.random.fold_in(jax.random.key(seed), 0 if fixed else number)
            batches = train[jax.random.permutation(key, len(train))[: per_epoch * size]].reshape(per_epoch, size, -1)
            carry = jax.lax.scan(lambda carry, batch: (step(carry, batch), None), carry, batches)[0]
            return carry, task.loss(carry[0], jnp.asarray(task.test))

        def step(carry, batch):
            x, state = carry
            updates, state = tx.update(jax.grad(task.loss)(x, batch), state, x)
            return optax.apply_updates(x, updates), state

        x = task.init(None)
        return jax.lax.scan(epoch, (x, tx.init(x)), jnp.arange(epochs))[1]

    def trials(make, fixed):
        return jax.jit(jax.vmap(lambda seed: trial(make(), fixed, seed)))(jnp.arange(SEEDS))

    orders = {"same order in each epoch": True, "new order in each epoch": False}
    return {order: {name: trials(PUBLISHED[name], fixed) for name in optimizers} for order, fixed in orders.items()}


def convex_problem(seed, dimension=100):
    """Q, b and the start of the published notebook, which has seed 0; and the minimum."""
    from sklearn.datasets import make_spd_matrix

    random = np.random.RandomState(seed)
    q, b, x = make_spd_matrix(dimension, random_state=random), random.randn(dimension), random.randn(dimension)
    return q, b, x, -b @ np.linalg.solve(q, b) / 2


def convex(steps=1000, every=40, optimizers=tuple(CONVEX)):
    """Losses every 40 steps, by optimizer, rate and seed, and the minima by seed."""
    q, b, start, minimum = (jnp.asarray(x, jnp.float32) for x in zip(*map(convex_problem, range(SEEDS)), strict=True))

    def descend(tx, q, b, x):
        def loss(x):
            return x @ q @ x / 2 - b @ x

        def step(carry, _):
            x, state = carry
            updates, state = tx.update(jax.grad(loss)(x), state, x)
            return (optax.apply_updates(x, updates), state), None

        def stretch(carry, _):
            return jax.lax.scan(step, carry, length=every)[0], loss(carry[0])

        carry, losses = jax.lax.scan(stretch, (x, tx.init(x)), length=steps // every)
        return jnp.append(losses, loss(carry[0]))

    losses = {}
    for name in optimizers:
        make = CONVEX[name]
        by_problem = jax.vmap(lambda rate, *problem, make=make: descend(make(rate), *problem), (None, 0, 0, 0))
        by_rate = jax.jit(jax.vmap(by_problem, (0, None, None, None)))(jnp.array(RATES), q, b, start)
        losses[name] = dict(zip(map("{:g}".format, RATES), by_rate, strict=True))
    return {"minimum": minimum, "losses": losses}


def online(steps=1_000_000, random_steps=3_000_000, keep=4):
    """Reddi's problem: paths of the example, and with 1010 at random, once in 100 steps, the last mean x by seed."""
    paths, ends = {}, {}
    for rate in reddi.RATES:
        for name, make in reddi.OPTIMIZERS.items():
            steps_at, means = reddi.path(make(reddi.RATES[rate]), steps)
            paths.setdefault(rate, {})[name] = {"steps": steps_at[keep - 1 :: keep], "x": means[keep - 1 :: keep]}
            ends.setdefault(rate, {})[name] = _stochastic(make(reddi.RATES[rate]), random_steps)
    return {"paths": paths, "random": ends}


def _stochastic(tx, steps, last=0.01):
    """Mean x over the last steps, by seed, where each gradient is 1010 with probability 0.01, else -10."""

    def trial(seed):
        large = jax.random.bernoulli(jax.random.key(seed), 0.01, (steps,))

        def step(carry, gradient):
            x, state = carry
            update, state = tx.update(gradient, state, x)
            x = jnp.clip(x + update, -1, 1)
            return (x, state), x

        x = jnp.zeros(())
        xs = jax.lax.scan(step, (x, tx.init(x)), jnp.where(large, 1010.0, -10.0))[1]
        return xs[-round(last * steps) :].mean()

    return jax.jit(jax.vmap(trial))(jnp.arange(SEEDS))


REPLAYS = {"quadratic_deep": quadratic_deep, "convex": convex, "reddi": online, "deep_mlp_long": deep_mlp_long}


def save(name, folder):
    """Computes an experiment and writes it as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPLAY).write_text(json.dumps(plain(REPLAYS[name]())) + "\n", encoding="utf-8")


def plain(value):
    """Arrays as lists, for JSON: float32 with as many digits as tell it apart, NaN and infinity as None."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if np.ndim(value):
        return [plain(item) for item in np.asarray(value)]
    if isinstance(value, np.floating):
        return float(str(value)) if np.isfinite(value) else None
    return int(value)
