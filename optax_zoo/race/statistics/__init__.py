"""Estimates, intervals and tests of arrays of numbers, which know nothing of races."""
