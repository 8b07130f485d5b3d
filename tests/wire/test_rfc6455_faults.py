"""What a peer can do wrong in RFC 6455: each with the close code that its specification wants."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import pytest

from ws76proxy.wire import MessageEvent, ProtocolFault, UnreadBytes, rfc6455

from .rfc6455_frames import MASK, REQUEST, client, masked, plain, server
from .test_rfc6455 import compressing
from .transcript import CUTS, Cut


class Case(NamedTuple):
    """Frames of a client, of which the last is at fault."""

    good: bytes
    bad: bytes
    code: int
    why: str


CASES = {
    "opcode 3": Case(b"", masked(0x83), 1002, "opcode 3 is not defined (5.2)"),
    "opcode 11": Case(b"", masked(0x8B), 1002, "opcode 11 is not defined (5.2)"),
    "RSV1": Case(b"", masked(0xC1, b"x"), 1002, "reserved bits must be 0"),
    "RSV2": Case(b"", masked(0xA1, b"x"), 1002, "reserved bits must be 0"),
    "RSV3": Case(b"", masked(0x99), 1002, "reserved bits must be 0"),
    "not masked": Case(b"", plain(0x81, b"x"), 1002, "a frame of a client is not masked (5.1)"),
    "long ping": Case(b"", masked(0x89, bytes(126)), 1002, "control frame too long"),
    "fragmented ping": Case(b"", masked(0x09), 1002, "fragmented control frame"),
    "nothing to continue": Case(
        masked(0x81, b"x"),
        masked(0x80, b"x"),
        1002,
        "a continuation frame, and nothing to continue (5.4)",
    ),
    "length in 2 bytes": Case(
        b"",
        b"\x81\xfe\x00\x7d" + MASK + bytes(125),
        1002,
        "a length of 125 in 2 bytes: fewer would do (5.2)",
    ),
    "length in 8 bytes": Case(
        b"",
        b"\x82\xff" + (65_535).to_bytes(8, "big") + MASK,
        1002,
        "a length of 65535 in 8 bytes: fewer would do (5.2)",
    ),
    "close with 1 byte": Case(b"", masked(0x88, b"\x03"), 1002, "close frame too short"),
    "close 999": Case(b"", masked(0x88, b"\x03\xe7"), 1002, "invalid status code"),
    "close 1005": Case(b"", masked(0x88, b"\x03\xed"), 1002, "invalid status code"),
    "close 1006": Case(b"", masked(0x88, b"\x03\xee"), 1002, "invalid status code"),
    "close 5000": Case(b"", masked(0x88, b"\x13\x88"), 1002, "invalid status code"),
    "close, no UTF-8": Case(
        b"",
        masked(0x88, b"\x03\xe8a\xff"),
        1007,
        "the reason for closing is not UTF-8 at its byte 1 (8.1)",
    ),
    "no UTF-8": Case(
        masked(0x81, b"fine"),
        masked(0x81, b"ab\xff"),
        1007,
        "a text message is not UTF-8 at its byte 2 (8.1)",
    ),
    "half a character": Case(
        b"", masked(0x81, b"ab\xc3"), 1007, "a text message is not UTF-8 at its byte 2 (8.1)"
    ),
    "a surrogate": Case(
        b"",
        masked(0x81, b"\xed\xa0\x80"),
        1007,
        "a text message is not UTF-8 at its byte 0 (8.1)",
    ),
    "too large": Case(
        masked(0x81, bytes(100)),
        masked(0x82, bytes(101)),
        1009,
        "a message may have 100 bytes; this one has 101",
    ),
    "a length with the highest bit": Case(
        b"",
        b"\x82\xff" + b"\xff" * 8 + MASK,
        1009,
        f"a message may have 100 bytes; this one has {2**64 - 1}",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_fault(cut: Cut, case: Case) -> None:
    leg = server(cut, max_message=100).leg
    leg.receive_data(case.good)
    assert len(leg.events()) == bool(case.good)
    behind = masked(0x81, b"behind it")
    for chunk in cut(case.bad + behind):
        leg.receive_data(chunk)
    check(leg, case, b"", case.bad + behind)
    leg.send_close(case.code, case.why)
    assert leg.data_to_send()[:1] == b"\x88"


def check(leg: rfc6455.ServerConnection, case: Case, begun: bytes, behind: bytes) -> None:
    """One fault, and every byte from it on is told as unread, with what had begun before it."""
    fault, *unread = leg.events()
    assert isinstance(fault, ProtocolFault)
    assert (fault.code, fault.why) == (case.code, case.why)
    assert fault.offset == len(REQUEST) + len(case.good)
    assert case.bad.startswith(fault.raw)
    assert len(fault.raw) >= 2
    data = begun + behind
    assert [type(event) for event in unread] == [UnreadBytes] * len(unread)
    assert b"".join(event.raw for event in unread if isinstance(event, UnreadBytes)) == data
    leg.receive_eof()
    assert [(event.raw, event.missing) for event in leg.events()] == [(b"", 0)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("bad", "code", "why"),
    [
        (masked(0x81), 1002, "a new message before the last fragment of another (5.4)"),
        (masked(0x02), 1002, "a new message before the last fragment of another (5.4)"),
        (masked(0xC0), 1002, "reserved bits must be 0"),
        (masked(0x00, b"\xff"), 1007, "a text message is not UTF-8 at its byte 3 (8.1)"),
        (masked(0x80, b"\xc3"), 1007, "a text message is not UTF-8 at its byte 3 (8.1)"),
        (masked(0x80, bytes(98)), 1009, "a message may have 100 bytes; this one has 101"),
    ],
)
def test_faults_within_a_message(cut: Cut, bad: bytes, code: int, why: str) -> None:
    leg = server(cut, max_message=100).leg
    begun = masked(0x01, b"abc")
    for chunk in cut(begun + bad):
        leg.receive_data(chunk)
    check(leg, Case(begun, bad, code, why), begun, bad)


def test_bad_text_at_a_seam_of_fragments(cut: Cut) -> None:
    """The bytes of a character stand in two frames; what is wrong is where it begins."""
    leg = server(cut).leg
    leg.receive_data(masked(0x01, b"ab\xe2\x82") + masked(0x80, b"x"))
    fault = leg.events()[0]
    assert isinstance(fault, ProtocolFault)
    assert fault.why == "a text message is not UTF-8 at its byte 2 (8.1)"


def test_one_bad_text_in_a_burst(cut: Cut) -> None:
    """Those before it are told, byte-exact; a character cut by a frame's end is no character."""
    talk = server(cut)
    good, bad = masked(0x81, b"good") * 3, masked(0x81, b"\xc3") + masked(0x81, b"\xb6")
    talk.peer(
        good + bad,
        *["text 'good'"] * 3,
        "fault 1007: a text message is not UTF-8 at its byte 0 (8.1)",
        f"unread {bad!r}",
    )


