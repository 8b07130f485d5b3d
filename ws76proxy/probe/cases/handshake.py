"""Right handshakes: plain ones, and what each part of the answer to one must be (4.1, 5.2)."""

from __future__ import annotations

from dataclasses import replace

from ws76proxy.probe.cases.making import opening_case, talk_case
from ws76proxy.probe.judges import answers, only_frames
from ws76proxy.probe.keys import entropy
from ws76proxy.probe.model import Case
from ws76proxy.probe.opening import Alteration
from ws76proxy.probe.script import Listen
from ws76proxy.wire.challenge import generate_challenge

__all__ = ["CASES"]

_RANDOM = 3


def _challenging(key1: bytes, key2: bytes, key3: bytes) -> Alteration:
    return lambda opening: replace(opening.with_keys(key1, key2), key3=key3)


def _random(seed: str) -> Alteration:
    challenge = generate_challenge(entropy(seed))
    return _challenging(challenge.key1.text, challenge.key2.text, challenge.key3)


_OPENED = "101, and behind its blank line the 16 bytes that answer the challenge"

_ANSWERS = (
    (
        "status-line",
        "HTTP/1.1 101, a space, and any text",
        ("status-*", "response-version-not-1-1"),
    ),
    (
        "upgrade",
        "Upgrade: WebSocket and Connection: Upgrade, once each, in these letters",
        ("upgrade-*", "connection-*", "switch-without-upgrade", "response-field-twice"),
    ),
    (
        "location",
        "Sec-WebSocket-Location: the URL made of the scheme, Host and the resource name",
        ("location-*", "response-names-of-75", "response-of-rfc6455"),
    ),
    (
        "origin",
        "Sec-WebSocket-Origin: the origin of the client",
        ("origin-*", "response-names-of-75", "response-of-rfc6455"),
    ),
    (
        "protocol",
        "Sec-WebSocket-Protocol where one was asked for, and nowhere else",
        ("protocol-*",),
    ),
    (
        "lines",
        "lines that end in CR LF, each a name, a colon and a value",
        ("response-field-name-*", "response-line-*", "response-bare-*", "response-empty-*"),
    ),
    (
        "length",
        "neither Content-Length nor Transfer-Encoding: the digest is no body",
        ("response-content-length", "response-transfer-encoding"),
    ),
)


CASES: tuple[Case, ...] = (
    opening_case(
        "76.handshake.plain",
        "a right handshake whose challenge has no byte that is often mishandled",
        _OPENED,
        "5.2",
        basic=True,
    ),
    opening_case(
        "76.handshake.draft-overview",
        "the keys and key3 of the draft's overview",
        "the 16 bytes that the overview has: 8jKS'y:G*Co,Wxa-",
        "1.2, 5.2",
        _challenging(b"4 @1  46546xW%0l 1 5", b"12998 5 Y3 1  .P00", b"^n:ds[4U"),
        basic=True,
    ),
    opening_case(
        "76.handshake.draft-example",
        "the keys and key3 of the draft's worked example",
        "the 16 bytes that the example has: fQJ,fN/4F4!~K~MH",
        "5.2",
        _challenging(
            b"18x 6]8vM;54 *(5:  {   U1]8  z [  8",
            b"1_ tx7X d  <  nf  334J702) 7]o}` 0",
            b"Tm[K T2u",
        ),
        basic=True,
    ),
    *(
        opening_case(
            f"76.handshake.random-{number}",
            "a right handshake with keys and key3 as a browser draws them",
            _OPENED,
            "4.1, 5.2",
            _random(f"76.handshake.random-{number}"),
            basic=True,
        )
        for number in range(1, _RANDOM + 1)
    ),
    *(
        opening_case(
            f"76.answer.{name}",
            "a right handshake",
            wants,
            "4.1, 5.2",
            judge=answers(*fields, unwelcome=("protocol-unasked",)),
        )
        for name, wants, fields in _ANSWERS
    ),
    talk_case(
        "76.answer.nothing-behind",
        "a right handshake, and then nothing for half a second",
        "nothing behind the digest but frames",
        "5.2, 5.3",
        [Listen(0.5)],
        only_frames(),
        needs=frozenset(),
    ),
)
