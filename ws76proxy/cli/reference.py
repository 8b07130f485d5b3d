"""Writes docs/cli.md from the commands themselves: `python -m ws76proxy.cli.reference FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ws76proxy.cli import commands

__all__ = ["reference"]

_WIDTH = 88


def reference() -> str:
    """The page: each command's help, as Markdown."""
    context = click.Context(
        commands, info_name="ws76proxy", terminal_width=_WIDTH, **commands.context_settings
    )
    parts = [
        "# Commands\n",
        "What `--help` prints, for reading and searching. This page is generated:"
        " `python -m ws76proxy.cli.reference docs/cli.md`.\n",
        "Exit status: 0 when all went well, 1 when something failed (a port in use, a failed"
        " check), 2 when the command line or a file was wrong. What is wrong is one line on"
        " standard error.\n",
    ]
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None  # noqa: S101 - it has just been listed
        parts += _page(command, name, context)
    return "\n".join(parts)


def _page(command: click.Command, name: str, parent: click.Context) -> list[str]:
    """A command's help, and behind it that of those below it."""
    context = click.Context(command, parent, name, terminal_width=_WIDTH)
    pages = [f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for inner, below in command.commands.items():
            pages += _page(below, inner, context)
    return pages


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8", newline="\n")
