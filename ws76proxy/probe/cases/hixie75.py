"""Hixie-75: its handshake without keys, and what differs in its frames and its end (draft-75)."""

from __future__ import annotations

from dataclasses import replace

from ws76proxy.probe.cases.frames import echo_case, talk_of
from ws76proxy.probe.cases.making import last_message, opening_case, talk_case
from ws76proxy.probe.cases.segments import byte_by_byte
from ws76proxy.probe.judges import Expect, answers, ends, only_frames, texts
from ws76proxy.probe.model import Case, Need, Requirement
from ws76proxy.probe.opening import Line, Opening
from ws76proxy.probe.script import Finish, Listen, Until, Wait
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, encode_discarded, encode_text

__all__ = ["CASES"]

MUST, SHOULD, MAY = Requirement.MUST, Requirement.SHOULD, Requirement.MAY
_INNER = b"not a message"
_HALF = frozenset({Need.HALF_CLOSE})
_CLOSING_NAME = "75.closing.ff-00"


def _lower(opening: Opening) -> Opening:
    lines = (replace(line, name=line.name.lower()) for line in opening.lines)
    return replace(opening, lines=tuple(lines))


_ANSWERS = (
    (
        "status-line",
        "HTTP/1.1 101 Web Socket Protocol Handshake, in these very bytes",
        ("status-*", "response-version-not-1-1"),
    ),
    (
        "upgrade",
        "Upgrade: WebSocket and Connection: Upgrade as the first two fields, in these very bytes",
        ("first-fields-*", "upgrade-*", "connection-*", "switch-*", "response-field-twice"),
    ),
    (
        "location",
        "WebSocket-Location: the URL made of the scheme, Host and the resource name",
        ("location-*", "response-names-of-76", "response-of-rfc6455"),
    ),
    (
        "origin",
        "WebSocket-Origin: the origin of the client",
        ("origin-*", "response-names-of-76", "response-of-rfc6455"),
    ),
    (
        "protocol",
        "WebSocket-Protocol where one was asked for, and nowhere else",
        ("protocol-*",),
    ),
    (
        "lines",
        "lines that end in CR LF, each a name, a colon and a value",
        ("response-field-name-*", "response-line-*", "response-bare-*", "response-empty-*"),
    ),
)

CASES: tuple[Case, ...] = (
    opening_case(
        "75.handshake.plain", "a right handshake of draft-75", "101", "draft-75 5.1", basic=False
    ),
    *(
        opening_case(
            f"75.answer.{name}",
            "a right handshake",
            wants,
            "draft-75 4.1, 5.1",
            judge=answers(*fields, unwelcome=("protocol-unasked",)),
        )
        for name, wants, fields in _ANSWERS
    ),
    talk_case(
        "75.answer.nothing-behind",
        "a right handshake, and then nothing for half a second",
        "nothing behind the blank line but frames: draft-75 has no digest",
        "draft-75 5.1, 5.3",
        [Listen(0.5)],
        only_frames(),
        needs=frozenset(),
    ),
    opening_case(
        "75.fields.lower-case",
        "all names in lower case",
        "101: names are compared without regard to ASCII case",
        "draft-75 5.2",
        _lower,
    ),
    opening_case(
        "75.protocol.one",
        "WebSocket-Protocol: ws76proxy.probe",
        "abort, or 101 with that value in WebSocket-Protocol",
        "draft-75 5.2",
        lambda opening: (
            opening.adding(Line(b"WebSocket-Protocol", b"ws76proxy.probe"))
            if all(line.name != b"WebSocket-Protocol" for line in opening.lines)
            else opening
        ),
        expect=Expect.EITHER,
        requirement=MAY,
        fields=("protocol-*",),
        tolerated=("protocol-not-echoed",),
    ),
    opening_case(
        "75.segments.byte-by-byte",
        "each byte in a segment of its own",
        "101: TCP is a stream",
        "draft-75 5.1",
        cut=byte_by_byte,
    ),
    echo_case(
        "75.frames.empty", "an empty message", [encode_text("")], [""], section="draft-75 5.3"
    ),
    echo_case(
        "75.frames.text",
        "a message with characters of one to four bytes",
        [encode_text("a, é, 世, 😀")],
        ["a, é, 世, 😀"],
        section="draft-75 5.3",
    ),
    echo_case(
        "75.frames.size-65536",
        "a message of 65,536 bytes",
        [encode_text(b"a" * 65_536)],
        [b"a" * 65_536],
        section="draft-75 5.3",
    ),
    echo_case(
        "75.frames.cut",
        "a message in three segments",
        [b"\0", b"in three", b" pieces\xff"],
        ["in three pieces"],
        section="draft-75 5.3",
    ),
    echo_case(
        "75.frames.many",
        "ten messages in one segment",
        [b"".join([encode_text(f"message {number}") for number in range(10)])],
        [f"message {number}" for number in range(10)],
        section="draft-75 5.3",
    ),
    echo_case(
        "75.discard.80",
        "a frame of type 80, then a text message",
        [encode_discarded(0x80, _INNER)],
        [],
        wants="the frame read and discarded; the connection goes on",
        section="draft-75 5.3",
        unwanted=[_INNER],
    ),
    echo_case(
        "75.discard.type-01",
        "a frame of type 01, then a text message",
        [encode_discarded(0x01, _INNER)],
        [],
        wants="the frame read and discarded; the connection goes on",
        section="draft-75 5.3",
        unwanted=[_INNER],
    ),
    talk_case(
        _CLOSING_NAME,
        "FF 00, then a text message",
        "FF 00 discarded like any frame with a length: draft-75 has no closing handshake",
        "draft-75 5.3",
        talk_of(_CLOSING_NAME, CLOSING_HANDSHAKE),
        texts([], last=last_message(_CLOSING_NAME), requirement=SHOULD),
        requirement=SHOULD,
    ),
    talk_case(
        "75.end.tcp",
        "the end of its direction of TCP, which is how draft-75 closes",
        "the connection closed",
        "draft-75 6",
        (Finish(), Wait(Until.ENDED)),
        ends(),
        needs=_HALF,
        requirement=SHOULD,
    ),
)
