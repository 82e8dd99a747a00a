"""Low precision around any optimizer: parameters in bfloat16 or narrower that lose no step, and small states.

Each function takes a transformation, ours or not, and returns one.
"""

from optax_zoo.precision.apply_updates import apply_updates
from optax_zoo.precision.float32_statistics import float32_statistics
from optax_zoo.precision.kahan import KahanState, with_kahan_summation
from optax_zoo.precision.master_weights import MasterWeightsState, with_master_weights
from optax_zoo.precision.quantized import Quantized, QuantizedState, dequantized, with_quantized_state
from optax_zoo.precision.stochastic_rounding import StochasticRoundingState, with_stochastic_rounding

__all__ = [
    "KahanState",
    "MasterWeightsState",
    "Quantized",
    "QuantizedState",
    "StochasticRoundingState",
    "apply_updates",
    "dequantized",
    "float32_statistics",
    "with_kahan_summation",
    "with_master_weights",
    "with_quantized_state",
    "with_stochastic_rounding",
]
