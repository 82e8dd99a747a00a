"""The registered algorithms as arguments of `check` and `cases`."""

import functools
from typing import Any

import optax_zoo


def registered(name: str) -> dict[str, Any]:
    """What is checked of a registered algorithm: its factory at the registry's example, needs, claims and failures.

    Raises:
      ValueError: for an unknown name.

    Example:
      >>> from optax_zoo import conformance
      >>> conformance.check(**conformance.registered("adam"), only="scalar_leaf").ok
      True
    """
    algorithm = optax_zoo.describe(name)
    return dict(
        make_transformation=functools.partial(algorithm.factory, **algorithm.example),
        needs=algorithm.needs,
        claims=algorithm.claims,
        expected_failures=algorithm.expected_failures,
    )
