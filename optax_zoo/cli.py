"""The command line: `optax-zoo list | show | race | report | ablate | animate | check | cost`."""

import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import optax_zoo
from optax_zoo._maths import unicode_maths
from optax_zoo.race.errors import MissingExtraError, require

if TYPE_CHECKING:
    import click


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; whatever is wrong with it is one line on standard error.

    Args:
      arguments: the words after `optax-zoo`; by default those of the process.

    Returns:
      The exit code: 0, 2 for wrong input, 130 after Ctrl-C.
    """
    try:
        require("click", "rich")
        return _run(sys.argv[1:] if arguments is None else arguments)
    except MissingExtraError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _run(arguments: list[str]) -> int:
    import click

    try:
        return _commands().main(arguments, "optax-zoo", standalone_mode=False, obj=arguments) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 0
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except click.Abort:
        return _fail("interrupted", 130)


def _fail(message: str, code: int) -> int:
    print(f"optax-zoo: {' '.join(message.split())}", file=sys.stderr)
    return code


def _commands() -> "click.Group":
    import click

    from optax_zoo.animate.command import command as animate
    from optax_zoo.conformance.command import command as check
    from optax_zoo.cost.command import command as cost
    from optax_zoo.race.ablation.command import command as ablate
    from optax_zoo.race.command import command as race
    from optax_zoo.race.report_command import command as report

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(optax_zoo.__version__, message="%(prog)s %(version)s")
    def commands() -> None:
        """Optimizers for JAX as rows of named, exchangeable parts."""

    @commands.command("list")
    def list_command() -> None:
        """List the registered algorithms."""
        _print(_registry())

    @commands.command("show")
    @click.argument("name")
    def show_command(name: str) -> None:
        """Show the composition, maths, hyperparameters and sources of an algorithm."""
        try:
            algorithm = optax_zoo.describe(name)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        _print(*_description(algorithm))

    commands.add_command(race)
    commands.add_command(report)
    commands.add_command(ablate)
    commands.add_command(check)
    commands.add_command(cost)
    commands.add_command(animate)
    return commands


def _print(*blocks: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for block in blocks:
        console.print(block)


def _registry() -> Any:
    """All algorithms as a table."""
    from rich import box
    from rich.table import Table

    legend = "needs: what update must be given. state: bytes per float32 parameter, at the defaults."
    table = Table(box=box.SIMPLE_HEAD, caption=legend, caption_justify="left")
    table.add_column("name", no_wrap=True, style="bold")
    for heading in ("full name, paper", "year", "needs", "state"):
        table.add_column(heading)
    for name in optax_zoo.list_algorithms():
        known = optax_zoo.describe(name)
        title = f"{known.full_name}\n[dim]{known.paper}[/dim]"
        table.add_row(name, title, str(known.year), ", ".join(known.needs), f"{known.state_bytes:g} B")
    return table


def _description(known: optax_zoo.Algorithm) -> list[Any]:
    """What `show` prints of one algorithm."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    sections = _sections(known.docstring)
    blocks: dict[str, Any] = {
        f"{known.name}: {known.full_name}": Text(f"{known.paper} ({known.year})\n{known.url}"),
        "Update": Text(_prose(sections[""])),
        "Composition": Text(known.composition),
        "Hyperparameters": _hyperparameters(known, sections.get("Args", "")),
        **{title: Text(_prose(sections[title])) for title in ("State", "Example", "Source") if title in sections},
        "Conformance": _conformance(known),
    }
    return [Group(Text(title, style="bold"), Padding(body, (0, 0, 1, 2))) for title, body in blocks.items()]


def _conformance(known: optax_zoo.Algorithm) -> Any:
    """The invariances that it has, and the checks that it does not pass."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for claim in known.claims:
        table.add_row(Text(claim), Text(optax_zoo.CLAIMS[claim]))
    for check, reason in known.expected_failures.items():
        table.add_row(Text(f"not {check}"), Text(reason))
    return table


def _hyperparameters(known: optax_zoo.Algorithm, meanings: str) -> Any:
    """Names, defaults and what the docstring says of them, as a table."""
    from rich.table import Table
    from rich.text import Text

    entries = re.split(r"^(\w+): ", meanings, flags=re.MULTILINE)
    meaning = dict(zip(entries[1::2], entries[2::2], strict=True))
    table = Table.grid(padding=(0, 2))
    for name, default in known.defaults.items():
        table.add_row(Text(name), Text(repr(default)), Text(_prose(meaning.get(name, ""))))
    return table


def _sections(docstring: str) -> dict[str, str]:
    """The body of each section of a Google-style docstring by its title; the opening has the title ""."""
    opening, *parts = re.split(r"^([A-Z]\w+):\n", docstring, flags=re.MULTILINE)
    bodies = {title: textwrap.dedent(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}
    return {"": opening, **bodies}


def _prose(text: str) -> str:
    """Text of a docstring without markup: paragraphs are joined, formulas and examples keep their lines."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text.rstrip()):
        if block.startswith("    "):
            paragraphs.append(unicode_maths(block))
        elif block.startswith(">>>"):
            paragraphs.append(block)
        elif block != ".. math::":
            joined = re.sub(r"\s*\n(?!\d+\. )\s*", " ", block)
            paragraphs.append(re.sub(r":math:`([^`]*)`", lambda found: unicode_maths(found[1]), joined))
    return "\n\n".join(paragraphs).rstrip()


if __name__ == "__main__":
    sys.exit(main())
