"""What a user can choose of a bridge, and what it tells of each change of a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, Head

__all__ = ["DIALECTS", "Binary", "BridgeOptions", "Change", "Exchanged", "foreign_fields"]

DIALECTS = (Dialect.HIXIE_76, Dialect.HIXIE_75, Dialect.RFC_6455)
"""What can be translated, each into each."""

Binary = Literal["refuse", "drop", "base64", "text"]
"""What becomes of a binary message where the other side has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeOptions:
    """How sides of different dialects are brought together.

    `subprotocol`: which of an RFC 6455 client's subprotocols a hixie server is asked for; the first
    one where it is None. `deflate`: whether permessage-deflate is offered and accepted.
    """

    binary: Binary = "refuse"
    subprotocol: bytes | None = None
    deflate: bool = True


class Change(NamedTuple):
    """One field that a translation has changed; None: it was, or is, absent."""

    what: str
    before: bytes | None
    after: bytes | None
    why: str


def foreign_fields(head: Head) -> tuple[list[Field], list[Field]]:
    """A head's fields in two: those that pass as they are, and those of its WebSocket dialect."""
    kept: list[Field] = []
    dropped: list[Field] = []
    last = kept
    for field in head.fields:
        # A folded line belongs to the one before it.
        if not field.raw.startswith((b" ", b"\t")):
            last = dropped if _is_of_websocket(field.name) else kept
        last.append(field)
    return kept, dropped


@lru_cache(128)
def _is_of_websocket(name: bytes) -> bool:
    """Whether a field belongs to the dialect; the same names come again and again."""
    name = name.strip().lower()
    return name in _HOP_FIELDS or name.startswith((b"sec-websocket-", b"websocket-"))


class Exchanged(NamedTuple):
    """The fields that a head has lost to a translation, and what it has got."""

    dropped: Sequence[Field] = ()
    added: Sequence[tuple[str, bytes]] = ()

    def changes(self, why: str) -> list[Change]:
        """What became of each, for who wants to be told."""
        before = {field.name.strip().lower(): field for field in reversed(self.dropped)}
        changes = []
        for name, value in self.added:
            old = before.pop(name.lower().encode(), None)
            if old is None or old.value != value:
                changes.append(Change(name, None if old is None else old.value, value, why))
        gone = [
            Change(field.name.strip().decode("latin-1"), field.value, None, why)
            for field in self.dropped
            if field in before.values()
        ]
        return gone + changes


_HOP_FIELDS = (b"upgrade", b"connection")
