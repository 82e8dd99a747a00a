"""The command line: `optax-zoo list | show | race | report | ablate | animate | check | cost`."""

import sys
from typing import TYPE_CHECKING, Any

import optax_zoo
from optax_zoo.running.errors import MissingExtraError, require

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
        """Show the composition, maths, hyperparameters and sources of an algorithm.

        NAME is a registered name. Of optax.NAME, optax.contrib.NAME and module:function it shows what can be known:
        signature, beginning of the docstring, needs, state and composition.
        """
        from optax_zoo._show import description

        try:
            _print(*description(name))
        except ValueError as error:
            raise click.UsageError(str(error)) from None

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


if __name__ == "__main__":
    sys.exit(main())
