"""A side of `step_torch.py`: takes steps when it is told to, and says how long each took."""

import json
import sys
import time

import numpy as np

GRADIENTS = 3  # sets of them, taken in turn


def drawn(shapes, seed):
    """Leaves of normal numbers."""
    rng = np.random.default_rng(seed)
    return [np.float32(1e-2) * rng.standard_normal(shape, np.float32) for shape in shapes]


def serve(begin):
    """Reads what to do from the first line of the input, then a number of steps from each; prints their seconds.

    Args:
      begin: maps (parameters, sets of gradients, what to do) to a function of a number that takes the step.
    """
    task = json.loads(input())
    step = begin(drawn(task["shapes"], 0), [drawn(task["shapes"], 1 + i) for i in range(GRADIENTS)], task)
    taken = 0
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step(taken % GRADIENTS)
            seconds.append(time.perf_counter() - start)
            taken += 1
        print(json.dumps(seconds), flush=True)
