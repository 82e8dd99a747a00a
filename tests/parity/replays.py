"""How every recorded case is expressed here, by algorithm, from its folder in tests/algorithms.

REPLAYS maps an algorithm to its sources (what stands before the slash in the name of a case), and those to a `Replay`.
NOT_REPLAYED maps an algorithm to the cases that cannot be expressed, and those to the reason. AUTHORS maps an algorithm
to the sources that are code of its authors: those whose names begin so, and those that its AUTHORS names.
"""

import importlib

from harness import ALGORITHMS

MODULES = {
    path.parent.name: importlib.import_module(f"{ALGORITHMS.name}.{path.parent.name}.replay")
    for path in sorted(ALGORITHMS.glob("*/replay.py"))
}
REPLAYS = {name: module.REPLAYS for name, module in MODULES.items()}
NOT_REPLAYED = {name: module.NOT_REPLAYED for name, module in MODULES.items() if hasattr(module, "NOT_REPLAYED")}
AUTHORS = {
    name: {source for source in module.REPLAYS if source.startswith("authors")} | getattr(module, "AUTHORS", set())
    for name, module in MODULES.items()
}
