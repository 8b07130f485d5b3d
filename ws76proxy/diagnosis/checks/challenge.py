"""What was still to come when a handshake ended before it was whole (4.1, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ws76proxy.diagnosis.checks.digest import check_short_digest
from ws76proxy.diagnosis.checks.keys import faulty_keys
from ws76proxy.diagnosis.checks.sites import passed_through
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.hypotheses import Asked
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire import hixie76
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = ["EndedBy", "check_unfinished"]

EndedBy = Literal["timeout", "client", "server", "input"]
"""`input`: nothing more is known."""

_HOW = {
    "timeout": "when the time was over",
    "client": "when the client closed",
    "server": "when the server closed",
    "input": "by the end of what was given",
}
_LINE_ENDS = b"\r\n"
_MOST_TRIMMED = 2
_MOST_EVIDENCE = 64
# The record types of TLS that a server begins with: an alert, or its handshake.
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
_OTHER_SERVICES = (
    (b"<cross-domain-policy", "a policy for Flash"),
    (b"<?xml", "XML, such as a policy for Flash"),
    (b"<", "a page without a head"),
    (b"SSH-", "SSH"),
    (b"220", "a greeting of FTP or SMTP"),
    (b"\x00", "a frame without a head"),
)


@dataclass(frozen=True)
class _Unfinished:
    """As much of a handshake as had come."""

    request: RequestHead
    key3: bytes
    response: ResponseHead | None
    digest: bytes
    answer: bytes
    challenge: Challenge | None
    ended_by: EndedBy
    client_base: int
    server_base: int

    @property
    def how(self) -> str:
        """When it ended, as a clause."""
        return _HOW[self.ended_by]


def check_unfinished(
    dialect: Dialect,
    *,
    request: RequestHead | None,
    key3: bytes,
    response: ResponseHead | None,
    digest: bytes,
    ended_by: EndedBy,
    client_base: int = 0,
    server_base: int = 0,
    answer: bytes = b"",
    asked: Asked | None = None,
) -> list[Diagnosis]:
    """What was still to come when a handshake ended, and why, as far as what had come tells.

    `request` and `response` are None where the head was not whole; `key3` and `digest` are as much
    as had come, `answer` what of the server's bytes is no whole head. `client_base` and
    `server_base` are the heads' offsets in their streams. `asked` is what the server was asked
    where that was something else. A handshake that was whole gives nothing.
    """
    if request is None:
        return [found("request-incomplete", f"no blank line had come {_HOW[ended_by]}")]
    is_76 = dialect is Dialect.HIXIE_76
    challenge = hixie76.challenge_of(request, key3) if asked is None else asked.challenge
    end = _Unfinished(
        request,
        key3,
        response,
        digest,
        answer,
        challenge,
        ended_by,
        client_base,
        server_base,
    )
    diagnoses = []
    refused = response is not None and response.status != 101
    if is_76 and len(key3) < KEY3_SIZE and not refused:
        diagnoses = _key3(end)
    if response is None:
        if ended_by == "client" and not diagnoses:
            diagnoses.append(found("client-left-early", "no whole answer had come"))
        elif not diagnoses:
            diagnoses = _answer(end, is_76)
    elif is_76 and not refused and len(digest) < DIGEST_SIZE:
        diagnoses += _digest(end, bool(diagnoses))
    return diagnoses


def _key3(end: _Unfinished) -> list[Diagnosis]:
    key3, via = end.key3, passed_through(end.request)
    if not key3:
        why = "an HTTP library or a proxy on the way has eaten them, or nobody wrote them" + via
        return [found("key3-missing", f"none of the 8 bytes had come {end.how}: {why}")]
    offset = end.client_base + len(end.request.raw)
    came = f"{len(key3)} of {KEY3_SIZE} bytes had come {end.how}"
    diagnoses = [
        found("key3-short", came + _lost(key3), stream=Stream.CLIENT, offset=offset, evidence=key3)
    ]
    lost = KEY3_SIZE - len(key3)
    if lost <= _MOST_TRIMMED and key3[0] not in _LINE_ENDS:
        gone = "the byte that is gone was" if lost == 1 else "the bytes that are gone were"
        detail = f"{gone} most likely CR or LF, in front of these{via}"
        diagnoses.append(
            found("key3-trimmed", detail, stream=Stream.CLIENT, offset=offset, evidence=key3)
        )
    return diagnoses


def _lost(key3: bytes) -> str:
    """Which ways to lose bytes go together with those that are left, as a clause."""
    ways = []
    if b"\0" not in key3:
        ways.append("cut it at a NUL")
    if key3.isascii():
        ways.append("drop bytes from 0x80 on")
    return f"; text functions that {' or '.join(ways)} would leave these" if ways else ""


def _answer(end: _Unfinished, is_76: bool) -> list[Diagnosis]:
    """Why there is no whole head of the server."""
    answer = end.answer
    if answer:
        return [
            found(
                *_other_answer(answer, end.how),
                stream=Stream.SERVER,
                offset=end.server_base,
                evidence=answer[:_MOST_EVIDENCE],
            )
        ]
    faults = faulty_keys(end.challenge) if is_76 else ""
    if faults and end.ended_by == "server":
        return [found("faulty-keys-refused", f"it closed on keys with faults: {faults}")]
    diagnoses = [found("response-missing", f"no whole answer had come {end.how}")]
    return diagnoses + (_eaten(end) if is_76 else [])


def _other_answer(answer: bytes, how: str) -> tuple[str, str]:
    """Code and detail of an answer that is no whole head of HTTP."""
    if answer.startswith(_TLS_RECORDS):
        record = "an alert" if answer[0] == 0x15 else "a handshake"
        return "response-tls", f"it begins with {answer[:7].hex(' ')}: {record} of TLS"
    begin = answer.lstrip(_LINE_ENDS)[:5]
    if b"HTTP/".startswith(begin):
        return "response-incomplete", f"{len(answer)} bytes and no blank line had come {how}"
    what = next((what for mark, what in _OTHER_SERVICES if answer.startswith(mark)), "")
    detail = f"it begins with {quoted(answer[:_MOST_EVIDENCE])}"
    return "response-not-http", f"{detail}: {what}" if what else detail


def _digest(end: _Unfinished, is_explained: bool) -> list[Diagnosis]:
    """Why there is no whole digest; `is_explained` where the server cannot have one."""
    response = end.response
    assert response is not None  # noqa: S101 - the digest comes behind it
    count = f"{len(end.digest)} of {DIGEST_SIZE} bytes of digest had come"
    if end.ended_by == "client":
        return [found("client-left-early", count)]
    if end.digest:
        base = end.server_base + len(response.raw)
        head = end.request.raw
        return check_short_digest(end.challenge, end.digest, how=end.how, base=base, head=head)
    # Where key3 never came, a server that waits for it does what it must.
    if is_explained:
        return []
    why = ""
    if response.get(b"sec-websocket-accept") is not None:
        why = ": the head is RFC 6455's, which has none"
    elif response.get(b"websocket-location") is not None:
        why = ": the head is draft-75's, which has none"
    return [found("digest-missing", f"{count} {end.how}{why}"), *_eaten(end)]


def _eaten(end: _Unfinished) -> list[Diagnosis]:
    """Whether the server may be waiting for what of key3 has been taken for empty lines."""
    key3 = end.key3 if end.challenge is None else end.challenge.key3
    eaten = key3[: len(key3) - len(key3.lstrip(_LINE_ENDS))]
    if not eaten:
        return []
    left = KEY3_SIZE - len(eaten)
    detail = f"it begins with {eaten.hex(' ')}: without that there are {left} bytes of 8"
    if key3 != end.key3:
        # A challenge of our own is in no stream of a peer.
        return [found("key3-line-end-eaten", detail, evidence=eaten)]
    offset = end.client_base + len(end.request.raw)
    return [
        found("key3-line-end-eaten", detail, stream=Stream.CLIENT, offset=offset, evidence=eaten)
    ]
