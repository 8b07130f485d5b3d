"""A client's request in one dialect as the same request in another."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ws76proxy.bridge.model import BridgeOptions, Change, Exchanged, foreign_fields
from ws76proxy.bridge.subprotocols import Subprotocols, choose
from ws76proxy.diagnosis import Diagnosis
from ws76proxy.wire import rfc6455
from ws76proxy.wire.challenge import Challenge, RandomBelow, generate_challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, RequestHead

__all__ = ["BridgedRequest", "translate_request"]

_WHY = "the server's dialect asks in these words"
_NO_ORIGIN = b"null"
_NO_VALUES: Mapping[Field, bytes] = {}


class BridgedRequest(msgspec.Struct, frozen=True):
    """A request as the server gets it, and what is needed to read its answer.

    `came` is the client's own. Behind `head` goes `key3`, empty but for hixie-76. What is asked
    there is `challenge`; of RFC 6455 it is `key`, empty for the others. Offsets in `diagnoses`
    count from the head's first byte.
    """

    came: RequestHead
    client: Dialect
    server: Dialect
    head: RequestHead
    protocols: Subprotocols
    exchanged: Exchanged
    diagnoses: tuple[Diagnosis, ...]
    challenge: Challenge | None = None
    key: bytes = b""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed, field by field."""
        return tuple(self.exchanged.changes(_WHY))

    @property
    def key3(self) -> bytes:
        """The 8 bytes behind the head, or none."""
        return b"" if self.challenge is None else self.challenge.key3


def translate_request(
    came: RequestHead,
    client: Dialect,
    server: Dialect,
    *,
    random_below: RandomBelow,
    options: BridgeOptions,
    values: Mapping[Field, bytes] = _NO_VALUES,
    original: RequestHead | None = None,
) -> BridgedRequest:
    """Ask a server in its dialect for what a client asked in its own.

    Keys are fresh, from `random_below`. Every field that has nothing to do with WebSockets stays as
    it came, in its order, between Upgrade and Connection in front and what the dialect adds behind:
    servers of hixie-75 compare the beginning byte by byte. `values`: of fields
    of `came` that go on with another one. `original`: what the client said, where `came` has been
    changed on its way; what the client is answered goes by that.
    """
    kept, dropped = foreign_fields(came)
    protocols, diagnoses = choose(came, client, server, options)
    upgrade = b"websocket" if server is Dialect.RFC_6455 else b"WebSocket"
    front = [("Upgrade", upgrade), ("Connection", b"Upgrade")]
    behind: list[tuple[str, bytes]] = []
    challenge, key = None, b""
    if server is not Dialect.RFC_6455 and came.get(b"origin") is None:
        # A client of hixie always says one; of RFC 6455, only browsers do.
        behind.append(("Origin", _NO_ORIGIN))
    if server is Dialect.RFC_6455:
        key = rfc6455.generate_key(random_below)
        behind += [("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", b"13")]
    prefix = "" if server is Dialect.HIXIE_75 else "Sec-"
    if protocols.offered:
        behind.append((f"{prefix}WebSocket-Protocol", b", ".join(protocols.offered)))
    if server is Dialect.RFC_6455 and options.deflate:
        behind.append(("Sec-WebSocket-Extensions", rfc6455.offer_deflate().encode()))
    if server is Dialect.HIXIE_76:
        challenge = generate_challenge(random_below)
        behind += [
            ("Sec-WebSocket-Key1", challenge.key1.text),
            ("Sec-WebSocket-Key2", challenge.key2.text),
        ]
    lines = [_line(*field) for field in front]
    lines += [field.with_value(values[field]) if field in values else field.raw for field in kept]
    lines += [_line(*field) for field in behind]
    start = came.raw.index(b"\n", len(came.preamble)) + 1
    head = RequestHead(came.raw[:start] + b"".join(lines) + b"\r\n")
    return BridgedRequest(
        came if original is None else original,
        client,
        server,
        head,
        protocols,
        Exchanged(dropped, [*front, *behind]),
        tuple(diagnoses),
        challenge,
        key,
    )


def _line(name: str, value: bytes) -> bytes:
    return name.encode() + b": " + value + b"\r\n"
