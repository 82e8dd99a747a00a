"""Compilation of the next programs while the present one runs."""

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax

from optax_zoo.race.engine.program import Program


@contextlib.contextmanager
def compiled_ahead(programs: Iterable[Program]) -> Iterator[None]:
    """Lets a thread compile the programs, one after the other; what it has not begun at the end is left.

    A compilation that fails raises its error where the program is needed. On GPUs and TPUs, on which a compiler may try
    what it makes, and among several processes, which must keep step, each program is compiled when it is needed.
    """
    if jax.default_backend() != "cpu" or jax.process_count() > 1:
        yield
        return
    thread = ThreadPoolExecutor(1, "compilation")
    try:
        for program in programs:
            program.compile_in(thread)
        yield
    finally:
        thread.shutdown(cancel_futures=True)