def test_a_server_must_not_mask(cut: Cut) -> None:
    talk = client(cut)
    talk.peer(
        plain(0x81, b"x") + masked(0x81, b"x"),
        "text 'x'",
        "fault 1002: a frame of a server is masked (5.1)",
        f"unread {masked(0x81, b'x')!r}",
    )


def test_a_bad_frame_is_not_waited_for() -> None:
    """Two bytes say enough; and so does a length above the limit."""
    for begun, code in ((b"\x83\xff", 1002), (b"\x89\xfe", 1002), (b"\x81\xff" + bytes(3), 0)):
        leg = server(CUTS["byte by byte"]).leg
        leg.receive_data(begun)
        codes = [event.code for event in leg.events() if isinstance(event, ProtocolFault)]
        assert codes == ([code] if code else [])
    leg = server(CUTS["whole"], max_message=65_536).leg
    leg.receive_data(b"\x82\xff" + (65_537).to_bytes(8, "big") + MASK)
    assert [event.code for event in leg.events() if isinstance(event, ProtocolFault)] == [1009]


def test_control_frames_do_not_count_as_messages(cut: Cut) -> None:
    talk = server(cut, max_message=4)
    talk.peer(masked(0x89, b"longer"), "ping b'longer'")
    talk.peer(masked(0x88, b"\x03\xe8longer"), "close 1000 longer")


def test_endless_empty_fragments_have_an_end() -> None:
    decoder = rfc6455.MessageDecoder(masked=False, max_message=1000)
    decoder.feed(plain(0x01))
    kept: list[MessageEvent] = []
    fed = 0
    while not kept:
        kept = decoder.feed(plain(0x00) * 1000)
        fed += 2000
        assert fed < 200_000
    assert isinstance(kept[0], ProtocolFault)
    assert (kept[0].code, kept[0].why) == (1009, "a message in too many fragments")


# Compression


def squeezed(text: bytes) -> bytes:
    """What a small payload can become."""
    deflate = zlib.compressobj(level=9, wbits=-12)
    return deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("size", [100_000, 10_000_000])
@pytest.mark.parametrize("begun", [b"", masked(0x41, squeezed(bytes(99_999)))])
def test_what_is_decompressed_has_a_limit(begun: bytes, size: int) -> None:
    leg = compressing(CUTS["whole"], max_message=99_999).leg
    leg.receive_data(begun + masked(0x80 if begun else 0xC1, squeezed(bytes(size))[:-4]))
    fault = leg.events()[0]
    assert isinstance(fault, ProtocolFault)
    assert fault.code == 1009
    assert fault.why.startswith("a message may have 99999 bytes; this one has ")


@pytest.mark.parametrize("first", [0xC0, 0xE1, 0xC9])
def test_rsv1_is_for_the_first_frame_of_a_message_only(cut: Cut, first: int) -> None:
    leg = compressing(cut).leg
    begun = masked(0x41, b"\xf2\x48") if first == 0xC0 else b""
    leg.receive_data(begun + masked(first, b"x"))
    fault = leg.events()[0]
    assert isinstance(fault, ProtocolFault)
    assert (fault.code, fault.why) == (1002, "reserved bits must be 0")


def test_what_is_no_deflate(cut: Cut) -> None:
    leg = compressing(cut).leg
    leg.receive_data(masked(0xC1, b"\xff\xff\xff"))
    fault = leg.events()[0]
    assert isinstance(fault, ProtocolFault)
    assert (fault.code, fault.why) == (1002, "decompression failed")


def test_compressed_text_is_text_too(cut: Cut) -> None:
    leg = compressing(cut).leg
    leg.receive_data(masked(0xC1, squeezed(b"ab\xff")[:-4]))
    fault = leg.events()[0]
    assert isinstance(fault, ProtocolFault)
    assert (fault.code, fault.why) == (1007, "a text message is not UTF-8 at its byte 2 (8.1)")
