"""Optimizers by name as arguments of `check` and `cases`."""

import inspect
from collections.abc import Mapping
from typing import Any

from optax_zoo.spelling import Spelling, read


def registered(name: str, hyperparameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is checked about an optimizer: its factory and, if registered, its needs, claims and expected failures.

    Args:
      name: a registered name, which is used at its example in the registry, or `optax.NAME`, `optax.contrib.NAME` or
        `module:function`, at a learning rate of 0.001 if it needs one.
      hyperparameters: other ones, by name.

    Raises:
      ValueError: for an unknown name, or hyperparameters that it does not take or that are missing.

    Example:
      >>> from optax_zoo import conformance
      >>> conformance.check(**conformance.registered("adam"), only="scalar_leaf").ok
      True
    """
    found, given = read(name), dict(hyperparameters or {})
    _refuse_unless_it_takes(found, given)
    known = found.algorithm
    return dict(
        make_transformation=found.partial(**{**found.example, **given}),
        needs=() if known is None else known.needs,
        claims=() if known is None else known.claims,
        expected_failures={} if known is None else known.expected_failures,
    )


def _refuse_unless_it_takes(found: Spelling, given: Mapping[str, Any]) -> None:
    """Names the hyperparameters that a function does not take, and those that must be set."""
    try:
        inspect.Signature(list(found.parameters.values())).bind_partial(**given)
    except TypeError as error:
        raise ValueError(f"--set does not fit optimizer {found.text!r}: {error}.") from None
    missing = [name for name in found.required if name not in given] if found.algorithm is None else []
    if missing:
        names = ", ".join(missing)
        raise ValueError(f"optimizer is {found.text!r}, which must be given {names}: --set {missing[0]}=...")
