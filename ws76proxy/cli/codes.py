"""Codes of findings as they are given on the command line."""

from __future__ import annotations

import difflib

import click

from ws76proxy.diagnosis import CATALOGUE

__all__ = ["check_code", "hint_for"]


def check_code(option: str, code: str) -> None:
    """Refuse what is no code, which can only be a slip."""
    if code not in CATALOGUE:
        raise click.UsageError(
            f"{option}: found {code!r}; expected a finding's code{hint_for(code)}"
        )


def hint_for(code: str) -> str:
    """The code that is nearest, as a clause; empty where none is near."""
    near = difflib.get_close_matches(code, CATALOGUE, 1)
    return f", such as {near[0]}" if near else ""
