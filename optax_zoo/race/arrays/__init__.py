"""A task from arrays and a model."""
