"""The checks of frames: place, side, and bounds."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import REPORTED_PER_CODE, Diagnosis, FrameChecks, Side, Stream
from ws76proxy.wire import FrameDecoder, TextFrames
from ws76proxy.wire.dialect import Dialect


def look(
    data: bytes, *, dialect: Dialect = Dialect.HIXIE_76, max_message: int = 1000
) -> list[Diagnosis]:
    """All that is said of a client's frames, which begin at byte 100, and of their end."""
    is_76 = dialect is Dialect.HIXIE_76
    decoder = FrameDecoder(offset=100, max_message=max_message, closing_handshake=is_76)
    checks = FrameChecks(Stream.CLIENT, dialect)
    events = [*decoder.feed(data), decoder.end()]
    return [one for event in events for one in checks.look(event)]


@pytest.mark.parametrize(
    ("data", "code", "offset", "evidence"),
    [
        (b"\x00ok\xff\x00a\xe9b\xff", "text-not-utf8", 106, b"\xe9"),
        (b"\x00a\xc3\xff", "text-not-utf8", 102, b"\xc3"),
        (b"\x00\xff\x00a\x00b\xff", "text-with-nul", 104, b"\x00"),
        (b"\x00\x00\xff", "text-with-nul", 101, b"\x00"),
        (b"\x00ok\xff\x00abc\x00", "frame-unfinished", 104, b"\x00abc\x00"),
        (b"\x00a\xff\x00\xff", "close-reversed", 103, b"\x00\xff"),
        (
            b"\x00x\nGET / HTTP/1.0\n\n\xff",
            "http-in-text",
            103,
            b"GET / HTTP/1.0\n\n",
        ),
        (b"\x00ok\xff\x00abc", "frame-unfinished", 104, b"\x00abc"),
        (b"\x80\x05abc", "frame-unfinished", 100, b"\x80\x05abc"),
        (b"\x80\x03abc", "length-frame-discarded", 100, b"\x80\x03abc"),
        (b"\x80" + b"\xff" * 10, "length-absurd", 100, b"\x80" + b"\xff" * 10),
        (b"\x00\xff\x05abc\xff", "unknown-frame-type", 102, b"\x05abc\xff"),
        (b"\x81\x03abc", "rfc6455-frame", 100, b"\x81\x03abc"),
        (b"\x81\x85\1\2\3\4abcde", "rfc6455-frame", 100, b"\x81\x85\1\2\3\4abcde"),
        (b"\x81" + b"\xff" * 10, "rfc6455-frame", 100, b"\x81" + b"\xff" * 10),
        (b"\x8a\x00", "rfc6455-frame", 100, b"\x8a\x00"),
        (b"HTTP/1.1 400 Bad\r\n\r\n", "http-in-frames", 100, b"HTTP/1.1 400 Bad\r\n\r\n"),
        (b"\r\n\r\n\x00hi\xff", "line-end-in-frames", 100, b"\r\n\r\n"),
        (b"\r\n", "line-end-in-frames", 100, b"\r\n"),
        (b"\xff\x00\xff\x00", "closed-twice", 102, b"\xff\x00"),
        (b"\xff\x00\x00late\xff", "data-after-close", 102, b"\x00late\xff"),
        (b"\xff\x00\x00lat", "data-after-close", 102, b"\x00lat"),
        (b"\xff\x00\x80\x01a", "data-after-close", 102, b"\x80\x01a"),
    ],
)
def test_case_is_found_at_its_place(data: bytes, code: str, offset: int, evidence: bytes) -> None:
    (found,) = look(data)
    assert (found.finding.code, found.offset, found.evidence) == (code, offset, evidence)
    assert found.stream is Stream.CLIENT
    assert found.finding.side is Side.CLIENT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 100,
        b"\x00caf\xc3\xa9\xff\xff\x00",
        b"\x00\xff\xff\x00",
        # A heartbeat of empty messages, the last of them behind the last text.
        b"\x00\xff\x00a\xff\x00\xff",
        # About HTTP, and not HTTP.
        b"\x00GET / HTTP/1.1\xff\x00a GET / HTTP/1.1\r\nHost: x\xff",
        b"\x00HTTP/1.1 200 OK\r\nfine\xff",
    ],
)
def test_sound_frames_give_nothing(data: bytes) -> None:
    assert look(data) == []


