"""Optimizers for JAX as rows of named, exchangeable parts, each a pure optax transformation."""

from optax_zoo.algorithms.adam import adam, adamw
from optax_zoo.algorithms.expectigrad import expectigrad
from optax_zoo.algorithms.gravity import gravity
from optax_zoo.algorithms.momentum import momentum
from optax_zoo.algorithms.nag import nag, nag_iterate
from optax_zoo.algorithms.normalized import clipped, normalized
from optax_zoo.algorithms.novograd import novograd
from optax_zoo.algorithms.sgd import sgd
from optax_zoo.pipeline import SLOTS, Pipeline, pipeline
from optax_zoo.primitives.accumulators import arithmetic_mean, ema, peak, total, trace
from optax_zoo.primitives.combine import serial
from optax_zoo.primitives.damping import damp_by_max
from optax_zoo.primitives.decay import coupled_decay, decoupled_decay
from optax_zoo.primitives.denominators import (
    arithmetic_rms,
    debiased,
    deviation,
    root,
    running_max,
    scale_by_arithmetic_rms,
)
from optax_zoo.primitives.initial import random_normal
from optax_zoo.primitives.learning_rate import handed
from optax_zoo.primitives.momentum import growing_decay, scale_by_ema
from optax_zoo.primitives.norms import clip_by_norm, list_norms, normalize_by_norm, register_norm
from optax_zoo.primitives.part import Part
from optax_zoo.primitives.statistics import absolute, leaf_sum, square
from optax_zoo.registry import Algorithm, algorithm, create, describe, list_algorithms

__version__ = "0.1.0"

__all__ = [
    "SLOTS",
    "Algorithm",
    "Part",
    "Pipeline",
    "absolute",
    "adam",
    "adamw",
    "algorithm",
    "arithmetic_mean",
    "arithmetic_rms",
    "clip_by_norm",
    "clipped",
    "coupled_decay",
    "create",
    "damp_by_max",
    "debiased",
    "decoupled_decay",
    "describe",
    "deviation",
    "ema",
    "expectigrad",
    "gravity",
    "growing_decay",
    "handed",
    "leaf_sum",
    "list_algorithms",
    "list_norms",
    "momentum",
    "nag",
    "nag_iterate",
    "normalize_by_norm",
    "normalized",
    "novograd",
    "peak",
    "pipeline",
    "random_normal",
    "register_norm",
    "root",
    "running_max",
    "scale_by_arithmetic_rms",
    "scale_by_ema",
    "serial",
    "sgd",
    "square",
    "total",
    "trace",
]
