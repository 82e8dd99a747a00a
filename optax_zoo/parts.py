"""Every part in one import: `from optax_zoo.parts import debiased, ema, root`."""

from optax_zoo.learned.lstm import coordinatewise_lstm
from optax_zoo.primitives.accumulators import ema, total, trace
from optax_zoo.primitives.agreement import cautious
from optax_zoo.primitives.annealing import power_annealing
from optax_zoo.primitives.arithmetic_mean import arithmetic_mean
from optax_zoo.primitives.average_norm import normalize_by_average_norm
from optax_zoo.primitives.basis import BasisRule, Turned
from optax_zoo.primitives.bias_correction import scale_by_bias_correction
from optax_zoo.primitives.bounds import converging_bound
from optax_zoo.primitives.combine import in_series, optional, serial
from optax_zoo.primitives.dadapt import dadapt_rate
from optax_zoo.primitives.damping import damp_by_max
from optax_zoo.primitives.decay import coupled_decay, decoupled_decay, proximal_decay
from optax_zoo.primitives.denominators import (
    arithmetic_rms,
    debiased,
    deviation,
    root,
    running_max,
    scale_by_arithmetic_rms,
)
from optax_zoo.primitives.difference import difference, extrapolated
from optax_zoo.primitives.eigenbasis import eigenbasis
from optax_zoo.primitives.factored import factored
from optax_zoo.primitives.initial import random_normal
from optax_zoo.primitives.integrators import euler, integrator, symmetric_splitting
from optax_zoo.primitives.iterates import lookahead_steps, schedule_free
from optax_zoo.primitives.learning_rate import Estimate, RateRule, Told, already_applied
from optax_zoo.primitives.loss_feedback import loss_feedback, relative_change, tracked_change
from optax_zoo.primitives.momentum import growing_decay, scale_by_ema
from optax_zoo.primitives.nesterov import nesterov_ema, warming_decay
from optax_zoo.primitives.norms import clip_by_norm, list_norms, normalize_by_norm, register_norm
from optax_zoo.primitives.orthogonalize import orthogonalize, scale_by_shape
from optax_zoo.primitives.part import Part, Rule, primitive
from optax_zoo.primitives.peak import peak
from optax_zoo.primitives.powers import power_decay, relative_rate
from optax_zoo.primitives.prodigy import prodigy_rate
from optax_zoo.primitives.pulled_back import pulled_back
from optax_zoo.primitives.rectified import rectified
from optax_zoo.primitives.residual import residual
from optax_zoo.primitives.schedules import linear_warmup, scaled_schedule
from optax_zoo.primitives.secant import scale_by_secant
from optax_zoo.primitives.sign import scale_by_sign
from optax_zoo.primitives.stacked import stacked_under
from optax_zoo.primitives.statistics import absolute, leaf_sum, square
from optax_zoo.primitives.sums import parallel, scaled
from optax_zoo.primitives.thermostat import by_preconditioner, thermostat
from optax_zoo.primitives.trust import scale_by_param_norm, trust_ratio

__all__ = [
    "BasisRule",
    "Estimate",
    "Part",
    "RateRule",
    "Rule",
    "Told",
    "Turned",
    "absolute",
    "already_applied",
    "arithmetic_mean",
    "arithmetic_rms",
    "by_preconditioner",
    "cautious",
    "clip_by_norm",
    "converging_bound",
    "coordinatewise_lstm",
    "coupled_decay",
    "dadapt_rate",
    "damp_by_max",
    "debiased",
    "decoupled_decay",
    "deviation",
    "difference",
    "eigenbasis",
    "ema",
    "euler",
    "extrapolated",
    "factored",
    "growing_decay",
    "in_series",
    "integrator",
    "leaf_sum",
    "linear_warmup",
    "list_norms",
    "lookahead_steps",
    "loss_feedback",
    "nesterov_ema",
    "normalize_by_average_norm",
    "normalize_by_norm",
    "optional",
    "orthogonalize",
    "parallel",
    "peak",
    "power_annealing",
    "power_decay",
    "primitive",
    "prodigy_rate",
    "proximal_decay",
    "pulled_back",
    "random_normal",
    "rectified",
    "register_norm",
    "relative_change",
    "relative_rate",
    "residual",
    "root",
    "running_max",
    "scale_by_arithmetic_rms",
    "scale_by_bias_correction",
    "scale_by_ema",
    "scale_by_param_norm",
    "scale_by_secant",
    "scale_by_shape",
    "scale_by_sign",
    "scaled",
    "scaled_schedule",
    "schedule_free",
    "serial",
    "square",
    "stacked_under",
    "symmetric_splitting",
    "thermostat",
    "total",
    "trace",
    "tracked_change",
    "trust_ratio",
    "warming_decay",
]
