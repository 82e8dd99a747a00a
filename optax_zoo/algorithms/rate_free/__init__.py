"""Rate-free methods: the learning rate estimates itself."""
