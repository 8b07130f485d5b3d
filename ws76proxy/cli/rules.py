"""The commands about rule files: whether they can be used, and the schema that editors want."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from ws76proxy.cli.rules_try import try_command
from ws76proxy.errors import UsageError
from ws76proxy.rules import MAX_FILES, MAX_SIZE, Counts, json_schema, read_rules

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
    failed = False
    for path in files:
        try:
            data = _read(path, MAX_SIZE + 1)
            counts = read_rules(data, str(path), read_file=_reader(path)).counts
        except OSError as error:
            failed = True
            click.echo(f"{path}: cannot be read: {error.strerror or error}", err=True)
        except UsageError as error:
            failed = True
            click.echo(" ".join(str(error).split()), err=True)
        else:
            click.echo(f"{path}: {_in_words(counts)}")
    return 2 if failed else 0


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of rule files, with which editors complete and check them."""
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True))


def _read(path: Path, size: int) -> bytes:
    """The beginning of a file: what is too large is not read whole."""
    with path.open("rb") as file:
        return file.read(size)


def _reader(rules: Path) -> Callable[[str], bytes]:
    """Reads files that rules name, seen from the folder of the rule file."""
    return lambda name: _read(rules.parent / name, MAX_FILES + 1)


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
