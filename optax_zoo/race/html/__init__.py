"""The report of a race: one page that needs no other file."""

from optax_zoo.race.html.document import Lead, write

__all__ = ["Lead", "write"]
