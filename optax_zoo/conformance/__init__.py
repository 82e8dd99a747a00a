"""Checks that any optax optimizer can be put through, and the report of how it did."""

from optax_zoo.conformance import structure, numerics, convergence, lowering  # noqa: F401, I001  (in the order to run)
from optax_zoo.conformance.registered import registered
from optax_zoo.conformance.registry import CHECKS, Check
from optax_zoo.conformance.runner import Case, Outcome, Report, cases, check
from optax_zoo.conformance.subject import KNOWN, Subject

__all__ = ["CHECKS", "KNOWN", "Case", "Check", "Outcome", "Report", "Subject", "cases", "check", "registered"]
