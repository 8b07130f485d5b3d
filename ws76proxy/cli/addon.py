"""The command that says where the mitmproxy addon is."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("addon")
def command() -> None:
    """Print the path of the mitmproxy addon, for mitmdump -s "$(ws76proxy addon)".

    With it, mitmproxy, mitmweb and mitmdump show hixie-76 and hixie-75 sessions as WebSocket flows.
    """
    click.echo(Path(__file__).parents[1] / "mitm" / "script.py")
