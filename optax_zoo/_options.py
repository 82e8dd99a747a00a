"""Kinds of options that several commands take."""

from typing import Any

import click
from click.shell_completion import CompletionItem

from optax_zoo.registry import describe, families, list_algorithms
from optax_zoo.running.selectors import ALL, FAMILY
from optax_zoo.spelling import optax_names


class Names(click.ParamType):
    """Names separated by commas."""

    name = "NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value


class Rates(click.ParamType):
    """Numbers separated by commas."""

    name = "NUMBER,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} must be numbers above 0, separated by commas, such as 0.001,0.01,0.1.", param, ctx)


class Optimizer(click.ParamType):
    """The name of an optimizer, which the shell completes; after a comma the next one."""

    name = "NAME"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _completed(incomplete, _optimizers(incomplete))


class Optimizers(Names):
    """Names of optimizers separated by commas, and what stands for several; the shell completes the last one."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _completed(incomplete, {**_optimizers(incomplete), **_selectors()})


def _completed(incomplete: str, known: dict[str, str]) -> list[CompletionItem]:
    """What may come of an incomplete list: its items before, which are not named twice, and one more."""
    before, comma, last = incomplete.rpartition(",")
    names = {name: what for name, what in known.items() if name.startswith(last) and name not in before.split(",")}
    return [CompletionItem(before + comma + name, help=what) for name, what in names.items()]


def _optimizers(incomplete: str) -> dict[str, str]:
    """Names of optimizers and what they are; those of optax once the word begins so."""
    ours = {name: describe(name).full_name for name in list_algorithms()}
    begun = incomplete.rpartition(",")[2].startswith("opt")
    return ours | (dict.fromkeys(optax_names(), "of Optax") if begun else {})


def _selectors() -> dict[str, str]:
    return {ALL: "all of ours"} | {FAMILY + name: sentence for name, sentence in families().items()}
