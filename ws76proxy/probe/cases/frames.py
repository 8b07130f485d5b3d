"""Frames: text of every kind and size, cut everywhere, and what is to be discarded (5.3, 5.4)."""

from __future__ import annotations

from collections.abc import Sequence

from ws76proxy.probe.cases.making import Cut, framed, last_message, talk_case
from ws76proxy.probe.judges import replaces, texts
from ws76proxy.probe.model import Case, Requirement
from ws76proxy.probe.opening import Opening
from ws76proxy.probe.script import Send, Step, Until, Wait
from ws76proxy.wire.frames import encode_discarded, encode_length, encode_text

__all__ = ["CASES", "echo_case", "talk_of"]

_KIB = 1024
_MIB = _KIB * _KIB


def talk_of(name: str, *segments: bytes, pause: float = 0.02) -> tuple[Step, ...]:
    """These segments, then the last message in one of its own, then the wait for its echo."""
    wait = Wait(Until.ECHOED, last_message(name))
    return Send(segments, pause), Send((framed(name),)), wait


def echo_case(
    name: str,
    sends: str,
    segments: Sequence[bytes],
    wanted: Sequence[str | bytes],
    *,
    wants: str = "each message interpreted as a UTF-8 string; an echo has the same characters",
    section: str = "5.3",
    unwanted: Sequence[bytes] = (),
    requirement: Requirement = Requirement.MUST,
    pause: float = 0.02,
) -> Case:
    """A case whose messages must come back; the last message is added here."""
    payloads = [one.encode() if isinstance(one, str) else one for one in wanted]
    judge = texts(payloads, last=last_message(name), unwanted=unwanted, requirement=requirement)
    talk = talk_of(name, *segments, pause=pause)
    return talk_case(name, sends, wants, section, talk, judge, requirement=requirement)


