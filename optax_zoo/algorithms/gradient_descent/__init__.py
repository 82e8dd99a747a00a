"""Gradient descent: the gradient itself, averaged, normalized, clipped or damped."""
