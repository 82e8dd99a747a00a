"""Tasks by name: what `@task` says about each, and the look-ups."""

import dataclasses
import difflib
import functools
from collections.abc import Callable
from typing import Any

from optax_zoo._user_code import imported
from optax_zoo.race.task import Task
from optax_zoo.running.errors import RaceError

Build = Callable[..., Task]


@dataclasses.dataclass(frozen=True)
class TaskEntry:
    """What is known of a registered task before its data is made.

    Attributes:
      name: under which it is found.
      build: the function that makes it; all of its arguments have defaults.
      steps: the budget of a trial.
      rate: a learning rate at which Adam does well within the budget.
      expected: lowest and highest test metric to expect of Adam at `rate` after `steps`, over seeds and machines.
    """

    name: str
    build: Build
    steps: int
    rate: float
    expected: tuple[float, float]


ENTRIES: dict[str, TaskEntry] = {}


def task(name: str, *, steps: int, rate: float, expected: tuple[float, float]) -> Callable[[Build], Build]:
    """Registers a function that makes a task; the arguments are the fields of `TaskEntry`.

    Returns:
      A decorator; what the function it returns makes has the budget of the entry.

    Raises:
      RaceError: if the name is taken.
    """

    def register(build: Build) -> Build:
        if name in ENTRIES:
            raise RaceError(f"task {name!r} is registered already.")

        @functools.wraps(build)
        def budgeted(*args: Any, **options: Any) -> Task:
            return dataclasses.replace(build(*args, **options), steps=steps)

        ENTRIES[name] = TaskEntry(name, budgeted, steps, rate, expected)
        return budgeted

    return register


def list_tasks() -> list[str]:
    """The names of all registered tasks, sorted."""
    return sorted(ENTRIES)


def describe_task(name: str) -> TaskEntry:
    """What is known of a task.

    Raises:
      RaceError: if there is none of that name; the sentence suggests the nearest.
    """
    if name not in ENTRIES:
        near = difflib.get_close_matches(str(name), ENTRIES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(list_tasks())}."
        raise RaceError(f"task {name!r} is unknown; {hint}")
    return ENTRIES[name]


def create_task(name: str, **options: Any) -> Task:
    """Makes a registered task, and names it after its entry and the options, as in `"quadratic(condition=1000.0)"`.

    Args:
      name: one of `list_tasks()`.
      **options: arguments of the function that makes it.

    Raises:
      RaceError: for an unknown name or an option that the task does not take.
      MissingExtraError: if a package that the task needs is not installed.
    """
    entry = describe_task(name)
    try:
        made = entry.build(**options)
    except TypeError as error:
        if options:
            raise RaceError(f"task {name!r} cannot be made: {error}.") from error
        raise
    given = ", ".join(f"{option}={value!r}" for option, value in options.items())
    return dataclasses.replace(made, name=f"{name}({given})" if given else name)


def task_of(task: Any) -> Task:
    """A task, given as one or by name.

    Raises:
      RaceError: if it is neither, and as `resolve_task`.
      MissingExtraError: if a package that the task needs is not installed.
    """
    made = resolve_task(task) if isinstance(task, str) else task
    if not isinstance(made, Task):
        raise RaceError(f"task is {task!r}, but must be a Task or the name of one.")
    return made


def resolve_task(text: str) -> Task:
    """The task that a user names: a registered one, or `module:object`, a `Task` or a function.

    Raises:
      RaceError: if there is no such task or function, or the function fails or returns something else.
      MissingExtraError: if a package that the task needs is not installed.
    """
    if ":" not in text:
        return create_task(text)
    try:
        build = imported("task", text, or_a=Task)
    except ValueError as error:
        raise RaceError(str(error)) from error
    if isinstance(build, Task):
        return build
    try:
        made = build()
    except RaceError:
        raise
    except Exception as error:
        reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        raise RaceError(f"task {text!r} cannot be made: {reason}") from error
    if not isinstance(made, Task):
        raise RaceError(f"task {text!r} must return a Task, but returns a {type(made).__name__}.")
    return made
