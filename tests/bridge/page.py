"""Writes the tables on the bridge's page anew: `python -m tests.bridge.page`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance import relayed
from ws76proxy.bridge import DIALECTS, Ended, farewell
from ws76proxy.wire.dialect import Dialect

__all__ = ["PAGE", "with_tables"]

PAGE = Path(__file__).parents[2] / "docs" / "bridge.md"
_CLOSINGS = re.compile(r"(?<=<!-- closings -->\n).*?(?=<!-- /closings -->)", re.DOTALL)
_RELAYED = re.compile(r"(?<=<!-- relayed -->\n).*?(?=<!-- /relayed -->)", re.DOTALL)
H76, H75, RFC = DIALECTS
_ENDINGS = (
    ("Close with code and reason", Ended("server", RFC, "closed", 4001, "why")),
    ("Close without a code", Ended("server", RFC, "closed")),
    ("`FF 00`", Ended("server", H76, "closed")),
    ("end of a hixie-75 stream", Ended("server", H75, "end-of-stream")),
    ("end of a hixie-76 stream without `FF 00`", Ended("server", H76, "end-of-stream")),
    ("end of an RFC 6455 stream without Close", Ended("server", RFC, "end-of-stream")),
    ("the server is lost: reset, or gone inside of a frame", Ended("server", H76, "lost")),
    ("the server breaks its protocol", Ended("server", RFC, "fault", 1002, "why")),
    ("the client is lost", Ended("client", H76, "lost")),
    ("the client breaks its protocol", Ended("client", RFC, "fault", 1002, "why")),
    ("the relay ends the session", Ended("relay", RFC, "relay")),
)


def with_tables(page: str) -> str:
    """The page, with what each side is told of the other's end, and what the suite thinks of it."""
    page = _CLOSINGS.sub(lambda _: _table(), page)
    return _RELAYED.sub(lambda _: relayed.table(), page)


def _table() -> str:
    lines = ["| one side | RFC 6455 is told | hixie-76 is told | hixie-75 is told |"]
    lines.append("| --- | --- | --- | --- |")
    for words, ended in _ENDINGS:
        cells = [words, *(_told(ended, dialect) for dialect in (RFC, H76, H75))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _told(ended: Ended, to: Dialect) -> str:
    said = farewell(ended, to)
    if not said.handshake:
        return "end"
    if to is not RFC:
        return "`FF 00`"
    if said.code is None:
        return "Close without a code"
    return "Close with the same" if said.code == ended.code else f"Close {said.code}"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_tables(text), encoding="utf-8", newline="\n")
