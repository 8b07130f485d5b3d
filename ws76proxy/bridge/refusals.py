"""Who cannot be served: clients whose request has no answer, servers that lack a dialect."""

from __future__ import annotations

from dataclasses import dataclass

from ws76proxy.diagnosis import Diagnosis, Stream, found
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire import hixie76, rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = ["Refusal", "lacks_dialect", "refuse_client", "refuse_dialect", "speaks_another"]

_UPGRADE = ("Upgrade", "websocket")
_VERSION = ("Sec-WebSocket-Version", str(rfc6455.VERSION))
_OWN_WORDS = {
    Dialect.HIXIE_76: b"sec-websocket-location",
    Dialect.HIXIE_75: b"websocket-location",
    Dialect.RFC_6455: b"sec-websocket-accept",
}
"""The field by which an answer shows its dialect."""
_REFUSING = {
    400: "finds the request faulty",
    426: "asks for another protocol",
    501: "does not implement what was asked",
    505: "does not speak this version",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of our own instead of a handshake; `raw` ends the connection."""

    status: int
    reason: str
    text: str
    diagnosis: Diagnosis
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def raw(self) -> bytes:
        """The whole response."""
        body = self.text.encode()
        connection = "Upgrade, close" if self.status == 426 else "close"
        fields = [
            *self.fields,
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", connection),
        ]
        return Head.build(f"HTTP/1.1 {self.status} {self.reason}", fields).raw + body


def refuse_client(head: RequestHead, dialect: Dialect) -> Refusal | None:
    """Why a client cannot be served by a server of another dialect, or None.

    Without a bridge such requests are passed on: it is the server's to refuse them.
    """
    if dialect in (Dialect.RFC_6455, Dialect.HYBI_DRAFT):
        return _refuse_modern(head, rfc6455.request_facts(head))
    if dialect is Dialect.HIXIE_76:
        challenge = hixie76.challenge_of(head, b"")
        if challenge is None or challenge.answer is None:
            why = "a key is missing" if challenge is None else "a key has no part (5.2)"
            return Refusal(
                400,
                "Bad Request",
                f"The challenge has no answer: {why}.\n",
                _at(head, None, "challenge-unanswerable", why),
            )
    return None


def _refuse_modern(head: RequestHead, facts: rfc6455.RequestFacts) -> Refusal | None:
    if facts.versions and not facts.has_version:
        # 4.4: a client that knows version 13, too, tries again with it.
        versions = ", ".join(quoted(one) for one in facts.versions)
        field = head.get(b"sec-websocket-version")
        return Refusal(
            426,
            "Upgrade Required",
            "This speaks version 13 of the WebSocket protocol (RFC 6455).\n",
            _at(
                head,
                None if field is None else field.offset,
                "version-not-supported",
                f"asked for {versions}",
            ),
            (_UPGRADE, _VERSION),
        )
    if not facts.acceptable:
        why = "Upgrade: websocket or Connection: Upgrade is missing"
        if facts.key is None:
            why = "Sec-WebSocket-Key is missing"
        elif facts.key_size != 16:
            why = f"Sec-WebSocket-Key {quoted(facts.key)} is not 16 bytes in base64"
        elif not facts.versions:
            why = "Sec-WebSocket-Version is missing"
        return Refusal(
            400, "Bad Request", f"{why}.\n", _at(head, None, "rfc6455-request-faulty", why), ()
        )
    return None


def refuse_dialect(head: RequestHead, dialect: Dialect, wanted: Dialect | None) -> Refusal | None:
    """Why a client that speaks another dialect than it must is refused, or None."""
    if wanted is None or dialect is wanted or not dialect.is_websocket:
        return None
    detail = f"asked in {dialect}; expected {wanted}, as --client-dialect says"
    finding = _at(head, None, "client-dialect-refused", detail)
    text = f"This speaks the WebSocket protocol as {wanted}, and was asked in {dialect}.\n"
    if dialect.is_hixie:
        # There was no 426 when it was written, and it could not go on with one.
        return Refusal(400, "Bad Request", text, finding)
    is_modern = wanted is Dialect.RFC_6455
    fields = (_UPGRADE, _VERSION) if is_modern else (("Upgrade", "WebSocket"),)
    return Refusal(426, "Upgrade Required", text, finding, fields)


def lacks_dialect(dialect: Dialect, answer: ResponseHead | None, *, size: int = 0) -> str:
    """What shows that a server does not speak the dialect that it was asked in, as one clause.

    Empty where nothing does: the server's answer is then about something else, and stands.
    `answer` is its head, None where none came before the end of the stream; `size` is how many
    bytes came of it.
    """
    if answer is None:
        return "" if size else "it closed the connection without a byte"
    status = answer.status
    if status == 101:
        if answer.get(_OWN_WORDS[dialect]) is not None:
            return ""
        lacks = f"its answer lacks {_OWN_WORDS[dialect].decode()}"
        return speaks_another(dialect, answer) or lacks
    if status in _REFUSING:
        return f"it {_REFUSING[status]} ({status})"
    if status is not None and 200 <= status < 300:
        return f"it took the request for one of plain HTTP ({status})"
    if answer.get(b"sec-websocket-version") is not None:
        return f"it names the version that it speaks ({status})"
    return ""


def speaks_another(dialect: Dialect, answer: ResponseHead) -> str:
    """What shows that a server has accepted in another dialect than it was asked in, as one clause.

    Empty where nothing does. Of what such a server says behind its answer nothing can be read.
    """
    if answer.status != 101 or answer.get(_OWN_WORDS[dialect]) is not None:
        return ""
    for other, name in _OWN_WORDS.items():
        if answer.get(name) is not None:
            return f"it answered in the words of {other}"
    return ""


def _at(head: RequestHead, offset: int | None, code: str, detail: str) -> Diagnosis:
    evidence = head.start_line
    if offset is not None:
        evidence = next(field.raw for field in head.fields if field.offset == offset)
    return found(
        code,
        detail,
        stream=Stream.CLIENT,
        offset=offset if offset is not None else len(head.preamble),
        evidence=evidence,
    )
