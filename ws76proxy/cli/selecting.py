"""The option that says which sessions of a recording are meant, for commands that take several."""

from __future__ import annotations

import click

__all__ = ["sessions_option"]

sessions_option = click.option(
    "--session",
    "numbers",
    multiple=True,
    type=click.IntRange(1),
    metavar="N",
    help="Only the session of this number. Repeatable.",
)
"""Its function gets the numbers as `numbers`; none: all sessions."""
