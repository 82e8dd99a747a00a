"""Ways to train the same trials, timed: the race's own program, and the loops that people write."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from optax_zoo.race import settings as checks
from optax_zoo.race.engine.layout import AXIS, layout_of
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.engine.trials import Start, prepare, run_trial
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.task import Task
from optax_zoo.running.entrants import Entrant, resolve

ADAM = "optax.adam"
DEFAULTS = {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "search": {}, "samples": 0}
# The loops take these of the trials only: one good rate with each tuning seed.
COMPARED, DEFAULT_RATE = checks.RATES[1], 2e-3


@dataclasses.dataclass
class Timed:
    """Seconds per trial of tracing and compiling, and of the rest; test accuracies of the trials at `COMPARED`."""

    compiling: float
    training: float
    trials: int
    accuracies: Sequence[float]


@dataclasses.dataclass
class Work:
    """What is trained: the task, and for each seed the initial parameters and the batches of all steps in memory."""

    task: Task
    settings: Settings
    start: Start
    batches: list[list[tuple[np.ndarray, np.ndarray]]]

    @classmethod
    def of(cls, task: Task, steps: int) -> "Work":
        settings = settings_of(task, steps, "map")
        start = prepare(task, 0, checks.SEEDS + checks.FINAL_SEEDS)
        return cls(task, settings, start, [_batches(task, start, seed, steps) for seed in range(checks.SEEDS)])

    def initial(self, seed: int) -> Any:
        return jax.tree.map(lambda x: x[seed], self.start.parameters)

    def accuracy(self, parameters: Any) -> float:
        return float(self.task.metric(parameters, self.task.test))


class Silent:
    """Progress that nobody sees."""

    def advance(self, trials: int) -> None: ...

    def skip(self, trials: int) -> None: ...

    def grow(self, trials: int) -> None: ...

    def phase(self, text: str) -> None: ...


def settings_of(task: Task, steps: int, mapping: str) -> Settings:
    counts = {"seeds": checks.SEEDS, "final_seeds": checks.FINAL_SEEDS, "steps": steps, "seed": 0}
    return checks.check([ADAM], task, rates=checks.RATES, mapping=mapping, **counts, **DEFAULTS)


def _batches(task: Task, start: Start, seed: int, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Those that the race draws for a seed."""
    inputs, labels = map(np.asarray, task.train)
    per_epoch, found = len(inputs) // task.batch_size, []
    for number in range(steps):
        if number % per_epoch == 0:
            order = np.asarray(jax.random.permutation(jax.random.fold_in(start.keys[seed], number), len(inputs)))
        first = number % per_epoch * task.batch_size
        chosen = order[first : first + task.batch_size]
        found.append((inputs[chosen], labels[chosen]))
    return found


def race_program(mapping: str, devices: int | None = None) -> Callable[[Work], Timed]:
    """All 41 trials of a race by its program for one optimizer, evaluations and all: grid, final seeds, defaults."""

    def run(work: Work) -> Timed:
        settings = dataclasses.replace(work.settings, mapping=mapping)
        layout = layout_of(settings)
        if devices is not None:
            layout = dataclasses.replace(layout, mesh=Mesh(np.asarray(jax.devices()[:devices]), (AXIS,)))
            layout = dataclasses.replace(layout, per_device=41 if layout.vectorized else layout.per_device)
        start, batches = layout.replicate(work.start), Batches(None)
        grid = [(rate, seed) for rate in settings.rates for seed in range(settings.seeds)]
        final = [(COMPARED, settings.seeds + seed) for seed in range(settings.final_seeds)]
        default = [(DEFAULT_RATE, seed) for _, seed in final]
        rates, seeds = zip(*grid, *final, *default, strict=True)
        points = [Point(rate) for rate in rates]
        began = time.perf_counter()
        program = Program(work.task, adam(), settings, start, batches, layout)
        trials = program.run(points, seeds, Silent())
        whole = time.perf_counter() - began
        training = sum(seconds for seconds, _ in batches.timings(ADAM))
        at = [index for index, trial in enumerate(grid) if trial[0] == COMPARED]
        return Timed((whole - training) / len(points), training / len(points), len(points), trials.test_metric[at])

    return run


