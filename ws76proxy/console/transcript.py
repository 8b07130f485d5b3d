"""A handshake as plain text, for whoever has its records and no terminal."""

from __future__ import annotations

from collections.abc import Iterable

from ws76proxy.console.handshake import Handshake
from ws76proxy.console.ink import PLAIN
from ws76proxy.record import AnyRecord
from ws76proxy.redaction import redact

__all__ = ["handshake_text"]


def handshake_text(
    records: Iterable[AnyRecord],
    *,
    width: int = 100,
    show_secrets: bool = False,
    raw: bool = False,
) -> str:
    """The block that the console shows for one session's opening handshake; empty without one.

    Records that belong to no handshake are passed over, so that a whole session may be given.
    `raw`: with all heads, as they came and as they went on.
    """
    handshake = Handshake(None)
    session = 0
    for record in records:
        handshake.add(record if show_secrets else redact(record))
        session = record.session or session
    return "" if handshake.empty else handshake.block(PLAIN, width, session=session, raw=raw)
