"""Methods whose learning rate estimates itself."""
