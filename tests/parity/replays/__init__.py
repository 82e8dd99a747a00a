"""How every recorded case is expressed here: one module an algorithm or family, each with its REPLAYS.

REPLAYS maps an algorithm to its sources (what stands before the slash in the name of a case), and those to a `Replay`.
"""

import importlib
import pkgutil

REPLAYS = {}
for _module in pkgutil.iter_modules(__path__):
    REPLAYS.update(importlib.import_module(f"{__name__}.{_module.name}").REPLAYS)
