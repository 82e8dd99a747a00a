"""The parts that optimizers are composed from; each is an optax transformation of its own."""
