"""Options that were given and would have no effect."""

from __future__ import annotations

import click
from click.core import ParameterSource

__all__ = ["refuse_given"]


def refuse_given(beginnings: str | tuple[str, ...], why: str) -> None:
    """Refuse what the command line says of parameters whose names begin so.

    Whoever says how something is to be done, and not that it is, believes that it is done. `why`
    ends the sentence `found OPTION …`. Raises click.UsageError.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        if not name.startswith(beginnings):
            continue
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"found {parameter.opts[0]} {why}")
