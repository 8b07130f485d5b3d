"""The command line: one module a command, and one line on standard error for what is wrong."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from ws76proxy import __version__
from ws76proxy.errors import UsageError

__all__ = ["commands", "main"]

_COMMANDS = {
    "addon": "ws76proxy.cli.addon",
    "convert": "ws76proxy.cli.convert",
    "demo": "ws76proxy.cli.demo",
    "explain": "ws76proxy.cli.explain",
    "held": "ws76proxy.cli.held",
    "probe": "ws76proxy.cli.probe",
    "relay": "ws76proxy.cli.relay",
    "replay": "ws76proxy.cli.replay",
    "rules": "ws76proxy.cli.rules",
    "show": "ws76proxy.cli.show",
}


class _Commands(click.Group):
    """Imports a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"no command {args[0]!r}; expected one of: {known}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ws76proxy")
def commands() -> None:
    """See, explain and pass on the WebSockets of 2009 to 2011: hixie-76 and hixie-75."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command line; return the exit status: 0, 1 for a failure, 2 for wrong usage."""
    _open_standard_files()
    try:
        status = commands.main(
            arguments, prog_name="ws76proxy", standalone_mode=False, obj=arguments
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        _say(context.command_path if context else "ws76proxy", error.format_message())
        return error.exit_code
    except UsageError as error:
        _say("ws76proxy", str(error))
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more at exit.
        sys.stderr.close()
        return 1
    return status if isinstance(status, int) else 0


def _open_standard_files() -> None:
    """Where standard input, output or error is closed, nothing: or a socket would take its number,
    and the client on it would read what we print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - until the process ends
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - until the process ends


def _say(command: str, text: str) -> None:
    line = " ".join(text.split())
    click.echo(f"{command}: {line}", err=True)


def fail(text: str) -> NoReturn:
    """End the command with one line on standard error and exit status 1."""
    raise click.ClickException(text)
