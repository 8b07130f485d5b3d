"""Hixie-76 (= hybi-00): keys, key3, the 16-byte answer, and ``FF 00``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import connection
from ws76proxy.wire.challenge import (
    DIGEST_SIZE,
    KEY3_SIZE,
    Challenge,
    RandomBelow,
    generate_challenge,
    read_key,
)
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Head, RequestHead

__all__ = ["ClientConnection", "ServerConnection", "challenge_of"]

STATUS_LINE = "HTTP/1.1 101 WebSocket Protocol Handshake"


def challenge_of(head: RequestHead, key3: bytes) -> Challenge | None:
    """The challenge that a request makes, or None when a key field is missing."""
    key1 = head.value(b"sec-websocket-key1")
    key2 = head.value(b"sec-websocket-key2")
    if key1 is None or key2 is None:
        return None
    return Challenge(read_key(key1), read_key(key2), key3)


class ServerConnection(connection.ServerConnection):
    """The server's side of a hixie-76 connection (section 5)."""

    dialect: ClassVar[Dialect] = Dialect.HIXIE_76
    closing_handshake: ClassVar[bool] = True

    def tail_size(self) -> int:
        return KEY3_SIZE

    @property
    def challenge(self) -> Challenge | None:
        """The client's challenge, once all of it has come."""
        if self.head is None or len(self._tail) < KEY3_SIZE:
            return None
        return challenge_of(self.head, self._tail)

    def accept(
        self,
        *,
        location: str,
        origin: bytes | None = None,
        protocol: bytes | None = None,
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Answer 101 with the digest (5.2) and read frames from now on.

        `location` is what the client must find in Sec-WebSocket-Location; `origin` defaults to the
        client's own. Raises LocalProtocolError where the draft makes a server abort instead.
        """
        request = self._request()
        challenge = self.challenge
        if challenge is None or challenge.answer is None:
            raise LocalProtocolError("cannot accept: the client's keys have no answer (5.2)")
        asked = request.value(b"origin") if origin is None else origin
        fields: list[tuple[str, str | bytes]] = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Location", location),
        ]
        if asked is not None:
            fields.append(("Sec-WebSocket-Origin", asked))
        if protocol is not None:
            fields.append(("Sec-WebSocket-Protocol", protocol))
        head = Head.build(STATUS_LINE, [*fields, *extra])
        self._accept(head.raw + challenge.answer)


class ClientConnection(connection.ClientConnection):
    """The client's side of a hixie-76 connection (section 4)."""

    dialect: ClassVar[Dialect] = Dialect.HIXIE_76
    closing_handshake: ClassVar[bool] = True
    challenge: Challenge | None = None

    def tail_size(self) -> int:
        return DIGEST_SIZE if self.head is not None and self.head.status == 101 else 0

    @property
    def digest(self) -> bytes | None:
        """The server's 16 bytes, once all have come."""
        return self._tail if len(self._tail) == DIGEST_SIZE else None

    def connect(
        self,
        *,
        resource: str,
        host: str,
        random_below: RandomBelow,
        origin: str | None = None,
        protocol: str | None = None,
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> Challenge:
        """Queue the opening handshake with fresh keys (4.1); return the challenge it makes."""
        self.challenge = challenge = generate_challenge(random_below)
        fields: list[tuple[str, str | bytes]] = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Host", host),
        ]
        if origin is not None:
            fields.append(("Origin", origin))
        if protocol is not None:
            fields.append(("Sec-WebSocket-Protocol", protocol))
        fields += [
            *extra,
            ("Sec-WebSocket-Key1", challenge.key1.text),
            ("Sec-WebSocket-Key2", challenge.key2.text),
        ]
        self._queue(Head.build(f"GET {resource} HTTP/1.1", fields).raw + challenge.key3)
        return challenge
