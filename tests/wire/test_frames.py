"""Frames: the decoder against a slow reference, encoders against the decoder, work and memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import (
    CLOSING_HANDSHAKE,
    AbsurdLength,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    Event,
    FrameDecoder,
    InvalidText,
    OversizedFrame,
    TextFrames,
    encode_discarded,
    encode_length,
    encode_text,
    frames,
)

from .chunks import (
    assert_offsets_are_exact,
    assert_short_tells_the_same,
    cut_at,
    cuts,
    every_way,
    normalised,
    one_by_one,
    raw_of,
)
from .counting import Work, count_buffers, counted
from .reference import MAX_LENGTH, decode

# Payloads of a frame that ends at 0xFF.
texts = st.text(max_size=12).map(str.encode)
not_ff = st.lists(st.integers(0, 0xFE), max_size=12).map(bytes)
with_length = st.tuples(st.integers(0x80, 0xFF), st.integers(0, 3), st.binary(max_size=200)).map(
    lambda f: bytes([f[0]]) + encode_length(len(f[2]), f[1]) + f[2]
)
frame = st.one_of(
    texts.map(encode_text),
    not_ff.map(encode_text),
    st.tuples(st.integers(0x01, 0x7F), not_ff).map(lambda f: bytes([f[0]]) + f[1] + b"\xff"),
    with_length,
    st.just(CLOSING_HANDSHAKE),
)
bursts = st.lists(texts.map(encode_text), min_size=2, max_size=6).map(b"".join)
telling_bytes = st.lists(st.sampled_from(b"\x00\xff\x80\x81\x01\x05a\xc3\xa9\xed\xa0"), max_size=40)
streams = st.one_of(
    st.binary(max_size=80),
    telling_bytes.map(bytes),
    st.lists(st.one_of(frame, bursts, st.binary(max_size=6)), max_size=8).map(b"".join),
)


def run(decoder: FrameDecoder, chunks: Iterable[bytes]) -> list[Event]:
    """Everything that the decoder says, one event a frame, the end included."""
    events: list[Event] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    events.append(decoder.end())
    return normalised(events)


@settings(max_examples=500)
@given(streams, cuts, st.sampled_from([3, 10, 70, 1000]), st.booleans(), st.integers(0, 500))
@example(b"\x00\xc3\xff\x00\xa9\xff", [5000], 1000, True, 0)
@example(b"\x00a\x00b\xff\x00c\xff", [], 1000, True, 0)
@example(b"\x00a\xffb\x00\xff", [], 1000, True, 0)
@example(b"\xff\x80\x80\x00\xff\x00", [], 1000, True, 0)
@example(b"\x80" + b"\xff" * 12, [3000], 3, True, 7)
def test_the_reference_says_the_same(
    data: bytes, places: list[int], max_message: int, closing_handshake: bool, offset: int
) -> None:
    expected = decode(data, max_message, closing_handshake, offset)
    assert_offsets_are_exact(expected, data, offset)
    for chunks in every_way(data, places):
        decoder = FrameDecoder(
            max_message=max_message, offset=offset, closing_handshake=closing_handshake
        )
        assert run(decoder, chunks) == expected
        assert decoder.offset == offset + len(data)


@given(streams, cuts)
def test_no_byte_is_lost(data: bytes, places: list[int]) -> None:
    for chunks in every_way(data, places):
        decoder = FrameDecoder()
        events = run(decoder, chunks)
        raw = raw_of(events)
        assert raw == (data[: len(raw)] if decoder.lost else data)


@given(st.lists(st.one_of(frame, bursts), max_size=6), cuts)
def test_frame_boundaries(whole: list[bytes], places: list[int]) -> None:
    """A frame of our own fits exactly where the encoders say that one ends."""
    data = b"".join(whole)
    decoder, position = FrameDecoder(), 0
    for chunk in cut_at(data, places):
        decoder.feed(chunk)
        position += len(chunk)
        unfinished = decode(data[:position], 2**30, True)[-1]
        assert decoder.at_frame_boundary is (unfinished == EndOfStream(position))


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_texts_come_back(messages: list[str]) -> None:
    """Also those that contain U+0000, in one burst or not."""
    data = b"".join(encode_text(message) for message in messages)
    events = FrameDecoder().feed(data)
    found = [text for event in events if isinstance(event, TextFrames) for text in event.texts]
    assert found == messages


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1
    )
)
def test_a_burst_is_one_event(messages: list[str]) -> None:
    data = b"".join(encode_text(message) for message in messages)
    (burst,) = FrameDecoder().feed(data)
    assert isinstance(burst, TextFrames)
    assert (burst.count, burst.raw, burst.texts) == (len(messages), data, messages)


def test_a_burst_between_two_halves_is_one_event() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"\x00on") == []
    events = decoder.feed(b"e\xff\x00two\xff\x00three\xff\x00fo")
    assert [event.raw for event in events] == [b"\x00one\xff", b"\x00two\xff\x00three\xff"]
    assert [event.raw for event in decoder.feed(b"ur\xff")] == [b"\x00four\xff"]


@given(st.integers(0, MAX_LENGTH), st.integers(0, 5))
def test_lengths_come_back(length: int, leading: int) -> None:
    encoded = encode_length(length, leading)
    assert encoded[:leading] == b"\x80" * leading
    assert all(byte & 0x80 for byte in encoded[:-1])
    assert not encoded[-1] & 0x80
    minimal = encoded[leading:]
    assert length == 0 or minimal[0] != 0x80
    decoder = FrameDecoder(max_message=100)
    # One payload byte short of the whole frame, or the frame.
    events = decoder.feed(b"\x81" + encoded + b"p" * min(length, 200))
    if length > 200:
        assert decoder.end().missing == length - 200
    else:
        assert len(events) == 1
        assert decoder.at_frame_boundary


@given(st.integers(0x01, 0xFF), not_ff, st.integers(0, 3))
def test_discarded_frames_come_back(frame_type: int, payload: bytes, leading: int) -> None:
    if frame_type == 0xFF and not payload:
        payload = b"not the closing handshake"
    encoded = encode_discarded(frame_type, payload)
    assert FrameDecoder().feed(encoded) == [DiscardedFrame(0, encoded, frame_type, payload)]
    if frame_type & 0x80:
        longer = bytes([frame_type]) + encode_length(len(payload), leading) + payload
        expected = DiscardedFrame(0, longer, frame_type, payload, minimal_length=not leading)
        assert FrameDecoder().feed(longer) == [expected]


@pytest.mark.parametrize(
    ("payload", "text", "start", "end"),
    [
        (b"\xc3", "�", 0, 1),
        (b"a\x80b", "a�b", 1, 2),
        (b"\xe2\x82", "�", 0, 2),
        (b"\xe2\x82\xe2\x82\xac", "�€", 0, 2),
        (b"\xc0\xaf", "��", 0, 1),
        (b"ok\xed\xa0\x80", "ok���", 2, 3),
        (b"\xf4\x90\x80\x80", "����", 0, 1),
        (b"\xfe\x00", "�\0", 0, 1),
    ],
)
def test_invalid_text(payload: bytes, text: str, start: int, end: int) -> None:
    (event,) = FrameDecoder(offset=10).feed(b"\x00" + payload + b"\xff")
    assert isinstance(event, InvalidText)
    assert event == InvalidText(10, b"\x00" + payload + b"\xff", text, start, end)
    assert event.payload == payload


def test_a_bad_sequence_is_not_completed_by_the_next_message() -> None:
    events = FrameDecoder().feed(b"\x00\xc3\xff\x00\xa9\xff\x00ok\xff")
    assert [type(event) for event in events] == [InvalidText, InvalidText, TextFrames]


def test_reversed_close_is_an_empty_message() -> None:
    assert FrameDecoder().feed(b"\x00\xff") == [TextFrames(0, b"\x00\xff", 1, "")]


@pytest.mark.parametrize("close", [b"\xff\x00", b"\xff\x80\x00"])
def test_closing_handshake_of_each_dialect(close: bytes) -> None:
    text = b"\x00hi\xff"
    assert FrameDecoder().feed(text + close)[1] == ClosingHandshake(4, close)
    event = FrameDecoder(closing_handshake=False).feed(text + close)[1]
    assert event == DiscardedFrame(4, close, 0xFF, b"", minimal_length=close == b"\xff\x00")


def test_what_the_end_leaves_behind() -> None:
    for data, expected in [
        (b"", EndOfStream(0)),
        (b"\x00a\xff", EndOfStream(3)),
        (b"\x00a\xff\x00b", EndOfStream(3, b"\x00b")),
        (b"\x80", EndOfStream(0, b"\x80")),
        (b"\x80\x81", EndOfStream(0, b"\x80\x81")),
        (b"\x80\x03ab", EndOfStream(0, b"\x80\x03ab", 1)),
    ]:
        decoder = FrameDecoder()
        decoder.feed(data)
        assert decoder.end() == expected


@pytest.mark.parametrize("size", [9, 10, 11])
@pytest.mark.parametrize("kind", [0x00, 0x01, 0x80])
def test_the_limit_counts_the_framing(kind: int, size: int) -> None:
    if kind == 0x80:
        data = b"\x80" + bytes([size - 2]) + b"p" * (size - 2)
    else:
        data = bytes([kind]) + b"p" * (size - 2) + b"\xff"
    for chunks in ([data], [data + data], one_by_one(data)):
        event = run(FrameDecoder(max_message=10), chunks)[0]
        if size > 10:
            assert event == OversizedFrame(0, data[:10], kind, size)
        else:
            assert isinstance(event, TextFrames | DiscardedFrame)


def test_what_our_own_side_may_not_send() -> None:
    for text in (b"a\xffb", "\ud800"):
        with pytest.raises(LocalProtocolError):
            encode_text(text)
    for frame_type, payload in ((0x00, b""), (0xFF, b""), (0x01, b"\xff")):
        with pytest.raises(LocalProtocolError):
            encode_discarded(frame_type, payload)
    with pytest.raises(LocalProtocolError):
        encode_length(-1)
    with pytest.raises(LocalProtocolError):
        encode_length(0, leading=-1)
    assert encode_text("ÿ") == b"\x00\xc3\xbf\xff"
    assert encode_discarded(0xFF, b"x") == b"\xff\x01x"


# Work, counted in bytes that are searched or copied


def test_a_million_empty_frames_in_one_burst() -> None:
    work, data = Work(), b"\x00\xff" * 1_000_000
    (event,) = FrameDecoder().feed(counted(data, work))
    assert isinstance(event, TextFrames)
    assert event.count == 1_000_000
    assert work.bytes < 10 * len(data)


@pytest.mark.parametrize(
    "one",
    [b"\x01\xff", b"\x00\x80\xff", b"\x80\x00", b"\xff\x00", b"\x80\x80\x01a"],
)
def test_frames_taken_one_by_one_are_each_looked_at_once(one: bytes) -> None:
    work, count = Work(), 100_000
    data = one * count
    events = FrameDecoder().feed(counted(data, work))
    assert len(events) == count
    assert work.bytes < 10 * len(data)


def test_a_nul_in_a_message_is_no_mark_of_a_beginning() -> None:
    (event,) = FrameDecoder().feed(b"\x00a\x00b\xff\x00\xff\x00\x00\xff")
    assert isinstance(event, TextFrames)
    assert event.texts == ["a\0b", "", "\0"]


@given(st.lists(frame | bursts | st.binary(max_size=6), max_size=8), st.sampled_from([3, 1000]))
def test_the_short_way_gives_what_feeding_tells(chunks: list[bytes], most: int) -> None:
    short, fed = FrameDecoder(max_message=most), FrameDecoder(max_message=most)
    for chunk in chunks:
        assert_short_tells_the_same(short, fed, chunk)
        assert short.lost is fed.lost
    assert short.end() == fed.end()


@pytest.mark.parametrize("text", ["", "a", "Grüße, 🦄", "x" * 1000])
def test_one_short_message_goes_the_short_way(text: str) -> None:
    assert FrameDecoder().short(encode_text(text)) == text.encode()


@given(
    st.lists(
        st.sampled_from(
            [
                b"\x00a\xff",
                b"\x00\xff",
                b"\x00\xc3\xa4\xff",
                b"\x00\xc3\xff",
                b"\x01\xff",
                b"\xff\x00",
                b"\x00",
                b"\x80\x02ab",
                b"b",
            ]
        ),
        max_size=6,
    ),
    st.integers(1, 20),
)
def test_skimming_counts_what_feeding_tells(parts: list[bytes], step: int) -> None:
    data = b"".join(parts)
    skimming, feeding = FrameDecoder(), FrameDecoder()
    for position in range(0, len(data), step):
        chunk = data[position : position + step]
        told = feeding.feed(chunk)
        count = skimming.skim(chunk)
        if count:
            assert [type(event) for event in told] == [TextFrames]
            assert sum(event.count for event in told if isinstance(event, TextFrames)) == count
        else:
            assert skimming.feed(chunk) == told
        assert skimming.offset == feeding.offset


@pytest.mark.parametrize("start", [b"\x00", b"\x01", b"\x80\xff\xff\x7f", b"\x80" * 20])
def test_a_drip_is_looked_at_once(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    work, size = Work(), 50_000
    count_buffers(frames, monkeypatch, work)
    decoder = FrameDecoder()
    data = start + b"\x80" * size if start[-1:] == b"\x80" else start + b"a" * size
    for chunk in one_by_one(data):
        assert decoder.feed(counted(chunk, work)) == []
    assert len(decoder.end().raw) == len(data)
    assert work.bytes < 10 * len(data)


# Memory


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """What is done here allocates no more than `limit` bytes at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


