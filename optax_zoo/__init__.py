"""Optimizers for JAX as rows of named, exchangeable parts, each a pure optax transformation."""

from optax_zoo.algorithms.adabound import adabound, amsbound
from optax_zoo.algorithms.adadelta import adadelta, match_units
from optax_zoo.algorithms.adagrad import adagrad
from optax_zoo.algorithms.adam import adam, adamw
from optax_zoo.algorithms.adamax import adamax
from optax_zoo.algorithms.adasecant import adasecant
from optax_zoo.algorithms.amsgrad import amsgrad
from optax_zoo.algorithms.eve import eve
from optax_zoo.algorithms.expectigrad import expectigrad
from optax_zoo.algorithms.gravity import gravity
from optax_zoo.algorithms.learned_lstm import learned_lstm
from optax_zoo.algorithms.momentum import momentum
from optax_zoo.algorithms.nadam import nadam
from optax_zoo.algorithms.nag import nag, nag_iterate
from optax_zoo.algorithms.normalized import clipped, normalized
from optax_zoo.algorithms.novograd import novograd
from optax_zoo.algorithms.rmsprop import rmsprop, rmsprop_graves
from optax_zoo.algorithms.santa import santa_e, santa_sss
from optax_zoo.algorithms.sgd import sgd
from optax_zoo.algorithms.smorms3 import scale_by_smorms3, smorms3
from optax_zoo.learned.lstm import coordinatewise_lstm
from optax_zoo.migration import migrate
from optax_zoo.pipeline import SLOTS, Pipeline, pipeline
from optax_zoo.primitives.accumulators import arithmetic_mean, ema, peak, total, trace
from optax_zoo.primitives.annealing import power_annealing
from optax_zoo.primitives.average_norm import normalize_by_average_norm
from optax_zoo.primitives.bounds import converging_bound
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
from optax_zoo.primitives.integrators import euler, integrator, symmetric_splitting
from optax_zoo.primitives.learning_rate import handed
from optax_zoo.primitives.loss_feedback import loss_feedback, relative_change, tracked_change
from optax_zoo.primitives.momentum import growing_decay, scale_by_ema
from optax_zoo.primitives.nesterov import nesterov_ema, warming_decay
from optax_zoo.primitives.norms import clip_by_norm, list_norms, normalize_by_norm, register_norm
from optax_zoo.primitives.part import Part
from optax_zoo.primitives.secant import scale_by_secant
from optax_zoo.primitives.stacked import stacked_under
from optax_zoo.primitives.statistics import absolute, leaf_sum, square
from optax_zoo.primitives.thermostat import by_preconditioner, thermostat
from optax_zoo.registry import CLAIMS, Algorithm, algorithm, create, describe, list_algorithms

__version__ = "0.1.0"

__all__ = [
    "CLAIMS",
    "SLOTS",
    "Algorithm",
    "Part",
    "Pipeline",
    "absolute",
    "adabound",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adasecant",
    "algorithm",
    "amsbound",
    "amsgrad",
    "arithmetic_mean",
    "arithmetic_rms",
    "by_preconditioner",
    "clip_by_norm",
    "clipped",
    "converging_bound",
    "coordinatewise_lstm",
    "coupled_decay",
    "create",
    "damp_by_max",
    "debiased",
    "decoupled_decay",
    "describe",
    "deviation",
    "ema",
    "euler",
    "eve",
    "expectigrad",
    "gravity",
    "growing_decay",
    "handed",
    "integrator",
    "leaf_sum",
    "learned_lstm",
    "list_algorithms",
    "list_norms",
    "loss_feedback",
    "match_units",
    "migrate",
    "momentum",
    "nadam",
    "nag",
    "nag_iterate",
    "nesterov_ema",
    "normalize_by_average_norm",
    "normalize_by_norm",
    "normalized",
    "novograd",
    "peak",
    "pipeline",
    "power_annealing",
    "random_normal",
    "register_norm",
    "relative_change",
    "rmsprop",
    "rmsprop_graves",
    "root",
    "running_max",
    "santa_e",
    "santa_sss",
    "scale_by_arithmetic_rms",
    "scale_by_ema",
    "scale_by_secant",
    "scale_by_smorms3",
    "serial",
    "sgd",
    "smorms3",
    "square",
    "stacked_under",
    "symmetric_splitting",
    "thermostat",
    "total",
    "trace",
    "tracked_change",
    "warming_decay",
]
