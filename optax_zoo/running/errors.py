"""What can go wrong with a race, said in one sentence."""

import importlib.util


class RaceError(ValueError):
    """Input that a race cannot run with, or a folder that it cannot write to; the message is one sentence."""


class EntrantError(RaceError):
    """An optimizer that cannot run on a task, where others may.

    Attributes:
      reason: why not.
    """

    def __init__(self, optimizer: str, task: str, error: BaseException) -> None:
        self.reason = first_line(error)
        super().__init__(f"optimizer {optimizer!r} cannot train task {task!r}: {self.reason}")


class MissingExtraError(ImportError):
    """A package of an extra is not installed."""


def first_line(error: BaseException) -> str:
    """What an error says, in one line: the first, or of a traceback the last."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return lines[-1].strip() if "Traceback" in lines[0] else lines[0]


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