@pytest.mark.parametrize("dialect", [Dialect.HIXIE_75, Dialect.HIXIE_76])
@pytest.mark.parametrize(("begin", "code"), [(100, "behind-handshake"), (99, "in-frames")])
def test_line_end_right_behind_the_handshake(dialect: Dialect, begin: int, code: str) -> None:
    checks = FrameChecks(Stream.SERVER, dialect, begin=begin)
    decoder = FrameDecoder(offset=100)
    events = decoder.feed(b"\r\n\x00lost\xff\x00found\xff\n\x00lost\xff")
    told = [(one.finding.code, one.offset) for event in events for one in checks.look(event)]
    assert told == [(f"line-end-{code}", 100), ("line-end-in-frames", 115)]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"a\xed\xa0\xbd\xed\xb8\x80", "surrogate"),
        (b"\xc0\x80", "as Java writes it"),
        (b"caf\xe9", "ends within a character"),
        (b"caf\xe9!", "in Latin-1 it is U+00E9"),
        (b"\xe2\x82", "ends within a character"),
        (b"\xf4\x90\x80\x80", "in Latin-1 it is U+00F4"),
        (b"\x80", "80 at byte 0 of the message is not UTF-8"),
    ],
)
def test_bad_text_is_said_to_be_what_it_looks_like(payload: bytes, words: str) -> None:
    (found,) = look(b"\x00" + payload + b"\xff")
    assert found.finding.code == "text-not-utf8"
    assert words in found.detail


def test_http_is_found_in_bad_text_and_in_a_message_of_many_pieces() -> None:
    http = b"\x00" + b"a" * 9000 + b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
    for end in (b"\xff", b"\xe9\xff"):
        decoder = FrameDecoder()
        checks = FrameChecks(Stream.CLIENT, Dialect.HIXIE_76)
        pieces = [http[place : place + 4500] for place in range(0, len(http), 4500)]
        events = [event for piece in [*pieces, end] for event in decoder.feed(piece)]
        found = {one.finding.code: one for event in events for one in checks.look(event)}
        assert found["http-in-text"].offset == 9002
        assert found["http-in-text"].evidence == b"GET / HTTP/1.1\r\nHost:"


def test_text_is_looked_into_at_the_beginning_of_the_stream_only() -> None:
    http = b"\x00GET / HTTP/1.1\r\nHost: x\r\n\xff"
    checks = FrameChecks(Stream.CLIENT, Dialect.HIXIE_76, begin=500)
    decoder = FrameDecoder(offset=500)
    codes = []
    while checks.is_attentive:
        assert decoder.offset < 500 + 2 * 64 * 1024
        for data in (b"\x00" + b"a" * 4000 + b"\xff", http):
            codes += [
                one.finding.code for event in decoder.feed(data) for one in checks.look(event)
            ]
    assert decoder.offset > 500 + 64 * 1024
    # Five are told, and that there are more.
    assert codes == ["http-in-text"] * REPORTED_PER_CODE + ["http-in-text", "repeated"][1:]
    counted = checks.counts["http-in-text"]
    (event,) = decoder.feed(http)
    assert not checks.look(event)
    assert checks.counts["http-in-text"] == counted


def both_close(server_says: bytes) -> list[Diagnosis]:
    """What is said of a server's frames up to its end, when the client has sent FF 00 before."""
    checks = FrameChecks(Stream.SERVER, Dialect.HIXIE_76)
    decoder = FrameDecoder()
    checks.other_closed()
    events = [*decoder.feed(server_says), decoder.end()]
    return [one for event in events for one in checks.look(event)]


def test_ff_00_answered_at_once_or_late_or_with_its_bytes_reversed() -> None:
    assert both_close(b"\xff\x00") == []
    assert both_close(b"\x00a\xff") == []
    (late,) = both_close(b"\x00a\xff\x00\xff\xff\x00")
    assert (late.finding.code, late.offset) == ("data-before-close-answer", 5)
    assert late.detail.endswith(": 2")
    (reversed_,) = both_close(b"\x00\xff\x00a\xff\x00\xff")
    assert (reversed_.finding.code, reversed_.offset) == ("close-reversed", 5)


