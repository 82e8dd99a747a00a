"""Compilation of the next programs while the present one runs."""

import collections
import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax

from optax_zoo.race.engine.program import Program

AHEAD = 4  # programs that are compiled before they are needed; more would fill the memory for nothing


@contextlib.contextmanager
def compiled_ahead(programs: Iterable[Program]) -> Iterator[Iterator[Program]]:
    """The programs, one after the other, while a thread compiles the next; those not begun by the end are dropped.

    A compilation that fails raises its error when the program is needed. On GPUs and TPUs, where the compiler may try
    out its kernels, and with several processes, which must keep in step, each program is compiled only then. None is
    kept that has been handed out.
    """
    waiting = collections.deque(programs)
    if jax.default_backend() != "cpu" or jax.process_count() > 1:
        yield _emptied(waiting)
        return
    thread = ThreadPoolExecutor(1, "compilation")
    try:
        for program in [*waiting][:AHEAD]:
            program.compile_in(thread)
        yield _emptied(waiting, thread)
    finally:
        thread.shutdown(cancel_futures=True)


def _emptied(waiting: collections.deque[Program], thread: ThreadPoolExecutor | None = None) -> Iterator[Program]:
    while waiting:
        if thread is not None and len(waiting) > AHEAD:
            waiting[AHEAD].compile_in(thread)
        yield waiting.popleft()
