"""Follows every algorithm down three landscapes, for its page: `python docs/paths.py [NAME...]`.

What is in docs/results/paths.json is kept, but for the algorithms that are named. Each is at the best rate of a grid.
"""

import json
import sys
from pathlib import Path

import numpy as np

import optax_zoo as zoo
from optax_zoo.animate import LANDSCAPES, AnimationError, animate

FILE = Path(__file__).parent / "results" / "paths.json"
SHOWN = ("rosenbrock", "beale", "saddle")
POINTS = 80


def path(name, landscape):
    """The rate and the points of an algorithm in the picture, as many as can be told apart; None if it cannot run."""
    try:
        (found,) = animate([name], landscape=landscape, progress=False).paths
    except AnimationError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return None
    points = found.points[: found.left]
    kept = np.unique(np.linspace(0, len(points) - 1, POINTS).astype(int))
    return {"rate": found.rate, "points": [[float(f"{x:.4g}") for x in point] for point in points[kept]]}


def main():
    saved = json.loads(FILE.read_text()) if FILE.exists() else {}
    named = sys.argv[1:]
    for name in named or zoo.list_algorithms():
        if name in named or name not in saved:
            saved[name] = {landscape: path(name, LANDSCAPES[landscape]) for landscape in SHOWN}
            lines = ",\n".join(f"{json.dumps(each)}: {json.dumps(saved[each])}" for each in sorted(saved))
            FILE.write_text(f"{{\n{lines}\n}}\n")
            print(name, flush=True)


if __name__ == "__main__":
    main()
