"""Kinds of options that several commands take."""

from typing import Any

import click


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
