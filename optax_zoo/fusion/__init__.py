"""Steps whose kernels write several arrays, where XLA:CPU is told to merge kernels."""

from optax_zoo.fusion.flag import enable_fused_steps
from optax_zoo.fusion.transformation import fused

__all__ = ["enable_fused_steps", "fused"]
