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
        b"\x00\xff\x00a\x00b\xff",
        b"\x00caf\xc3\xa9\xff\xff\x00",
        b"\x00\xff\xff\x00",
    ],
)
def test_sound_frames_give_nothing(data: bytes) -> None:
    assert look(data) == []


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
