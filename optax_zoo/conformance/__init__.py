"""Checks that any optax optimizer can be put through, and the report on how it did."""

from optax_zoo.conformance import (  # noqa: I001  (in the order to run)
    structure,  # noqa: F401
    leaf_by_leaf,  # noqa: F401
    numerics,  # noqa: F401
    composition,  # noqa: F401
    evaluation,  # noqa: F401
    persistence,  # noqa: F401
    devices,  # noqa: F401
    lowering,  # noqa: F401
    convergence,  # noqa: F401
)
from optax_zoo.conformance.registered import registered
from optax_zoo.conformance.registry import CHECKS, Check
from optax_zoo.conformance.runner import Case, Outcome, Report, cases, check
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.conformance.subject import KNOWN, Subject

__all__ = [
    "CHECKS",
    "KNOWN",
    "Case",
    "Check",
    "Outcome",
    "Report",
    "Subject",
    "cases",
    "check",
    "registered",
    "state_sharding",
]
