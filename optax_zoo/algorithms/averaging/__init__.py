"""Averaging methods: the parameters to evaluate with are others than those trained at."""
