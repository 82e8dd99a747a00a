"""Why several algorithms do not pass a check of `optax_zoo.conformance`."""

INJECTED_IN_BFLOAT16 = (
    "on bfloat16 parameters optax.inject_hyperparams casts a decay of 0.999 to 1.0 before the factory sees it: pass "
    "hyperparam_dtype=jnp.float32"
)
WHOLE_CHANNELS = (
    "it sums over channels: jit adds up those that are split over devices, in all-reduces of a number for each, but "
    "jax.shard_map must be given them in one piece"
)
SUMS_OF_GRADIENTS = "it sums up gradients before the rate, and the sum of two of the largest float32 is infinite"
WHOLE_MATRICES = (
    "it multiplies whole matrices: jit brings those that are sharded together, but jax.shard_map must be given them in "
    "one piece"
)
LAID_OUT_BY_JIT = "jit lays the factors out as it sees fit where no out_shardings say it"
OF_EACH_OUTPUT = (
    "it takes means over the inputs of each output, whole axes of a leaf: jit sums those over the devices, but "
    "jax.shard_map must be given the inputs in one piece"
)
AS_MANY_AS_AXES = "leaves of more than two axes have further factors, and Optax does not show it their axes there"
KEEPS_MEANS = "centralized gradients leave the mean weight of each output where it starts, here far from the solution"
