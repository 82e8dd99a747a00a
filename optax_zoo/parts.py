"""Every part in one import: `from optax_zoo.parts import debiased, ema, root`."""

from optax_zoo.learned.lstm import coordinatewise_lstm
from optax_zoo.primitives.accumulators import ema, total, trace
from optax_zoo.primitives.agreement import cautious, signed_by_gradient
from optax_zoo.primitives.arithmetic_mean import arithmetic_mean
from optax_zoo.primitives.average_norm import normalize_by_average_norm, raise_to_average_norm
from optax_zoo.primitives.averages import averaged_params, primal_averaging
from optax_zoo.primitives.basis import BasisRule, Turned, Within
from optax_zoo.primitives.bias_correction import scale_by_bias_correction
from optax_zoo.primitives.blocks import blocked
from optax_zoo.primitives.bounds import bound_by_average, converging_bound
from optax_zoo.primitives.centralized import centralized
from optax_zoo.primitives.clip import clip_by_value
from optax_zoo.primitives.coefficients import polar_express
from optax_zoo.primitives.coin_betting import coin_betting
from optax_zoo.primitives.combine import in_series, optional, serial
from optax_zoo.primitives.compensation import scaled_as_within, whitened_rest
from optax_zoo.primitives.covered import covered
from optax_zoo.primitives.curvature import hutchinson, of_curvature
from optax_zoo.primitives.dadapt import dadapt_rate
from optax_zoo.primitives.damping import damp_by_max
from optax_zoo.primitives.decay import average_scale, coupled_decay, decoupled_decay, proximal_decay
from optax_zoo.primitives.denominators import (
    arithmetic_rms,
    debiased,
    deviation,
    lagged,
    root,
    running_max,
    scale_by_arithmetic_rms,
)
from optax_zoo.primitives.difference import difference, extrapolated
from optax_zoo.primitives.dog import dog_rate
from optax_zoo.primitives.eigenbasis import eigenbasis
from optax_zoo.primitives.exact_eigenbasis import exact_eigenbasis
from optax_zoo.primitives.factored import factored
from optax_zoo.primitives.graft import graft
from optax_zoo.primitives.growth import limit_growth
from optax_zoo.primitives.initial import random_normal
from optax_zoo.primitives.integrators import euler, integrator, symmetric_splitting
from optax_zoo.primitives.inverse_roots import coupled_newton, eigh_root
from optax_zoo.primitives.iterates import lookahead_steps, schedule_free
from optax_zoo.primitives.kronecker import kronecker_roots
from optax_zoo.primitives.layer_rates import scale_by_layer
from optax_zoo.primitives.learning_rate import Estimate, RateRule, Told, already_applied
from optax_zoo.primitives.loss_feedback import loss_feedback, relative_change, tracked_change
from optax_zoo.primitives.low_rank_momentum import low_rank_momentum
from optax_zoo.primitives.matrices import outputs_under
from optax_zoo.primitives.mechanic import mechanic_steps
from optax_zoo.primitives.momentum import growing_decay, scale_by_ema, warming_half_life
from optax_zoo.primitives.nesterov import nesterov_ema, warming_decay
from optax_zoo.primitives.norms import clip_by_norm, list_norms, normalize_by_norm, register_norm, whitened_gradient
from optax_zoo.primitives.numbered import numbered
from optax_zoo.primitives.orthogonalize import orthogonalize, polar_factor, scale_by_shape
from optax_zoo.primitives.part import Part, Rule, primitive
from optax_zoo.primitives.peak import peak
from optax_zoo.primitives.polyak import polyak_rate
from optax_zoo.primitives.positive_negative import positive_negative
from optax_zoo.primitives.powers import falling_rate, power_decay, power_growth, relative_rate
from optax_zoo.primitives.prodigy import prodigy_rate
from optax_zoo.primitives.projections import mutual_projections
from optax_zoo.primitives.psgd import fitted_whitening
from optax_zoo.primitives.pulled_back import pulled_back
from optax_zoo.primitives.rectified import rectified, rectified_schedule
from optax_zoo.primitives.residual import residual
from optax_zoo.primitives.restarted import restarted
from optax_zoo.primitives.rows_and_columns import rows_and_columns
from optax_zoo.primitives.schedules import from_step, linear_warmup, restart_warmup, scaled_schedule
from optax_zoo.primitives.secant import scale_by_secant
from optax_zoo.primitives.sharpness import sharpness_aware
from optax_zoo.primitives.sign import scale_by_sign
from optax_zoo.primitives.spikes import clip_by_average_norm, clip_spikes
from optax_zoo.primitives.spread import spread_matrices
from optax_zoo.primitives.stacked import but_longest, each_output, stacked_under
from optax_zoo.primitives.statistics import absolute, identity, leaf_sum, square
from optax_zoo.primitives.subspace import subspace
from optax_zoo.primitives.sums import parallel, scaled
from optax_zoo.primitives.tangential import tangential
from optax_zoo.primitives.thermostat import by_preconditioner, thermostat
from optax_zoo.primitives.tracked_subspace import tracked_subspace
from optax_zoo.primitives.trust import scale_by_param_norm, trust_ratio

