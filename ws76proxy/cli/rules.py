"""The commands about rule files: whether they can be used, and the schema that editors want."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ws76proxy.cli.rules_try import try_command
from ws76proxy.errors import UsageError
from ws76proxy.rules import Counts, json_schema

__all__ = ["command"]


@click.group("rules")
def command() -> None:
    """Check rule files, which rewrite what passes."""


command.add_command(try_command)


@command.command("check")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
def check(files: tuple[Path, ...]) -> int:
    """Say of each rule FILE how many rules it has, or what is wrong with it and where.

    The first fault of a file is one line on standard error, and the exit status is 2.
    """
    # Who only wants the schema, or help, need not wait for it.
    from ws76proxy.editing.rule_files import RuleFiles

    failed = False
    for path in files:
        try:
            counts = RuleFiles([path]).current.counts
        except UsageError as error:
            failed = True
            click.echo(str(error), err=True)
        else:
            click.echo(f"{path}: {_in_words(counts)}")
    return 2 if failed else 0


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of rule files, with which editors complete and check them."""
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True))


def _in_words(counts: Counts) -> str:
    total = counts.request + counts.response + counts.message
    kinds = [
        f"{count} {kind}"
        for kind, count in zip(("request", "response", "message"), counts, strict=False)
        if count
    ]
    text = f"{total} rule{'' if total == 1 else 's'}"
    if kinds:
        text += f": {', '.join(kinds)}"
    return text + (f" ({counts.disabled} not enabled)" if counts.disabled else "")
