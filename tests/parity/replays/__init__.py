"""How every recorded case is expressed here: one module an algorithm or family, each with its REPLAYS.

REPLAYS maps an algorithm to its sources (what stands before the slash in the name of a case), and those to a `Replay`.
NOT_REPLAYED maps an algorithm to the cases that cannot be expressed, and those to the reason.
"""

import importlib
import pkgutil

REPLAYS, NOT_REPLAYED = {}, {}
for _info in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_info.name}")
    REPLAYS.update(_module.REPLAYS)
    NOT_REPLAYED.update(getattr(_module, "NOT_REPLAYED", {}))