__all__ = [
    "BasisRule",
    "Estimate",
    "Part",
    "RateRule",
    "Rule",
    "Told",
    "Turned",
    "Within",
    "absolute",
    "already_applied",
    "arithmetic_mean",
    "arithmetic_rms",
    "average_scale",
    "averaged_params",
    "blocked",
    "bound_by_average",
    "but_longest",
    "by_preconditioner",
    "cautious",
    "centralized",
    "clip_by_average_norm",
    "clip_by_norm",
    "clip_by_value",
    "clip_spikes",
    "coin_betting",
    "converging_bound",
    "coordinatewise_lstm",
    "coupled_decay",
    "coupled_newton",
    "covered",
    "dadapt_rate",
    "damp_by_max",
    "debiased",
    "decoupled_decay",
    "deviation",
    "difference",
    "dog_rate",
    "each_output",
    "eigenbasis",
    "eigh_root",
    "ema",
    "euler",
    "exact_eigenbasis",
    "extrapolated",
    "factored",
    "falling_rate",
    "fitted_whitening",
    "from_step",
    "graft",
    "growing_decay",
    "hutchinson",
    "identity",
    "in_series",
    "integrator",
    "kronecker_roots",
    "lagged",
    "leaf_sum",
    "limit_growth",
    "linear_warmup",
    "list_norms",
    "lookahead_steps",
    "loss_feedback",
    "low_rank_momentum",
    "mechanic_steps",
    "mutual_projections",
    "nesterov_ema",
    "normalize_by_average_norm",
    "normalize_by_norm",
    "numbered",
    "of_curvature",
    "optional",
    "orthogonalize",
    "outputs_under",
    "parallel",
    "peak",
    "polar_express",
    "polar_factor",
    "polyak_rate",
    "positive_negative",
    "power_decay",
    "power_growth",
    "primal_averaging",
    "primitive",
    "prodigy_rate",
    "proximal_decay",
    "pulled_back",
    "raise_to_average_norm",
    "random_normal",
    "rectified",
    "rectified_schedule",
    "register_norm",
    "relative_change",
    "relative_rate",
    "residual",
    "restart_warmup",
    "restarted",
    "root",
    "rows_and_columns",
    "running_max",
    "scale_by_arithmetic_rms",
    "scale_by_bias_correction",
    "scale_by_ema",
    "scale_by_layer",
    "scale_by_param_norm",
    "scale_by_secant",
    "scale_by_shape",
    "scale_by_sign",
    "scaled",
    "scaled_as_within",
    "scaled_schedule",
    "schedule_free",
    "serial",
    "sharpness_aware",
    "signed_by_gradient",
    "spread_matrices",
    "square",
    "stacked_under",
    "subspace",
    "symmetric_splitting",
    "tangential",
    "thermostat",
    "total",
    "trace",
    "tracked_change",
    "tracked_subspace",
    "trust_ratio",
    "warming_decay",
    "warming_half_life",
    "whitened_gradient",
    "whitened_rest",
]
