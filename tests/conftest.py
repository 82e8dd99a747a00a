"""Eight CPU devices for every test, and trees that all tests share."""

import os

# Nearly all of the time goes into compiling: this takes a third of it away, and changes no buffer and hardly a number.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")  # the user's cache folder is none of a test's business

import jax
import jax.numpy as jnp
import optax
import pytest

jax.config.update("jax_num_cpu_devices", 8)

collect_ignore_glob = ["algorithms/*/replay.py"]  # imported by tests/parity, by their folders' names


@pytest.fixture
def params():
    return {"w": jnp.linspace(-1.0, 1.0, 12).reshape(4, 3), "b": jnp.array([0.5, -0.25, 2.0]), "s": jnp.float32(1.5)}


@pytest.fixture
def grads():
    return {"w": jnp.linspace(3.0, -2.0, 12).reshape(4, 3), "b": jnp.array([1.0, 0.0, -4.0]), "s": jnp.float32(-0.1)}


@pytest.fixture
def run():
    """A function that takes steps with a constant gradient: parameters, state and last updates."""

    def steps(tx, params, grads, count=5):
        state, loss = tx.init(params), jnp.float32(1.0)  # for those that read it
        if isinstance(tx, optax.GradientTransformation):
            tx = optax.with_extra_args_support(tx)
        for _ in range(count):
            updates, state = tx.update(grads, state, params, value=loss)
            params = optax.apply_updates(params, updates)
        return params, state, updates

    return steps
