"""Second-order methods: the curvature, estimated from how gradients change."""
