"""Training: all trials of an optimizer as one compiled program, over all devices."""
