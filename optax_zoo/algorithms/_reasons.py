"""Why several algorithms do not pass a check of `optax_zoo.conformance`."""

INJECTED_IN_BFLOAT16 = (
    "on bfloat16 parameters optax.inject_hyperparams casts a decay of 0.999 to 1.0 before the factory sees it: pass "
    "hyperparam_dtype=jnp.float32"
)
WHOLE_MATRICES = (
    "it multiplies whole matrices: jit brings those that are sharded together, but jax.shard_map must be given them in "
    "one piece"
)
