"""The checks by name. A check is a function of a `Subject` that raises if the subject fails."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping

from optax_zoo import _checks
from optax_zoo.conformance.subject import Subject


@dataclasses.dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
      name: its name, unique.
      group: what it belongs to, such as "structure".
      function: raises an exception if a `Subject` fails, and `Skip` if the check does not apply.
      claim: the claimed invariance that it checks; None if it must hold for every optimizer.
    """

    name: str
    group: str
    function: Callable[[Subject], None]
    claim: str | None = None

    @property
    def summary(self) -> str:
        """What it asks, in one sentence."""
        return (inspect.getdoc(self.function) or "").splitlines()[0]


CHECKS: dict[str, Check] = {}


def check_in(group: str) -> Callable[..., Callable[[Callable[[Subject], None]], Callable[[Subject], None]]]:
    """A decorator that registers a function as a check of a group, under its own name."""

    def decorator(claim: str | None = None) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
        def register(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
            if function.__name__ in CHECKS:
                raise ValueError(f"name is {function.__name__!r}, but that check is registered already.")
            CHECKS[function.__name__] = Check(function.__name__, group, function, claim)
            return function

        return register

    return decorator


def select(only: Iterable[str] | None) -> list[Check]:
    """The checks named, by their own name or that of their group, in the order of registration; None for all.

    Raises:
      ValueError: for a name that is neither.
    """
    if only is None:
        return list(CHECKS.values())
    wanted = [only] if isinstance(only, str) else list(only)
    groups = dict.fromkeys(check.group for check in CHECKS.values())
    for name in wanted:
        _checks.one_of("check", name, [*groups, *CHECKS])
    return [check for check in CHECKS.values() if check.name in wanted or check.group in wanted]


def checked_failures(expected_failures: Mapping[str, str] | None) -> dict[str, str]:
    """Expected failures, reasons by name of a check.

    Raises:
      ValueError: for a name that is not a check, or without a reason.
    """
    given = dict(expected_failures or {})
    for name, reason in given.items():
        _checks.one_of("expected_failures", name, CHECKS)
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"expected_failures[{name!r}] is {reason!r}, but must say why in words.")
    return given
