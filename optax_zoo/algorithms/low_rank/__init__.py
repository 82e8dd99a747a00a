"""Low rank: moments of matrices in subspaces of few dimensions, or of few weights."""
