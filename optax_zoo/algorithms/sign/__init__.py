"""Methods of sign: of the direction only the sign of each element counts."""
