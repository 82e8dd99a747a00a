"""Adam and its kin: an average gradient over an average of its size."""
