"""One algorithm, or one close family, a file."""
