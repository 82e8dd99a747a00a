"""Learned optimizers: a network, trained on tasks, makes the step."""
