"""States that have the fields which they use, and no others."""

import collections
import functools
from typing import Any


def filled(state: Any) -> Any:
    """A NamedTuple without its optional fields that are None: one of the same name that has the others alone."""
    fields = tuple(
        name
        for name, value in zip(state._fields, state, strict=True)
        if value is not None or name not in state._field_defaults
    )
    if fields == state._fields:
        return state
    whole: Any = type(state)
    return _with_fields(whole, fields)._make(getattr(state, name) for name in fields)


@functools.cache
def _with_fields(whole: Any, fields: tuple[str, ...]) -> Any:
    """The NamedTuple that has some of the fields of another; the same class whenever it is asked for."""

    def reduce(self: Any) -> Any:
        return _restored, (whole, fields, tuple(self))

    bases = (collections.namedtuple(whole.__name__, fields),)
    names = {"__slots__": (), "__doc__": whole.__doc__, "__module__": whole.__module__, "__reduce__": reduce}
    return type(whole.__name__, bases, names)


def _restored(whole: Any, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return _with_fields(whole, fields)._make(values)