@pytest.mark.parametrize("begin", [b"\x00", b"\x01", b"\x80" + encode_length(64 * 1024 * 1000)])
def test_an_oversized_frame_is_not_kept(begin: bytes) -> None:
    decoder, chunk = FrameDecoder(max_message=10_000), b"a" * 64 * 1024
    with at_most(100_000):
        decoder.feed(begin)
        for _ in range(999):
            assert decoder.feed(chunk) == []
    assert len(decoder.end().raw) == 10_000
    (event, after) = decoder.feed(chunk + (b"\xff" if begin[0] < 0x80 else b"") + b"\x00\xff")
    size = len(begin) + 1000 * len(chunk) + (begin[0] < 0x80)
    assert event == OversizedFrame(0, (begin + chunk)[:64], begin[0], size)
    assert after == TextFrames(size, b"\x00\xff", 1, "")


@pytest.mark.parametrize("by_bytes", [False, True])
def test_an_absurd_length_stops_everything(by_bytes: bool) -> None:
    """The integer stops growing with the byte that makes it absurd."""
    data = b"\x80" + b"\xff" * 100_000
    chunks = one_by_one(data) if by_bytes else [data]
    decoder = FrameDecoder(offset=5)
    with at_most(50_000):
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
    # 63 bits take nine bytes of seven; the tenth is too much.
    assert events == [AbsurdLength(5, b"\x80" + b"\xff" * 10)]
    assert decoder.lost
    assert not decoder.at_frame_boundary
    assert decoder.end() == EndOfStream(5 + len(data))


@pytest.mark.parametrize("by_bytes", [False, True])
def test_leading_zeros_of_a_length_are_kept_up_to_the_limit(by_bytes: bool) -> None:
    """0x80 adds nothing, however often: the frame is whole, and above the limit."""
    data = b"\x80" * 100_001 + b"\x02ab"
    chunks = one_by_one(data) if by_bytes else [data]
    decoder = FrameDecoder(max_message=1000)
    with at_most(50_000):
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert events == [OversizedFrame(0, b"\x80" * 64, 0x80, len(data))]
    (kept,) = FrameDecoder().feed(data)
    assert kept == DiscardedFrame(0, data, 0x80, b"ab", minimal_length=False)


def test_a_drip_keeps_no_more_than_it_must() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"\x00")
    with at_most(400_000):
        for _ in range(100_000):
            decoder.feed(b"a")
