"""Convergence: the toy problems of optax's shared suite, at the factory's own hyperparameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.conformance.assertions import close
from optax_zoo.conformance.registry import check_in
from optax_zoo.conformance.subject import Subject
from optax_zoo.primitives.curvature import hutchinson

check = check_in("convergence")

STEPS = 30_000
TOLERANCE = 0.03


@check()
def parabola(subject: Subject) -> None:
    """Minimizes the squared distance of a vector from another in 30,000 steps."""
    target = jnp.array([1.0, -1.0, 1.0])
    _minimize(subject, jnp.array([-1.0, 10.0, 1.0]), target, lambda p: jnp.sum((p - target) ** 2))


@check()
def rosenbrock(subject: Subject) -> None:
    """Minimizes Rosenbrock's function from 0 in 30,000 steps."""
    _minimize(subject, jnp.zeros(2), jnp.ones(2), lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2)


@check()
def matrix_parabola(subject: Subject) -> None:
    """Minimizes the squared distance of a matrix from another in 30,000 steps."""
    target = jnp.array([[3.0, -2.0], [1.0, 4.0]])
    _minimize(subject, jnp.zeros((2, 2)), target, lambda p: jnp.sum((p - target) ** 2))


@check()
def vector_and_matrix(subject: Subject) -> None:
    """Minimizes the squared distance of a vector and a matrix from others in 30,000 steps."""
    target = (jnp.array([1.0, -1.0, 2.0]), jnp.array([[1.0, 0.0], [-1.0, 1.0]]))

    def loss(params: Any) -> jax.Array:
        return jnp.sum((params[0] - target[0]) ** 2) + jnp.sum((params[1] - target[1]) ** 2)

    _minimize(subject, (jnp.zeros(3), jnp.zeros((2, 2))), target, loss)


def _minimize(subject: Subject, start: Any, target: Any, loss: Callable[[Any], jax.Array]) -> None:
    tx = subject.tx

    @jax.jit
    def run(params: Any) -> Any:
        def body(carry: Any, _: Any) -> tuple[Any, None]:
            value, grads = jax.value_and_grad(loss)(carry[0])
            given = dict(value=value, value_fn=loss, curvature=hutchinson(loss, carry[0]))
            return subject.step(tx, carry[0], carry[1], grads, **given), None

        return jax.lax.scan(body, (params, tx.init(params)), length=STEPS)[0][0]

    close("parameters", run(start), target, rtol=TOLERANCE, atol=TOLERANCE)
