"""Handshakes to be pasted, and what is said of the same bytes however they were written down."""

from __future__ import annotations

from tests.diagnosis.samples import load_samples
from ws76proxy.explain import Explained, Pasted, look_at, take_apart, take_pair_apart
from ws76proxy.record import FindingRecord

__all__ = [
    "ANSWER",
    "DIGEST",
    "DRAFT",
    "KEY3",
    "REQUEST",
    "SAMPLES",
    "about",
    "explain",
    "explain_pair",
    "findings",
]

SAMPLES = {sample.name: sample for sample in load_samples()}

# The example of draft -76, section 1.2.
REQUEST = (
    b"GET /demo HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
    b"Sec-WebSocket-Protocol: sample\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    b"Origin: http://example.com\r\n"
    b"\r\n"
)
KEY3 = b"^n:ds[4U"
ANSWER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo\r\n"
    b"Sec-WebSocket-Protocol: sample\r\n"
    b"\r\n"
)
DIGEST = b"8jKS'y:G*Co,Wxa-"
DRAFT = (REQUEST + KEY3, ANSWER + DIGEST)


def explain(data: bytes, *, secure: bool = False) -> Explained:
    """What is said of one file."""
    return look_at(take_apart(data, "file"), "file", 1, secure=secure, ignored=())


def explain_pair(client: bytes, server: bytes, *, secure: bool = False) -> Explained:
    """What is said of two files."""
    pasted = take_pair_apart(client, server, ("client", "server"))
    assert isinstance(pasted, Pasted)
    return look_at(pasted, "files", 1, secure=secure, ignored=())


def about(explained: Explained) -> list[str]:
    """Everything that is said but where it was read from; in no order, which forms do not share."""
    return sorted(repr(record) for record in explained.records)


def findings(explained: Explained) -> set[str]:
    """The codes of what was found."""
    return {one.code for one in explained.records if isinstance(one, FindingRecord)}
