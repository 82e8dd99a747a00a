"""The report of a race: one self-contained page, and the reading of the folders that it is made from."""

from optax_zoo.race.html.document import write
from optax_zoo.race.html.folders import collect
from optax_zoo.race.html.lead import Lead

__all__ = ["Lead", "collect", "write"]
