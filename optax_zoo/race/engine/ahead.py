"""Compilation of the next programs while the present one runs."""

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax

from optax_zoo.race.engine.program import Program


@contextlib.contextmanager
def compiled_ahead(programs: Iterable[Program]) -> Iterator[None]:
    """Has a thread compile the programs one after the other; those not begun by the end are dropped.

    A compilation that fails raises its error when the program is needed. On GPUs and TPUs, where the compiler may try
    out its kernels, and with several processes, which must keep in step, each program is compiled only then.
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
