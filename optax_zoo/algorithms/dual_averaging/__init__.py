"""Dual averaging: steps counted from the first parameters, along the weighted sum of all gradients."""
