"""What is renewed every few steps: when, at what cost, and inside which transformations."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, PartitionSpec

import optax_zoo as zoo
from optax_zoo.primitives.renewal import due, phases, renewed


@zoo.primitive
def latest(every=3, phase=0):
    """The gradient of the step that was due last."""

    def update(updates, state, params=None, **extra_args):
        count, kept = state
        kept = renewed(due(count, every, phase), lambda: jax.tree.map(lambda g: g + 0, updates), kept)
        return kept, (count + 1, kept)

    return zoo.Rule(lambda params: (jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params)), update)


def found(tx, steps=8):
    """The updates of steps whose gradients are their numbers."""
    state = tx.init(jnp.zeros(()))
    updates = []
    for step in range(steps):
        u, state = tx.update(jnp.float32(step), state)
        updates.append(int(u))
    return updates


@pytest.mark.parametrize(
    ("every", "phase", "expected"),
    [
        (1, 0, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3, 0, [0, 0, 0, 3, 3, 3, 6, 6]),
        (3, 1, [0, 1, 1, 1, 4, 4, 4, 7]),
        (3, 2, [0, 0, 2, 2, 2, 5, 5, 5]),
        (4, jnp.float32(2), [0, 0, 2, 2, 2, 2, 6, 6]),
    ],
)
def test_everything_is_renewed_at_step_0_and_then_once_in_a_period(every, phase, expected):
    assert found(latest(every, phase)) == expected


def test_a_traced_period_is_as_a_number():
    assert found(optax.inject_hyperparams(latest)(every=3)) == found(latest(3))


def test_phases_share_the_cost_of_a_period():
    assert phases([1.0] * 6, 3) == [0, 0, 1, 1, 2, 2]
    assert phases([8.0, 1, 1, 1, 1, 4], 4) == [0, 2, 2, 2, 2, 3]
    assert phases([1.0] * 3, 3, staggered=False) == phases([0.0] * 3, 3) == [0, 0, 0]
    assert list(map(float, phases([1.0] * 6, jnp.int32(3)))) == [0, 0, 1, 1, 2, 2]


def test_what_is_not_due_is_not_computed():
    computed = []

    def renew():
        jax.debug.callback(lambda: computed.append(1))
        return jnp.ones(())

    step = jax.jit(lambda count: renewed(due(count, 4), renew, jnp.zeros(())))
    results = [float(step(jnp.int32(count))) for count in range(8)]
    jax.effects_barrier()
    assert results == [1, 0, 0, 0, 1, 0, 0, 0]
    assert len(computed) == 2


def test_dtypes_stay():
    old = {"a": jnp.zeros(2, jnp.bfloat16), "b": jnp.zeros(2)}
    new = renewed(jnp.bool_(True), lambda: {"a": jnp.ones(2), "b": jnp.ones(2) + 1j}, old)
    assert [(x.dtype, float(x[0])) for x in new.values()] == [(jnp.bfloat16, 1), (jnp.float32, 1)]


def test_under_scan_and_vmap_and_shard_map():
    tx = latest(3)

    def body(state, g):
        u, state = tx.update(g, state)
        return state, u

    run = functools.partial(jax.lax.scan, body)
    grads = jnp.arange(8.0)
    expected = np.asarray(found(tx))
    np.testing.assert_array_equal(run(tx.init(grads[0]), grads)[1], expected)
    several = jax.vmap(lambda g: run(tx.init(g[0]), g)[1])(jnp.stack([grads, 2 * grads]))
    np.testing.assert_array_equal(several, [expected, 2 * expected])
    mesh = Mesh(np.array(jax.devices()[:1]), "x")
    over = PartitionSpec("x")

    def step(u, kept, count):  # the gradient varies over devices, what was kept does not
        return tx.update(u, (count, kept))[1][1]

    of_shards = jax.jit(
        jax.shard_map(step, mesh=mesh, in_specs=(over, PartitionSpec(), PartitionSpec()), out_specs=over)
    )
    assert [of_shards(jnp.ones(1), jnp.zeros(1), jnp.int32(count)) for count in range(2)] == [1, 0]
