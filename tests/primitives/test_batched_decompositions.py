"""Decompositions in batches: on CPUs no call of LAPACK is for several matrices, which could wait for ever."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_zoo.primitives import lapack
from optax_zoo.primitives.batched import batched


def test_matrices_are_decomposed_one_by_one_on_cpus():
    def values(matrix):
        return jnp.linalg.eigh(matrix)[0]

    leaves = [jnp.stack([jnp.diag(jnp.arange(3.0) + i)] * 2) for i in range(3)]
    together = jax.jit(lambda leaves: batched(values, leaves, decomposes=True))
    text = together.lower(leaves).compile().as_text()
    calls = [line for line in text.splitlines() if "lapack_s" in line]
    assert calls and not any("f32[2,3,3]" in line for line in calls)
    for i, found in enumerate(together(leaves)):
        np.testing.assert_allclose(found, [jnp.arange(3.0) + i] * 2, atol=1e-5)


@pytest.mark.parametrize("name", ["svd", "eigh", "orthonormal_columns", "triangular_factor"])
@pytest.mark.parametrize("layers", [(2,), (1, 2)])
def test_layers_and_vmap_call_lapack_for_one_matrix_at_a_time_on_cpus(name, layers):
    function = getattr(lapack, name)
    matrices = jnp.asarray(np.random.default_rng(0).normal(size=(2, *layers, 3, 3)), jnp.float32)
    matrices = matrices + matrices.mT
    compiled = jax.jit(jax.vmap(function)).lower(matrices).compile()
    calls = [line for line in compiled.as_text().splitlines() if "lapack_s" in line]
    assert calls and not any("f32[2,3,3]" in line or "f32[4,3,3]" in line for line in calls)
    found = jax.tree.leaves(compiled(matrices))
    expected = jax.tree.leaves(function(matrices[1][(1,) * len(layers) if layers == (2,) else (0, 1)]))
    for all_of_them, own in zip(found, expected, strict=True):
        np.testing.assert_allclose(all_of_them[1][(1,) if layers == (2,) else (0, 1)], own, atol=1e-5)
