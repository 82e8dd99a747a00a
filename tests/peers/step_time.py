"""The time of a step beside PyTorch's: `python tests/peers/step_time.py [--pairs 7] [--write docs/performance.md]`.

Needs the extra `peers`; `--extra-index-url https://download.pytorch.org/whl/cpu` gets a torch without CUDA. Each of our
optimizers is timed beside a peer with equal hyperparameters, once three steps of both on a small tree have shown that
they compute the same. Both have the same float32 parameters and gradients and a thread for each core, and take turns in
one process. Ours is a jitted call that writes into the old parameters and state; theirs is `optimizer.step()`.

Leave the machine to it: PyTorch's threads wait for each other at each operation, so that whatever else runs slows
theirs down more than ours.
"""

import argparse
import gc
import importlib.metadata
import os
import platform
import re
import statistics
import sys
from pathlib import Path

import jax
import numpy as np
from peer_pairs import PAIRS, Pair, versions
from peer_steps import TOLERANCE, Arrays, Ours, Theirs, check

from optax_zoo.cost.step import memory, tree_of
from optax_zoo.cost.step.timing import STEPS, ratios, take_turns
from optax_zoo.cost.step.trees import Shapes, count

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
HEADS = ("ours", "theirs", "set equal by", "largest deviation", "ours, ms", "theirs, ms", "theirs / ours (quartiles)")
BYTES = 60  # a parameter: 15 float32 arrays of all of them, for both sides with their states, sources and temporaries


def normal(shapes: Shapes, scale: float, seed: int) -> Arrays:
    """Leaves of normal numbers."""
    rng = np.random.default_rng(seed)
    return [np.float32(scale) * rng.standard_normal(leaf.shape, np.float32) for leaf in jax.tree.leaves(shapes)]


def row(pair: Pair, shapes: Shapes, pairs: int) -> list[str]:
    """Checks that both compute the same, and times them."""
    apart = check(pair)
    params, grads = normal(shapes, 2e-2, 0), normal(shapes, 1e-2, 1)
    ours, theirs = take_turns((Ours(pair, params, grads), Theirs(pair, params, grads)), pairs)
    gc.collect()  # an optimizer of torch is part of a cycle, and the next pair needs the memory
    ratio = ratios(theirs, ours)
    times = (f"{1e3 * statistics.median(side):.0f}" for side in (ours, theirs))
    said = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    return [f"`{pair.algorithm}`", pair.peer, pair.equal, f"{apart:.0e}", *times, said]


def table(tree: str, pairs: int) -> str:
    """A Markdown table with a row for each pair, and how it was made.

    Raises:
      ValueError: if there is no such tree or no room for it, or two do not compute the same.
    """
    import torch

    torch.set_num_threads(CORES)
    shapes = tree_of(tree)
    memory.require(f"a comparison on {tree}", BYTES * count(shapes))
    known = setting()
    lines = [HEADS, ["---"] * len(HEADS)]
    for pair in PAIRS:
        lines.append(row(pair, shapes, pairs))
        print(" | ".join(lines[-1]), file=sys.stderr, flush=True)
    said = (
        f"{tree}: {len(jax.tree.leaves(shapes))} float32 leaves, {count(shapes):,} parameters. Medians of {pairs} "
        f"turns of {STEPS} steps; ratios are of turns next to each other. Deviations are of three steps on a small "
        f"tree, relative to how far a leaf has moved; at most {TOLERANCE:.0e} is allowed."
    )
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", said, "", known])


def setting() -> str:
    """Versions, machine, and what else it does."""
    known = {**{name: importlib.metadata.version(name) for name in ("jax", "optax")}, **versions()}
    load = f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    said = ", ".join(f"{name} {version}" for name, version in known.items())
    return f"{said}, Python {platform.python_version()}; {CORES} CPU cores, {CORES} threads for each side{load}."


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
    """Prints the table, or writes it into the page as well."""
    parser = argparse.ArgumentParser(description="The time of a step beside PyTorch's.")
    parser.add_argument("--tree", default="gpt2-small", help="the parameters, as for `optax-zoo cost` (gpt2-small)")
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
