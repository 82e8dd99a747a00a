"""What the kit finds of optimizers: `python docs/conformance_table.py --write docs/conformance.md`; NAME... prints.

All rows take about half an hour on two cores. The lists of checks and of expected failures, which the page has too, are
made with the documentation.
"""

import argparse
import functools
import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import optax
import optax.contrib
from pages import fill

import optax_zoo as zoo
from optax_zoo import conformance

RATE = {"learning_rate": 1e-2}
OPTAX: dict[str, dict[str, Any]] = {
    "adabelief": RATE,
    "adadelta": RATE,
    "adafactor": RATE,
    "adagrad": RATE,
    "adam": RATE,
    "adamax": RATE,
    "adamaxw": RATE,
    "adamw": RATE,
    "adan": RATE,
    "amsgrad": RATE,
    "contrib.acprop": RATE,
    "contrib.ademamix": RATE,
    "contrib.adopt": RATE,
    "contrib.cocob": {},
    "contrib.dadapt_adamw": {},
    "contrib.dog": {},
    "contrib.dowg": {},
    "contrib.galore": RATE,
    "contrib.madgrad": RATE,
    "contrib.momo": RATE,
    "contrib.momo_adam": RATE,
    "contrib.muon": RATE,
    "contrib.prodigy": {},
    "contrib.schedule_free_adamw": RATE,
    "contrib.schedule_free_sgd": RATE,
    "contrib.simplified_ademamix": RATE,
    "fromage": RATE,
    "lamb": RATE,
    "lars": RATE,
    "lion": RATE,
    "noisy_sgd": {**RATE, "key": 0},
    "novograd": RATE,
    "optimistic_adam_v2": RATE,
    "optimistic_gradient_descent": RATE,
    "polyak_sgd": {},
    "radam": RATE,
    "rmsprop": RATE,
    "rprop": RATE,
    "sgd": RATE,
    "sign_sgd": RATE,
    "sm3": RATE,
    "yogi": RATE,
}
NEEDS = {
    "polyak_sgd": ["value"],
    "contrib.momo": ["value"],
    "contrib.momo_adam": ["value"],
}


def of_optax(name: str) -> dict[str, Any]:
    """What `conformance.check` is given of an optimizer of optax."""
    function: Callable[..., Any] = optax.contrib if name.startswith("contrib.") else optax
    function = getattr(function, name.rpartition(".")[2])
    return {"make_transformation": functools.partial(function, **OPTAX[name]), "needs": NEEDS.get(name, [])}


def rows(names: list[str]) -> Iterator[tuple[str, ...]]:
    """A row for each optimizer: how many checks it passes, which it skips and which it fails."""
    for name in names:
        start = time.perf_counter()
        theirs = name.startswith("optax.")
        report = conformance.check(
            **(of_optax(name.removeprefix("optax.")) if theirs else conformance.registered(name))
        )
        seconds = time.perf_counter() - start
        failed = [f"`{o.check}`" for o in report if o.status in ("failed", "expected failure")]
        wrong = [o.check for o in report if not o.ok]
        skipped = sum(o.status == "skipped" for o in report)
        print(f"{name}: {seconds:.0f} s, {report.counts} {wrong}", file=sys.stderr, flush=True)
        passed = sum(o.status == "passed" for o in report)
        yield f"`{name}`", str(passed), str(skipped), ", ".join(failed)


def table(names: list[str]) -> str:
    """The table in Markdown, with the versions that it was made with."""
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("jax", "optax", "flax"))
    lines = ["| optimizer | passed | skipped | failed |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows(names)]
    made = f"{len(conformance.CHECKS)} checks, {versions}, Python {platform.python_version()}, 8 forced CPU devices."
    return "\n".join([made, "", *lines])


def checks() -> str:
    """All checks by group, each in one sentence."""
    groups = dict.fromkeys(check.group for check in conformance.CHECKS.values())
    lines = ["| group | check | what it asks |", "| --- | --- | --- |"]
    for group in groups:
        members = [check for check in conformance.CHECKS.values() if check.group == group]
        lines += [f"| {group if check is members[0] else ''} | `{check.name}` | {check.summary} |" for check in members]
    return "\n".join(lines)


def reasons() -> str:
    """The expected failures of ours."""
    lines = ["| algorithm | check | reason |", "| --- | --- | --- |"]
    for name in zoo.list_algorithms():
        failures = zoo.describe(name).expected_failures.items()
        lines += [f"| `{name}` | `{check}` | {reason} |" for check, reason in failures]
    return "\n".join(lines)


def main() -> int:
    """Prints rows, or writes the page."""
    parser = argparse.ArgumentParser(description="The conformance kit over our algorithms and optax's.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="print the rows of ours, optax.NAME, optax.contrib.NAME"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the rows of all between the markers of a page"
    )
    arguments = parser.parse_args()
    known = [*zoo.list_algorithms(), *(f"optax.{name}" for name in sorted(OPTAX))]
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"NAME is {unknown[0]!r}, but must be one of {', '.join(known)}.")
    jax.config.update("jax_num_cpu_devices", 8)
    if arguments.write:
        page = fill(arguments.write.read_text(encoding="utf-8"), "conformance", "")
        arguments.write.write_text(fill(page, "conformance", table(known)), encoding="utf-8")
    else:
        print(table(arguments.names or known))
    return 0


if __name__ == "__main__":
    sys.exit(main())
