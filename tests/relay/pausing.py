"""Rules that pause, and sessions whose messages wait."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from ws76proxy.editing import RuleFiles
from ws76proxy.session import Editing

from .ends import End, Server
from .handshakes import ANSWER, KEY3, request


class HasClients(Protocol):
    """A relay, wherever it runs."""

    def client(self) -> contextlib.AbstractAsyncContextManager[End]:
        """A client of it."""


RULES = """
[[message]]
name = "ask about prices"
when = { text = "price" }
do = [{ action = "pause" }]
"""


def rule_file(folder: Path) -> Path:
    """The rules in a file."""
    path = folder / "rules.toml"
    path.write_text(RULES)
    return path


def asking(folder: Path, *, pause: float = 300.0) -> Editing:
    """A person who is asked about every message with a price, for so many seconds."""
    return Editing(rules=RuleFiles((rule_file(folder),)), asks=True, pause=pause)


@contextlib.asynccontextmanager
async def conversing(relay: HasClients, server: Server) -> AsyncIterator[tuple[End, End]]:
    """An open session: its client, and the server's end of it."""
    async with relay.client() as client:
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        await client.receive(len(ANSWER))
        yield client, upstream
