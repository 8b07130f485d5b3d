"""Writes the table of closings on the bridge's page anew: `python -m tests.bridge.page`."""

from __future__ import annotations

import re
from pathlib import Path

from ws76proxy.bridge import DIALECTS, Ended, farewell
from ws76proxy.wire.dialect import Dialect

__all__ = ["PAGE", "with_table"]

PAGE = Path(__file__).parents[2] / "docs" / "bridge.md"
_TABLE = re.compile(r"(?<=<!-- closings -->\n).*?(?=<!-- /closings -->)", re.DOTALL)
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


def with_table(page: str) -> str:
    """The page, with what each side is told of the other's end."""
    return _TABLE.sub(lambda _: _table(), page)


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
    PAGE.write_text(with_table(text), encoding="utf-8", newline="\n")
