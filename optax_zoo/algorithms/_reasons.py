"""Why several algorithms do not pass a check of `optax_zoo.conformance`."""

INJECTED_IN_BFLOAT16 = (
    "on bfloat16 parameters optax.inject_hyperparams casts a decay of 0.999 to 1.0 before the factory sees it: pass "
    "hyperparam_dtype=jnp.float32"
)