def test_an_empty_message_at_the_end_of_a_hixie_75_session_is_no_close() -> None:
    assert look(b"\x00a\xff\x00\xff", dialect=Dialect.HIXIE_75) == []


def test_a_frame_of_rfc_6455_is_told_before_it_is_whole_and_once() -> None:
    checks = FrameChecks(Stream.CLIENT, Dialect.HIXIE_76)
    decoder = FrameDecoder()
    told = []
    for data in (b"\x00a\xff\x81", b"\x85\1\2", b"\3\4igoho", b"a" * 700):
        told += [one for event in decoder.feed(data) for one in checks.look(event)]
        told += checks.look_at_begun(decoder)
    told += checks.look(decoder.end())
    assert [(one.finding.code, one.offset) for one in told[:1]] == [("rfc6455-frame", 3)]
    assert not [one for one in told[1:] if one.offset == 3]


def test_a_long_frame_with_a_length_is_not_told_before_it_is_whole() -> None:
    checks = FrameChecks(Stream.CLIENT, Dialect.HIXIE_76)
    decoder = FrameDecoder()
    decoder.feed(b"\x80\x85\x01abc")
    assert not checks.look_at_begun(decoder)


def test_sound_text_gives_the_shared_empty_sequence() -> None:
    checks = FrameChecks(Stream.SERVER, Dialect.HIXIE_76)
    assert checks.look(TextFrames(0, b"\x00a\xff", 1, "a")) is checks.look(
        TextFrames(3, b"\x00b\xff", 1, "b")
    )


def test_length_that_is_not_minimal_is_shown_behind_the_type() -> None:
    lost, length = look(b"\x80\x80\x80\x02ab")
    assert lost.finding.code == "length-frame-discarded"
    assert (length.finding.code, length.offset, length.evidence) == (
        "length-not-minimal",
        101,
        b"\x80\x80\x02",
    )


def test_frame_above_the_limit_tells_its_size() -> None:
    (found,) = look(b"\x00" + b"a" * 200 + b"\xff", max_message=100)
    assert found.finding.code == "message-too-large"
    assert "202 bytes" in found.detail
    assert found.evidence == b"\x00" + b"a" * 63


def test_hixie_75_has_no_closing_handshake() -> None:
    codes = [one.finding.code for one in look(b"\xff\x00\x00a\xff", dialect=Dialect.HIXIE_75)]
    assert codes == ["closing-handshake-in-75"]


def test_side_is_the_sender() -> None:
    checks = FrameChecks(Stream.SERVER, Dialect.HIXIE_76)
    (event,) = FrameDecoder().feed(b"\x81\x00")
    (found,) = checks.look(event)
    assert found.finding.side is Side.SERVER


@pytest.mark.parametrize("cases", [REPORTED_PER_CODE, REPORTED_PER_CODE + 1, 1000])
def test_repetition_is_bounded_and_counted(cases: int) -> None:
    found = look(b"\x05\xff" * cases + b"\x80\x01a")
    codes = [one.finding.code for one in found]
    assert codes.count("unknown-frame-type") == REPORTED_PER_CODE
    assert codes.count("length-frame-discarded") == 1
    repeated = [one.detail for one in found if one.finding.code == "repeated"]
    if cases == REPORTED_PER_CODE:
        assert repeated == []
    else:
        assert len(repeated) == 2
        assert repeated[-1] == f"unknown-frame-type: {cases} cases in all"


def test_counts_can_be_asked_for_at_any_time() -> None:
    checks = FrameChecks(Stream.SERVER, Dialect.HIXIE_76)
    for event in FrameDecoder().feed(b"\x05\xff" * 9):
        checks.look(event)
    assert dict(checks.counts) == {"unknown-frame-type": 9}


def test_evidence_is_bounded() -> None:
    (found,) = look(b"\x01" + b"a" * 500 + b"\xff")
    assert len(found.evidence) == 64
