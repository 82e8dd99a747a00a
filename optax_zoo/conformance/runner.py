"""Running the checks: all at once with a report, or one by one from pytest."""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import optax

from optax_zoo import _checks
from optax_zoo.conformance import assertions
from optax_zoo.conformance.registered import registered
from optax_zoo.conformance.registry import Check, checked_failures, select
from optax_zoo.conformance.subject import KNOWN, Extra, Make, Subject
from optax_zoo.registry import CLAIMS

Status = Literal["passed", "failed", "skipped", "expected failure", "unexpected pass"]
Needs = Iterable[str] | Mapping[str, Extra]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Attributes:
      check: its name.
      group: its group.
      status: "passed", "failed", "skipped", "expected failure" or "unexpected pass".
      message: the sentence of the failure, or the reason why it is skipped or expected to fail.
      seconds: how long it took.
    """

    check: str
    group: str
    status: Status
    message: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether this is as it should be, which an expected failure that passes is not."""
        return self.status not in ("failed", "unexpected pass")


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcomes of all checks, in their order; iterable, and true if all is as it should be."""

    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed that was not expected to, and none passed that was."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended how."""
        statuses = [outcome.status for outcome in self.outcomes]
        return {status: statuses.count(status) for status in dict.fromkeys(statuses)}

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"{o.status:17} {o.check}" + f": {o.message}" * bool(o.message) for o in self.outcomes]
        return "\n".join([*lines, ", ".join(f"{count} {status}" for status, count in self.counts.items())])


def check(
    make_transformation: Make | str,
    *,
    needs: Needs = (),
    claims: Iterable[str] = (),
    expected_failures: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
) -> Report:
    """Puts an optax transformation through all checks.

    Args:
      make_transformation: returns the transformation when called without arguments. If it takes `learning_rate`,
        `axis_name` or `eps_root` as keywords with defaults, the checks that vary these run as well. A text stands for
        what `registered` says about it: "adam", with the needs, claims and expected failures of the registry besides
        those given here, "optax.adam", "optax.contrib.muon" or "module:function".
      needs: extra arguments that `update` must be given: "value", "grad", "value_fn" and "curvature" are known, give
        others as a mapping from name to a function of (params, grads). "params" is always given.
      claims: the invariances it is held to, names in `optax_zoo.CLAIMS`.
      expected_failures: reasons by name of the check that is expected to fail; it counts as wrong if it passes.
      only: names of checks or of groups of checks; all by default.

    Returns:
      A `Report` with an `Outcome` for each check.

    Raises:
      TypeError: if `make_transformation` does not make an optax transformation.
      ValueError: for an unknown name in `needs`, `claims`, `expected_failures` or `only`.

    Example:
      >>> import optax
      >>> from optax_zoo import conformance
      >>> print(conformance.check(lambda learning_rate=0.1: optax.sgd(learning_rate), only=["scalar_leaf"]))
      passed            scalar_leaf
      1 passed
    """
    subject, expected = _subject(make_transformation, needs, claims, expected_failures)
    return Report(tuple(_outcome(one, subject, expected.get(one.name)) for one in select(only)))


@dataclasses.dataclass(frozen=True)
class Case:
    """One check of one subject, to be called by a test; see `cases`."""

    check: Check
    subject: Subject

    def __call__(self) -> None:
        """Runs the check: raises if it fails, and skips the test if it does not apply."""
        import pytest

        try:
            _run(self.check, self.subject)
        except assertions.Skip as reason:
            pytest.skip(str(reason))


def cases(
    make_transformation: Make | str,
    *,
    needs: Needs = (),
    claims: Iterable[str] = (),
    expected_failures: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
) -> tuple[str, list[Any]]:
    """The arguments of `pytest.mark.parametrize` that give each check a test of its own.

    Takes what `check` takes. An expected failure is a strict xfail with its reason::

        @pytest.mark.parametrize(*conformance.cases(my_optimizer, needs=["value"]))
        def test_conformance(case):
            case()
    """
    import pytest

    subject, expected = _subject(make_transformation, needs, claims, expected_failures)

    def parameter(one: Check) -> Any:
        marks = [pytest.mark.xfail(reason=expected[one.name], strict=True)] if one.name in expected else []
        return pytest.param(Case(one, subject), id=one.name, marks=marks)

    return "case", [parameter(one) for one in select(only)]


def _subject(
    make: Make | str, needs: Needs, claims: Iterable[str], failures: Mapping[str, str] | None
) -> tuple[Subject, dict[str, str]]:
    """What is checked, and the reasons of the checks that are expected to fail."""
    extras, claims = _extras(needs), [*claims]
    known = registered(make) if isinstance(make, str) else {}
    if known:
        extras, claims = {**_extras(known["needs"]), **extras}, [*known["claims"], *claims]
        failures = {**known["expected_failures"], **(failures or {})}
    factory: Make = make if not isinstance(make, str) else known["make_transformation"]
    _refuse_unless_it_makes_one(factory)
    for claim in claims:
        _checks.one_of("claims", claim, CLAIMS)
    return Subject(factory, extras, frozenset(claims)), checked_failures(failures)


def _extras(needs: Needs) -> dict[str, Extra]:
    """What `update` must be given, by name."""
    if isinstance(needs, Mapping):
        return dict(needs)
    names = [needs] if isinstance(needs, str) else [name for name in needs if name != "params"]
    for name in names:
        _checks.one_of("needs", name, ["params", *KNOWN])
    return {name: KNOWN[name] for name in names}


def _refuse_unless_it_makes_one(make: Any) -> None:
    if not callable(make) or isinstance(make, optax.GradientTransformation):
        raise TypeError(f"make_transformation is {make!r}, but must be a function that returns a transformation.")
    try:
        made = make()
    except Exception as error:
        raise TypeError(
            f"make_transformation must return a transformation when called without arguments, but it raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, optax.GradientTransformation):
        raise TypeError(f"make_transformation returned {made!r}, but must return an optax.GradientTransformation.")


def _outcome(one: Check, subject: Subject, reason: str | None) -> Outcome:
    start = time.perf_counter()
    status, message = _verdict(one, subject)
    if reason is not None and status in ("passed", "failed"):
        status = "expected failure" if status == "failed" else "unexpected pass"
        message = reason
    return Outcome(one.name, one.group, status, message, time.perf_counter() - start)


def _verdict(one: Check, subject: Subject) -> tuple[Status, str]:
    try:
        _run(one, subject)
    except assertions.Skip as why:
        return "skipped", str(why)
    except AssertionError as why:
        return "failed", " ".join(str(why).split())
    except Exception as error:
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return "passed", ""


def _run(one: Check, subject: Subject) -> None:
    if one.claim is not None and one.claim not in subject.claims:
        raise assertions.Skip(f"does not claim {one.claim!r}")
    one.function(subject)
