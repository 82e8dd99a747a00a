"""Adaptive methods: a step divided by what the gradients of each parameter have been."""
