"""The command line: `optax-zoo list | show | new | race | report | ablate | animate | check | cost`."""

import sys

from optax_zoo.running.errors import MissingExtraError, require


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; whatever goes wrong is one line on standard error.

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

    from optax_zoo._commands import commands

    try:
        return commands.main(arguments, "optax-zoo", standalone_mode=False, obj=arguments) or 0
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


if __name__ == "__main__":
    sys.exit(main())
