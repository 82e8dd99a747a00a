"""Muon in each row's momentum: a direction is orthogonalized wherever a pipeline has a slot for it."""

import jax
import jax.numpy as jnp
import pytest

import optax_zoo as zoo

PARAMS = {"kernel": jnp.ones((4, 3)), "out": jnp.ones((3, 5))}


def pipelines():
    for name in zoo.list_algorithms():
        tx = zoo.create(name, **zoo.describe(name).example)
        if isinstance(tx, zoo.Pipeline) and "numerator" in tx.slots and "basis" not in tx.slots:
            yield name, tx


@pytest.mark.parametrize(("name", "tx"), [pytest.param(*each, id=each[0]) for each in pipelines()])
def test_any_numerator_can_be_orthogonalized(name, tx):
    orthogonal = tx.replace(denominator=None, bound=None, rescale=zoo.orthogonalize())
    assert orthogonal.slots["rescale"].rule.expression == "orthogonalize()"
    assert repr(orthogonal.slots["numerator"]) == repr(tx.slots["numerator"])


@pytest.mark.parametrize("make", [zoo.adam, zoo.aggmo, zoo.lion, zoo.adan])
def test_steps_are_then_orthogonal(make):
    tx = make(1.0).replace(denominator=None, bound=None, decay=None, rescale=zoo.polar_factor())
    grads = {"kernel": jnp.arange(12.0).reshape(4, 3) % 5, "out": jnp.arange(15.0).reshape(3, 5) % 7}
    updates, _ = tx.update(grads, tx.init(PARAMS), PARAMS)
    for u in jax.tree.leaves(updates):
        assert jnp.allclose(jnp.linalg.svd(u, compute_uv=False), 1, atol=1e-4)
