"""What can go wrong with a race, said in one sentence."""

import importlib.util


class RaceError(ValueError):
    """Input that a race cannot run with, or a folder that it cannot write to; the message is one sentence."""


class MissingExtraError(ImportError):
    """A package of an extra is not installed."""


def require(*packages: str, extra: str = "race") -> None:
    """Refuses to continue without packages of an extra.

    Args:
      packages: the names that they are imported by.
      extra: the extra that installs them.

    Raises:
      MissingExtraError: if one is not installed; the sentence names the extra.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this needs {', '.join(missing)}, which the extra {extra} installs: pip install 'optax_zoo[{extra}]' "
            f"(in a clone: pip install '.[{extra}]')."
        )
