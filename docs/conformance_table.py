"""The kit over our algorithms and optax's: `python docs/conformance_table.py [--write docs/conformance.md] [NAME ...]`.

All of it takes about half an hour on two cores; names (`adam`, `optax.adam`, `optax.contrib.muon`) run a part.
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

import optax_zoo as zoo
from optax_zoo import conformance

BEGIN, END = "<!-- conformance:begin -->", "<!-- conformance:end -->"
RATES = {"learning_rate": 1e-2}
OPTAX = {
    **{
        name: RATES
        for name in (
            "adabelief adadelta adafactor adagrad adam adamax adamaxw adamw adan amsgrad fromage lamb lars lion "
            "noisy_sgd novograd optimistic_adam_v2 optimistic_gradient_descent radam rmsprop rprop sgd sign_sgd sm3 yogi"
        ).split()
    },
    **{
        f"contrib.{name}": RATES
        for name in (
            "acprop ademamix adopt galore madgrad momo momo_adam muon schedule_free_adamw schedule_free_sgd "
            "simplified_ademamix"
        ).split()
    },
    **dict.fromkeys(["contrib.cocob", "contrib.dadapt_adamw", "contrib.dog", "contrib.dowg", "contrib.prodigy"], {}),
    "noisy_sgd": {**RATES, "key": 0},
    "polyak_sgd": {},
    "lbfgs": {},
}
NEEDS = {
    "polyak_sgd": ["value"],
    "lbfgs": ["value", "grad", "value_fn"],
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


def main() -> int:
    """Prints the table or writes it into a page."""
    parser = argparse.ArgumentParser(description="The conformance kit over our algorithms and optax's.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="ours, optax.NAME or optax.contrib.NAME; all by default"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {BEGIN} and {END}")
    arguments = parser.parse_args()
    jax.config.update("jax_num_cpu_devices", 8)
    known = [*zoo.list_algorithms(), *(f"optax.{name}" for name in sorted(OPTAX))]
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"NAME is {unknown[0]!r}, but must be one of {', '.join(known)}.")
    made = table(arguments.names or known)
    if arguments.write is None:
        print(made)
        return 0
    text = arguments.write.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        parser.error(f"{arguments.write} must have {BEGIN} and, after it, {END}.")
    arguments.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
