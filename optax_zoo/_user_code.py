"""What users name on the command line as `module:function`."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any


def imported(argument: str, text: str, or_a: type | tuple[type, ...] = ()) -> Any:
    """The function that `module:function` names; modules are looked for in the current folder first.

    Args:
      argument: the name of the argument, for messages.
      text: what was given for it.
      or_a: what else than a function is taken.

    Raises:
      ValueError: if the text has another form, the module does not import, or it has no such function.
    """
    module, _, attribute = text.partition(":")
    if not (module and attribute):
        raise ValueError(f"{argument} is {text!r}, but your own function is given as 'module:function'.")
    try:
        with _current_folder_first():
            found = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise ValueError(f"{argument} is {text!r}, but module {module!r} does not import: {reason}") from error
    function = getattr(found, attribute, None)
    if not callable(function) and not isinstance(function, or_a):
        raise ValueError(f"{argument} is {text!r}, but module {module!r} has no function {attribute!r}.")
    return function


@contextlib.contextmanager
def _current_folder_first() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, "")
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
