"""Optimizers for JAX as rows of named, exchangeable parts, each a pure optax transformation."""

from optax_zoo import _discovered, parts, precision
from optax_zoo._discovered import *  # noqa: F403
from optax_zoo.decay_mask import decay_mask
from optax_zoo.evaluation import evaluation_params
from optax_zoo.flax_layout import flax_layout
from optax_zoo.fusion import enable_fused_steps, fused
from optax_zoo.migration import migrate
from optax_zoo.moments import moment
from optax_zoo.parts import *  # noqa: F403
from optax_zoo.pipeline import SLOTS, Pipeline, pipeline
from optax_zoo.registry import CLAIMS, Algorithm, algorithm, bibtex, create, describe, list_algorithms
from optax_zoo.route import Route, matrices, route
from optax_zoo.short_matrices import short_matrices

__version__ = "0.1.0"

__all__ = [
    "CLAIMS",
    "SLOTS",
    "Algorithm",
    "Pipeline",
    "Route",
    "algorithm",
    "bibtex",
    "create",
    "decay_mask",
    "describe",
    "enable_fused_steps",
    "evaluation_params",
    "flax_layout",
    "fused",
    "list_algorithms",
    "matrices",
    "migrate",
    "moment",
    "pipeline",
    "precision",
    "route",
    "short_matrices",
]
__all__ += parts.__all__
__all__ += _discovered.__all__
