"""What a process of several says when one of them is lost: jax itself ends the others at once, with a trace."""

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import jax

from optax_zoo.running.errors import RaceError

SENTENCE = (
    "distributed: a process of this race was killed or cannot be reached, so this one ended; finished batches are "
    "kept, and the same command with --resume continues"
)
SIGNS = ("Gloo", "NCCL", "onnection closed", "onnection reset", "coordination service", "UNAVAILABLE", "Broken pipe")
# Reads until this process is no more, and says so unless it was told of the end before.
WATCHER = """
import os, sys
if sys.stdin.buffer.read() == b"ended":
    os.remove(sys.argv[2])
else:
    print(sys.argv[1], file=sys.stderr)
"""


_watchers: list[subprocess.Popen[bytes]] = []


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Says of an error that it comes of the loss of another process, if it does.

    Raises:
      RaceError: in place of such an error.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, RaceError) as error:
        if jax.process_count() == 1 or not any(sign in str(error) for sign in SIGNS):
            raise
        _tell_watchers()
        raise RaceError(f"{SENTENCE}.") from error


def watch() -> None:
    """Has this process end with one line, whatever ends it; what libraries print themselves goes to a log."""
    handle, log = tempfile.mkstemp(prefix="optax-zoo-", suffix=".log")
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", WATCHER, f"optax-zoo: {SENTENCE} (log: {log}).", log],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process
    )
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        stream.flush()
        kept = os.fdopen(os.dup(number), "w", buffering=1, encoding=stream.encoding, errors=stream.errors)
        setattr(sys, name, kept)
        os.dup2(handle, number)
    _watchers.append(watcher)
    atexit.register(_leave)  # runs before jax's own, which was registered when it was imported


def _leave() -> None:
    """Waits a little for the other processes to be done, too; where they are not, this one has said why."""
    _tell_watchers()
    try:
        jax.distributed.shutdown()
    except RuntimeError:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # jax would try once more


def _tell_watchers() -> None:
    """Has them say nothing."""
    while _watchers:
        _watchers.pop().communicate(b"ended")