def _bytes(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


# Text

# One character of each plane that has any, and the last that UTF-8 can encode.
_PLANES = "".join(
    chr(code)
    for code in (0x41, 0xE9, 0x416, 0x4E16, 0xFFFD, 0x1F600, 0x20000, 0x30000, 0xE0100, 0xF0000)
)
_TEXTS = (
    ("empty", "an empty message, 00 FF", ""),
    ("ascii", "a message of printable ASCII", "".join(map(chr, range(0x20, 0x7F)))),
    ("two-bytes", "characters of two bytes in UTF-8", "Grüße, мир, \x80\u07ff"),
    ("three-bytes", "characters of three bytes in UTF-8", "世界, ☃, \u0800\ud7ff\ue000\uffef"),
    ("four-bytes", "characters of four bytes in UTF-8", "😀, 𐍈, \U0010fffd"),
    ("planes", "a character of each plane of Unicode", _PLANES + "\U00100000"),
    ("nul", "a message with U+0000 in it", "before\0after"),
    ("controls", "a message of control characters", "".join(map(chr, range(1, 0x20))) + "\x7f"),
    ("byte-order-mark", "a message that begins with U+FEFF", "\ufeffmarked"),
    ("noncharacters", "a message of noncharacters", "\ufdd0\ufffe\uffff\U0001fffe\U0010ffff"),
    ("spaces", "a message with white space at its edges", "  \t edges \t "),
    ("http", "a message that looks like an HTTP request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
)
_SIZES = (125, 126, 127, 65_535, 65_536, _MIB)
_SPLIT = "Grüße, 世界, 😀"

_TEXT_CASES = (
    *(
        echo_case(f"76.frames.{name}", sends, [encode_text(text)], [text])
        for name, sends, text in _TEXTS
    ),
    *(
        echo_case(
            f"76.frames.size-{size}",
            f"a message of {size:,} bytes",
            [encode_text(b"a" * size)],
            [b"a" * size],
        )
        for size in _SIZES
    ),
    echo_case(
        "76.frames.size-non-ascii",
        "a message of 100,002 bytes that are not ASCII",
        [encode_text("界" * 33_334)],
        ["界" * 33_334],
    ),
    echo_case(
        "76.frames.byte-by-byte",
        "a message whose every byte is a segment of its own",
        _bytes(encode_text(_SPLIT)),
        [_SPLIT],
        pause=0.005,
    ),
    echo_case(
        "76.frames.type-apart",
        "the byte 00 in a segment of its own",
        [b"\0", encode_text("apart")[1:]],
        ["apart"],
    ),
    echo_case(
        "76.frames.end-apart",
        "the byte FF in a segment of its own",
        [encode_text("apart")[:-1], b"\xff"],
        ["apart"],
    ),
    echo_case(
        "76.frames.inside-character",
        "a cut inside a character of four bytes",
        [encode_text("😀")[:3], encode_text("😀")[3:]],
        ["😀"],
    ),
    echo_case(
        "76.frames.empty-in-two",
        "an empty message in two segments",
        [b"\0", b"\xff"],
        [""],
    ),
    echo_case(
        "76.frames.many",
        "a hundred messages in one segment",
        [b"".join([encode_text(f"message {number}") for number in range(100)])],
        [f"message {number}" for number in range(100)],
    ),
    echo_case(
        "76.frames.many-empty",
        "ten empty messages in one segment",
        [encode_text("") * 10],
        [""] * 10,
    ),
    echo_case(
        "76.frames.cut-between",
        "two messages and a half in one segment, the rest in the next",
        [encode_text("one") + encode_text("two") + b"\0thr", b"ee\xff"],
        ["one", "two", "three"],
    ),
)


# What is to be discarded

_DISCARD = "the frame read and discarded; the connection goes on"
_INNER = b"not a message"


def _length_frame(frame_type: int, payload: bytes, leading: int = 0) -> bytes:
    return bytes([frame_type]) + encode_length(len(payload), leading) + payload


_DISCARDED: tuple[tuple[str, str, bytes], ...] = (
    ("80-empty", "a frame of type 80 with length 0", b"\x80\x00"),
    ("80-127", "a frame of type 80 with length 127", encode_discarded(0x80, b"a" * 127)),
    ("80-128", "a frame of type 80 with length 128", encode_discarded(0x80, b"a" * 128)),
    ("80-64k", "a frame of type 80 with length 65536", encode_discarded(0x80, b"a" * 65_536)),
    (
        "80-leading-zeros",
        "a frame of type 80 whose length has leading bytes 80",
        _length_frame(0x80, b"padded", 4),
    ),
    (
        "80-text-inside",
        "a frame of type 80 with two whole text frames as its payload",
        encode_discarded(0x80, encode_text(_INNER) * 2),
    ),
    (
        "80-ff-inside",
        "a frame of type 80 with bytes FF and FF 00 as its payload",
        encode_discarded(0x80, b"\xff\xff\x00\xff"),
    ),
    ("81", "a frame of type 81, RFC 6455's text", encode_discarded(0x81, _INNER)),
    ("ff-length", "a frame of type FF with length 13", encode_discarded(0xFF, _INNER)),
    ("type-01", "a frame of type 01", encode_discarded(0x01, _INNER)),
    ("type-7f", "a frame of type 7F", encode_discarded(0x7F, _INNER)),
)

_DISCARDED_CASES = (
    *(
        echo_case(
            f"76.discard.{name}",
            f"{sends}, then a text message",
            [frame],
            [],
            wants=_DISCARD,
            unwanted=[_INNER],
        )
        for name, sends, frame in _DISCARDED
    ),
    echo_case(
        "76.discard.byte-by-byte",
        "a frame of type 80 whose every byte is a segment of its own",
        _bytes(encode_discarded(0x80, b"a" * 130)),
        [],
        wants=_DISCARD,
        pause=0.001,
    ),
    echo_case(
        "76.discard.between",
        "a frame of type 80 between two text messages, in one segment",
        [encode_text("one") + encode_discarded(0x80, _INNER) + encode_text("two")],
        ["one", "two"],
        wants=_DISCARD,
        unwanted=[_INNER],
    ),
)


# Bad UTF-8

_BAD: tuple[tuple[str, str, bytes], ...] = (
    ("continuation", "a lone continuation byte", b"before\x80after"),
    ("truncated", "a sequence of three bytes that lacks its last", b"before\xe4\xb8after"),
    ("truncated-at-end", "a sequence that the end of the message cuts", b"before\xf0\x9f\x98"),
    ("overlong", "U+002F in two bytes, C0 AF", b"before\xc0\xafafter"),
    ("surrogate", "a surrogate, ED A0 80", b"before\xed\xa0\x80after"),
    ("latin-1", "a text in Latin-1", "Grüße".encode("latin-1")),
)

_BAD_CASES = tuple(
    talk_case(
        f"76.utf8.{name}",
        f"a message with {sends}",
        "no certain behaviour; U+FFFD for each bad sequence is what clients do",
        "5.4",
        talk_of(f"76.utf8.{name}", encode_text(bad)),
        replaces(bad, last=last_message(f"76.utf8.{name}")),
        requirement=Requirement.MAY,
    )
    for name, sends, bad in _BAD
)


# Too early


def _with(frame: bytes) -> Cut:
    def cut(opening: Opening) -> Sequence[Step]:
        return [Send((opening.raw + frame,))]

    return cut


_EARLY_NAME = "76.frames.early"

_EARLY = talk_case(
    _EARLY_NAME,
    "a text frame in the segment of the handshake, before the answer",
    "the bytes behind key3 read as frames; no client of the draft sends them so early",
    "5.1, 5.3",
    (Send((framed(_EARLY_NAME),)), Wait(Until.ECHOED, last_message(_EARLY_NAME))),
    texts([b"too early"], last=last_message(_EARLY_NAME), requirement=Requirement.SHOULD),
    requirement=Requirement.SHOULD,
    cut=_with(encode_text("too early")),
)

CASES: tuple[Case, ...] = (*_TEXT_CASES, _EARLY, *_DISCARDED_CASES, *_BAD_CASES)