def adam() -> Entrant:
    return resolve([ADAM])[ADAM]


def jitted_step(work: Work) -> Timed:
    """A loop over the steps in Python, with a step that is jitted for each trial."""
    return _each(work, _train_by_steps)


def _train_by_steps(work: Work, seed: int) -> tuple[float, float, float]:
    optimizer = optax.adam(COMPARED)

    @jax.jit
    def step(parameters: Any, state: Any, batch: Any) -> tuple[Any, Any, jax.Array]:
        loss, gradient = jax.value_and_grad(work.task.loss)(parameters, batch)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    began = time.perf_counter()
    parameters = work.initial(seed)
    state = optimizer.init(parameters)
    jax.block_until_ready(step(parameters, state, work.batches[seed][0]))
    compiled = time.perf_counter()
    for batch in work.batches[seed]:
        parameters, state, _ = step(parameters, state, batch)
    jax.block_until_ready(parameters)
    return compiled - began, time.perf_counter() - compiled, work.accuracy(parameters)


def jitted_trial(work: Work) -> Timed:
    """The race's trial as one jitted loop, compiled for each trial."""
    return _each(work, _train_at_once)


def _train_at_once(work: Work, seed: int) -> tuple[float, float, float]:
    optimizer = optax.with_extra_args_support(optax.adam(COMPARED))

    def trial(start: Start) -> Any:
        return run_trial(work.task, optimizer, work.settings.steps, start, jnp.int32(seed))

    began = time.perf_counter()
    program = jax.jit(trial).lower(work.start).compile()
    compiled = time.perf_counter()
    outcome = jax.block_until_ready(program(work.start))
    return compiled - began, time.perf_counter() - compiled, float(outcome.test_metric)


def torch_loop(work: Work) -> Timed:
    """PyTorch's eager loop over the same batches from the same initial parameters."""
    return _each(work, _train_in_torch)


def _train_in_torch(work: Work, seed: int) -> tuple[float, float, float]:
    import torch

    model = _torch_model(work.initial(seed)["params"])
    optimizer = torch.optim.Adam(model.parameters(), lr=COMPARED)
    batches = [(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in work.batches[seed]]
    began = time.perf_counter()
    for inputs, labels in batches:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    seconds = time.perf_counter() - began
    inputs, labels = map(np.asarray, work.task.test)
    with torch.no_grad():
        found = model(torch.from_numpy(inputs)).argmax(1).numpy()
    return 0.0, seconds, float((found == labels).mean())


def _torch_model(parameters: dict[str, Any]) -> Any:
    """The perceptron with Flax's parameters."""
    import torch

    layers: list[Any] = []
    for name in sorted(parameters):
        kernel, bias = np.array(parameters[name]["kernel"]), np.array(parameters[name]["bias"])
        layer = torch.nn.Linear(*kernel.shape)
        layer.load_state_dict({"weight": torch.from_numpy(kernel.T.copy()), "bias": torch.from_numpy(bias)})
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def choose_torch_threads(work: Work, cores: int) -> int:
    """The faster of one thread and as many as there are cores, over a few steps."""
    import torch

    short = dataclasses.replace(work, batches=[batches[:50] for batches in work.batches])
    seconds = {}
    for threads in (1, cores):
        torch.set_num_threads(threads)
        seconds[threads] = min(_train_in_torch(short, 0)[1] for _ in range(3))
    best = min(seconds, key=lambda threads: seconds[threads])
    torch.set_num_threads(best)
    return best


def _each(work: Work, train: Callable[[Work, int], tuple[float, float, float]]) -> Timed:
    """One trial after the other, for each seed at `COMPARED`; the quickest counts."""
    compiling, training, accuracies = zip(*(train(work, seed) for seed in range(work.settings.seeds)), strict=True)
    return Timed(min(compiling), min(training), len(accuracies), accuracies)
