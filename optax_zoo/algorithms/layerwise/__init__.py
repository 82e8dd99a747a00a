"""Layer-wise methods: one scale for each layer."""
