"""A server's answer in one dialect as the answer that a client of another accepts."""

from __future__ import annotations

import msgspec

from ws76proxy.bridge.model import BridgeOptions, Change, Exchanged, foreign_fields
from ws76proxy.bridge.requests import BridgedRequest
from ws76proxy.bridge.subprotocols import answered_protocol, map_back
from ws76proxy.diagnosis import Diagnosis, Stream, expected_location, found
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire import hixie75, hixie76, rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import ResponseHead

__all__ = ["BridgedResponse", "translate_response"]

_WHY = "the client's dialect answers in these words"
_STATUS_LINES = {
    Dialect.HIXIE_76: hixie76.STATUS_LINE,
    Dialect.HIXIE_75: hixie75.STATUS_LINE,
    Dialect.RFC_6455: rfc6455.STATUS_LINE,
}
# Of a body that a 101 has not.
_BODY_FIELDS = (b"content-length", b"transfer-encoding")

_NOTHING = Exchanged()


class BridgedResponse(msgspec.Struct, frozen=True):
    """An answer as the client gets it.

    Behind `head` goes `digest`, 16 bytes for a client of hixie-76. Where the server refused, both
    are what it sent. `accepted`: whether the session is open; where a server of RFC 6455 answers
    101 and yet what nobody can accept, it is not, and the client should get a 502 instead.
    `status_line`: the server's, where the client gets another one. `base64`: whether text on the
    hixie side stands for binary messages on the other. `facts`: what a server of RFC 6455 has said.
    Offsets in `diagnoses` count from the head's first byte.
    """

    head: ResponseHead
    digest: bytes
    accepted: bool
    protocol: bytes | None = None
    base64: bool = False
    exchanged: Exchanged = _NOTHING
    status_line: bytes | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    facts: rfc6455.AnswerFacts | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed, line by line."""
        changes = self.exchanged.changes(_WHY)
        if self.status_line is not None:
            changes.insert(0, Change("status line", self.status_line, self.head.start_line, _WHY))
        return tuple(changes)


def translate_response(
    answer: ResponseHead,
    request: BridgedRequest,
    *,
    key3: bytes,
    secure: bool,
    options: BridgeOptions,
) -> BridgedResponse:
    """Answer a client in its dialect what a server answered in its own.

    `key3` are the client's own 8 bytes (hixie-76), `secure` whether it uses TLS. What does not say
    101 passes as it is. Of a challenge without an answer the digest is empty: `refuse_client` says
    so before anybody is asked. Whether a server of hixie-76 answered our challenge is not looked at
    here.
    """
    if answer.status != 101:
        return BridgedResponse(answer, b"", accepted=False)
    facts = None
    diagnoses: list[Diagnosis] = []
    if request.server is Dialect.RFC_6455:
        facts = rfc6455.answer_facts(
            answer,
            key=request.key,
            protocols=request.protocols.offered,
            deflate_offered=options.deflate,
        )
        diagnoses = _judge(answer, facts)
    if diagnoses:
        return BridgedResponse(answer, b"", accepted=False, diagnoses=tuple(diagnoses))
    client, server = request.client, request.server
    answered = answered_protocol(answer, server)
    protocol, base64, finding = map_back(request.protocols, answered, client, server)
    if finding is not None:
        field = answer.get(b"sec-websocket-protocol") or answer.get(b"websocket-protocol")
        at = (0, answer.start_line) if field is None else (field.offset, field.raw)
        diagnoses = [found(*finding, stream=Stream.SERVER, offset=at[0], evidence=at[1])]
    ours, digest = _own_fields(request, protocol, key3, secure, options)
    kept, dropped = foreign_fields(answer)
    body = [field for field in kept if field.name.strip().lower() in _BODY_FIELDS]
    # Ours come first: hixie-75 compares the beginning byte by byte.
    lines = [name.encode() + b": " + value + b"\r\n" for name, value in ours]
    lines += [field.raw for field in kept if field not in body]
    status_line = _STATUS_LINES[client].encode()
    head = ResponseHead(status_line + b"\r\n" + b"".join(lines) + b"\r\n")
    return BridgedResponse(
        head,
        digest,
        True,
        protocol,
        base64,
        Exchanged([*dropped, *body], ours),
        None if answer.start_line == status_line else answer.start_line,
        tuple(diagnoses),
        facts,
    )


def _own_fields(
    request: BridgedRequest,
    protocol: bytes | None,
    key3: bytes,
    secure: bool,
    options: BridgeOptions,
) -> tuple[list[tuple[str, bytes]], bytes]:
    """The fields of the client's dialect, and the digest behind the head."""
    came, client = request.came, request.client
    digest = b""
    if client is Dialect.RFC_6455:
        asked = came.get(b"sec-websocket-key")
        key = b"" if asked is None else asked.stripped
        fields = [
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Accept", rfc6455.accept_key(key)),
        ]
        agreed = rfc6455.accept_deflate(came) if options.deflate else None
        if agreed is not None:
            fields.append(("Sec-WebSocket-Extensions", agreed[0].encode()))
        prefix = "Sec-"
    else:
        prefix = "Sec-" if client is Dialect.HIXIE_76 else ""
        origin = came.value(b"origin")
        fields = [
            ("Upgrade", b"WebSocket"),
            ("Connection", b"Upgrade"),
            (f"{prefix}WebSocket-Origin", b"null" if origin is None else origin),
            (f"{prefix}WebSocket-Location", expected_location(came, secure)),
        ]
        challenge = hixie76.challenge_of(came, key3) if client is Dialect.HIXIE_76 else None
        if challenge is not None:
            digest = challenge.answer or b""
    if protocol is not None:
        fields.append((f"{prefix}WebSocket-Protocol", protocol))
    return fields, digest


def _judge(answer: ResponseHead, facts: rfc6455.AnswerFacts) -> list[Diagnosis]:
    """What makes a 101 of RFC 6455 unacceptable: nobody but us will look."""
    if not facts.proved:
        field = answer.get(b"sec-websocket-accept")
        received = "none came" if facts.accept is None else f"found {quoted(facts.accept)}"
        return [
            found(
                "rfc6455-accept-wrong",
                f"expected {quoted(facts.accept_expected)}, {received}",
                stream=Stream.SERVER,
                offset=0 if field is None else field.offset,
                evidence=answer.start_line if field is None else field.raw,
            )
        ]
    why = facts.extensions_refused
    if not facts.upgrades:
        why = "Upgrade: websocket or Connection: Upgrade is missing"
    elif not facts.protocol_was_offered:
        why = f"the subprotocol {quoted(facts.protocol or b'')} was not offered"
    if not why:
        return []
    return [
        found(
            "rfc6455-answer-unusable",
            why,
            stream=Stream.SERVER,
            offset=0,
            evidence=answer.start_line,
        )
    ]
