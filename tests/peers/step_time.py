"""A step beside PyTorch's: `python tests/peers/step_time.py [--tree gpt2-small] [--pairs 7] [--write docs/performance.md]`.

Needs the extra `peers`; `--extra-index-url https://download.pytorch.org/whl/cpu` gets a torch without CUDA. Each of our
optimizers is timed against a peer with equal hyperparameters, once three steps of both on a small tree have shown that
they compute the same. Both have the same float32 parameters and gradients and a thread for each core, and take turns in
one process. Ours is one jitted call that writes into the old parameters and state; theirs is `optimizer.step()`.
"""

import argparse
import gc
import importlib.metadata
import math
import os
import platform
import re
import statistics
import sys
from pathlib import Path

import jax
import numpy as np
from peer_pairs import PAIRS, Pair, versions
from peer_steps import TOLERANCE, Arrays, Ours, Theirs, check, seconds

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
STEPS_PER_TURN = 3
HEADS = ("ours", "theirs", "set equal by", "largest deviation", "ours, ms", "theirs, ms", "theirs / ours (quartiles)")


def gpt2_small():
    layer = [(768,)] * 4 + [(768, 2304), (2304,), (768, 768), (768,), (768, 3072), (3072,), (3072, 768), (768,)]
    return [jax.ShapeDtypeStruct(shape, np.float32) for shape in [(50257, 768), (1024, 768), *layer * 12]]


TREES = {"gpt2-small": gpt2_small}


def normal(shapes: list[tuple[int, ...]], scale: float, seed: int) -> Arrays:
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape, np.float32) for shape in shapes]


def turns(ours: Ours, theirs: Theirs, grads: Arrays, pairs: int) -> list[tuple[float, float]]:
    """Seconds of ours and of theirs, the order changing from pair to pair."""
    found = []
    for number in range(pairs + 1):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        first, second = (seconds(stepper, grads, STEPS_PER_TURN) for stepper in order)
        found.append((first, second) if number % 2 else (second, first))
    return found[1:]  # the first compiles, allocates and warms up


def row(pair: Pair, shapes: list[tuple[int, ...]], pairs: int) -> list[str]:
    """Checks that both compute the same, and times them."""
    apart = check(pair)
    params, grads = normal(shapes, 2e-2, 0), normal(shapes, 1e-2, 1)
    found = turns(Ours(pair.ours, params), Theirs(pair, params), grads, pairs)
    gc.collect()  # an optimizer of torch is part of a cycle, and the next pair needs the memory
    low, median, high = statistics.quantiles([theirs / ours for ours, theirs in found], n=4)
    times = (f"{1e3 * statistics.median(side):.0f}" for side in zip(*found, strict=True))
    return [f"`{pair.algorithm}`", pair.peer, pair.equal, f"{apart:.0e}", *times, f"{median:.1f} ({low:.1f} to {high:.1f})"]


def table(tree: str, pairs: int) -> str:
    """A Markdown table with a row for each pair, and how it was made."""
    import torch

    torch.set_num_threads(CORES)
    load = f", load average {os.getloadavg()[0]:.1f} at the beginning" if hasattr(os, "getloadavg") else ""
    shapes = [leaf.shape for leaf in jax.tree.leaves(TREES[tree]())]
    lines = [HEADS, ["---"] * len(HEADS)]
    for pair in PAIRS:
        lines.append(row(pair, shapes, pairs))
        print(" | ".join(lines[-1]), file=sys.stderr, flush=True)
    known = {**{name: importlib.metadata.version(name) for name in ("jax", "optax")}, **versions()}
    said = ", ".join(f"{name} {version}" for name, version in known.items())
    return "\n".join(
        [
            *(f"| {' | '.join(line)} |" for line in lines),
            "",
            f"{tree}: {len(shapes)} float32 leaves, {sum(map(math.prod, shapes)):,} parameters. Times are medians of "
            f"{pairs} turns of {STEPS_PER_TURN} steps, ratios medians of paired turns; deviations are of three steps, "
            f"relative to how far a leaf has moved (at most {TOLERANCE:.0e}). {said}, Python "
            f"{platform.python_version()}; {CORES} CPU cores, {CORES} threads for each side{load}.",
        ]
    )


def fill(text: str, body: str) -> str:
    """A page with the body between its two markers.

    Raises:
      ValueError: if the page does not have both markers once.
    """
    pattern = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the page must have {BEGIN} and, after it, {END} once.")
    return pattern.sub(lambda _: f"{BEGIN}\n{body}\n{END}", text)


def main() -> int:
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description="The time of a step beside PyTorch's.")
    parser.add_argument("--tree", choices=sorted(TREES), default="gpt2-small", help="the parameters (gpt2-small)")
    parser.add_argument("--pairs", type=int, default=7, help="how often ours and theirs take turns, at least 2 (7)")
    parser.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {BEGIN} and {END}")
    arguments = parser.parse_args()
    if arguments.pairs < 2:
        parser.error(f"--pairs is {arguments.pairs}, but must be at least 2.")
    try:
        versions()
        if arguments.write:
            fill(arguments.write.read_text(), "")
        body = table(arguments.tree, arguments.pairs)
        print(body)
        if arguments.write:
            arguments.write.write_text(fill(arguments.write.read_text(), body))
    except importlib.metadata.PackageNotFoundError as error:
        parser.error(f"{error.name} is not installed: pip install 'optax-zoo[peers]'.")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
