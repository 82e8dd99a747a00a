"""The compiled program of an optimizer in a race: many trials at once, on all devices."""

import contextlib
import functools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.engine.layout import Layout, check_memory
from optax_zoo.race.engine.protocol import transformation
from optax_zoo.race.engine.trials import Start, run_trial
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Batches, Key, Trials
from optax_zoo.race.task import Task
from optax_zoo.running.entrants import Entrant
from optax_zoo.running.errors import EntrantError


class Progress(Protocol):
    """Is told about the trials of an optimizer."""

    def phase(self, text: str) -> None:
        """What is done now."""

    def advance(self, trials: int) -> None:
        """So many more are finished."""

    def skip(self, trials: int) -> None:
        """So many more had been finished before."""

    def grow(self, trials: int) -> None:
        """There are so many more to run than expected, or fewer."""


class Point(NamedTuple):
    """A learning rate, and the searched hyperparameters in the order of `Program.names`."""

    rate: float
    values: tuple[float, ...] = ()


class Program:
    """The trials of one optimizer as one compiled program, which serves any rates, hyperparameters and seeds.

    Attributes:
      entrant: the optimizer.
      names: the searched hyperparameters that the optimizer has, which are arguments of the program.
      state_bytes: bytes of its state per parameter of the task.
    """

    def __init__(
        self, task: Task, entrant: Entrant, settings: Settings, start: Start, batches: Batches, layout: Layout
    ) -> None:
        """Traces the program, which finds an optimizer that cannot run before any has run.

        Raises:
          EntrantError: if the task cannot be trained with this optimizer.
        """
        self.entrant, self.start, self.task = entrant, start, task
        self.names = tuple(each.name for each in settings.search if each.name in entrant.defaults)
        self._batches, self._layout, self._rates = batches, layout, settings.rates
        self._ahead: Future[Any] | None = None

        def trial(start: Start, rate: jax.Array, values: jax.Array, seed: jax.Array, until: Any = None) -> Trials:
            made = transformation(entrant, settings, rate, dict(zip(self.names, values, strict=True)))
            return run_trial(task, made, settings.steps, start, seed, until)

        self._trial: Callable[..., Trials] = trial
        with self._naming(Exception):
            self.state_bytes = _state_bytes(lambda rate: transformation(entrant, settings, rate, {}), start)
            self._traced = layout.trace(trial, start, self._arguments([]))

    @property
    def defaults(self) -> tuple[float, ...]:
        """The default values of `names`."""
        return tuple(self.entrant.defaults[name] for name in self.names)

    def run(self, points: Iterable[Point], seeds: Iterable[int], progress: Progress) -> Trials:
        """The outcomes, as NumPy arrays, of the trials `zip(points, seeds)`.

        Those that are among the finished batches are taken from there.

        Args:
          points: what each trial trains with.
          seeds: of each trial.
          progress: told what has just been finished, and what had been before.

        Raises:
          EntrantError: if it cannot be compiled, or fails as it runs.
        """
        keys = [Key.of(point.rate, point.values, seed) for point, seed in zip(points, seeds, strict=True)]
        known = self._batches.known(self.entrant.name)
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        progress.skip(len(keys) - len(missing))
        while missing:
            compiled = self.compiled
            batch, missing = missing[: self._layout.width], missing[self._layout.width :]
            self._batches.add(self.entrant.name, batch, *self._run(compiled, batch))
            progress.advance(len(batch))
        return Trials(*(np.stack(each) for each in zip(*(known[key] for key in keys), strict=True)))

    def seconds_of_a_trial(self, rounds: int = 3) -> float:
        """How long a trial takes at the lowest rate, without compilation: the median over rounds.

        Raises:
          EntrantError: as `run`.
        """
        batch = [Key.of(min(self._rates), self.defaults, 0)] * self._layout.width
        compiled = self.compiled
        self._run(compiled, batch)
        taken = statistics.median(self._run(compiled, batch)[1] for _ in range(rounds))
        return taken / self._layout.per_device

    def run_until(self, stop: int, points: Iterable[Point], seeds: Iterable[int], progress: Progress) -> Trials:
        """The outcomes of trials that end at an evaluation, with curves as long; they are not kept.

        Raises:
          EntrantError: as `run`.
        """
        left = [Key.of(point.rate, point.values, seed) for point, seed in zip(points, seeds, strict=True)]
        found, until = [], self._layout.replicate(np.int32(stop))
        while left:
            batch, left = left[: self._layout.width], left[self._layout.width :]
            arguments = self._layout.place(self._arguments(batch))
            with self._naming(jax.errors.JaxRuntimeError):
                trials = self._layout.gather(self.stoppable((self.start, until), *arguments))
            found.append(Trials(*(x[: len(batch)] for x in trials)))
            progress.advance(len(batch))
        joined = Trials(*map(np.concatenate, zip(*found, strict=True)))
        return Trials(*(x[:, :stop] if np.ndim(x) == 2 else x for x in joined))

    def compile_in(self, thread: Executor) -> None:
        """Has a thread compile the program, unless some trials are known: then there may be none left to run."""
        if not self._batches.known(self.entrant.name):
            self._ahead = thread.submit(self._traced.lower().compile)

    @functools.cached_property
    def compiled(self) -> Any:
        """The program, for as many trials as the memory holds; compiled now, unless a thread has done so."""
        with self._naming(Exception):
            compiled = self._traced.lower().compile() if self._ahead is None else self._ahead.result()
            while not check_memory(self._layout, compiled):
                self._layout = self._layout.halved()
                compiled = self._layout.trace(self._trial, self.start, self._arguments([])).lower().compile()
            return compiled

    @functools.cached_property
    def stoppable(self) -> Any:
        """The program of trials that may end early, for as many as `compiled` runs."""
        _ = self.compiled  # which finds out how many the memory holds

        def trial(given: Any, *arguments: jax.Array) -> Trials:
            start, until = given  # the same for all trials, so that what is left out is left out under `vmap` too
            return self._trial(start, *arguments, until)

        with self._naming(Exception):
            given = self.start, self._layout.replicate(np.int32(0))
            return self._layout.trace(trial, given, self._arguments([])).lower().compile()

    def _run(self, compiled: Any, batch: Sequence[Key]) -> tuple[Trials, float]:
        """The outcomes of a batch, and the seconds that it took without compilation."""
        arguments = self._arguments(batch)
        began = time.perf_counter()
        with self._naming(jax.errors.JaxRuntimeError):
            trials = self._layout.gather(compiled(self.start, *self._layout.place(arguments)))
        return Trials(*(x[: len(batch)] for x in trials)), time.perf_counter() - began

    @contextlib.contextmanager
    def _naming(self, errors: type[Exception]) -> Iterator[None]:
        """Says of an error which optimizer and which task it is about."""
        try:
            yield
        except errors as error:
            raise EntrantError(self.entrant.name, self.task.name, error) from error

    def _arguments(self, batch: Sequence[Key]) -> tuple[np.ndarray, ...]:
        """Rates, hyperparameters and seeds, as many as run at once: the last is repeated."""
        full = [*batch, *[batch[-1] if batch else Key(0.0, self.defaults, 0)] * (self._layout.width - len(batch))]
        rates, values, seeds = zip(*full, strict=True)
        return np.asarray(rates, np.float32), np.asarray(values, np.float32), np.asarray(seeds, np.int32)


def _state_bytes(make: Callable[[Any], Any], start: Start) -> float:
    parameters = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), start.parameters)
    state = jax.eval_shape(lambda rate, p: make(rate).init(p), jax.ShapeDtypeStruct((), jnp.float32), parameters)
    count = sum(x.size for x in jax.tree.leaves(parameters))
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / count
