"""Sampling: noise that is annealed, so that a search of the posterior ends as an optimization."""
