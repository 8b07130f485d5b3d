"""Bytes cut anywhere, and events in a form that does not depend on where the cuts were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from hypothesis import strategies as st

from ws76proxy.wire import (
    DigestBytes,
    EndOfStream,
    Event,
    FrameDecoder,
    HeadRefused,
    Key3Bytes,
    ProtocolFault,
    TextFrames,
    TextMessages,
    UnreadBytes,
    rfc6455,
)

Feed = Callable[[bytes], object]
Decoder = FrameDecoder | rfc6455.MessageDecoder

cuts = st.lists(st.integers(0, 10_000), max_size=12)
"""Where to cut, in ten-thousandths of the data; cuts may coincide, which makes empty chunks."""


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in chunks, cut at these ten-thousandths of its length."""
    edges = [0, *sorted(place * len(data) // 10_000 for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def one_by_one(data: bytes) -> list[bytes]:
    """`data` in chunks of one byte."""
    return [data[i : i + 1] for i in range(len(data))]


def every_way(data: bytes, places: Iterable[int]) -> list[list[bytes]]:
    """`data` whole, byte by byte, and cut."""
    return [[data], one_by_one(data), cut_at(data, places)]


def one_message_each(frames: TextFrames) -> Iterator[TextFrames]:
    """A burst as single messages, each with its own bytes and offset."""
    offset = frames.offset
    # Nothing but the end of a frame can be 0xFF: the text in between is valid UTF-8.
    payloads = frames.raw[:-1].split(b"\xff")
    assert len(payloads) == len(frames.texts) == frames.count
    for payload, text in zip(payloads, frames.texts, strict=True):
        yield TextFrames(offset, payload + b"\xff", 1, text)
        offset += len(payload) + 1


def one_text_each(burst: TextMessages) -> Iterator[TextMessages]:
    """The same of RFC 6455: what stands before each payload is its header and mask."""
    offset, position = burst.offset, 0
    mask = 4 if burst.raw[1] & 0x80 else 0
    for payload in burst.payloads:
        extended = {126: 2, 127: 8}.get(burst.raw[position + 1] & 0x7F, 0)
        end = position + 2 + extended + mask + len(payload)
        yield TextMessages(offset + position, burst.raw[position:end], [payload])
        position = end
    assert position == len(burst.raw)


def normalised(events: Sequence[Event]) -> list[Event]:
    """The same events with bursts taken apart, and the pieces of key3 and digest put together.

    What a refused head's bytes are depends on the chunk that passed the limit: only `why` stays.
    """
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, TextFrames):
            result += one_message_each(event)
        elif isinstance(event, TextMessages):
            result += one_text_each(event)
        elif isinstance(event, ProtocolFault):
            # How much had come of the frame at fault depends on the cuts.
            result.append(ProtocolFault(event.offset, b"", event.code, event.why))
        elif (
            isinstance(event, UnreadBytes)
            and isinstance(last, UnreadBytes)
            and event.offset == last.offset + len(last.raw)
        ):
            result[-1] = UnreadBytes(last.offset, last.raw + event.raw)
        elif isinstance(event, Key3Bytes) and isinstance(last, Key3Bytes):
            result[-1] = Key3Bytes(last.raw + event.raw, event.key3)
        elif isinstance(event, DigestBytes) and isinstance(last, DigestBytes):
            result[-1] = DigestBytes(last.raw + event.raw, event.digest)
        elif isinstance(event, HeadRefused):
            result.append(HeadRefused(b"", event.why))
        else:
            result.append(event)
    return result


def assert_offsets_are_exact(events: Iterable[Event], stream: bytes, offset: int = 0) -> None:
    """Every event that says where it begins has exactly the stream's bytes from there on."""
    for event in events:
        if isinstance(event, Key3Bytes | DigestBytes | HeadRefused):
            continue
        begin = getattr(event, "offset", offset) - offset
        assert stream[begin : begin + len(event.raw)] == event.raw


def raw_of(events: Iterable[Event]) -> bytes:
    """All bytes that these events were read from; those of an unfinished tail count once."""
    pieces = []
    told_already = b""
    for event in events:
        if isinstance(event, Key3Bytes | DigestBytes):
            told_already += event.raw
        tail_again = isinstance(event, EndOfStream) and told_already and event.raw == told_already
        pieces.append(b"" if tail_again else event.raw)
    return b"".join(pieces)


def assert_short_tells_the_same(short: Decoder, fed: Decoder, chunk: bytes) -> None:
    """Two decoders in the same state: one is asked for a short message first, the other is fed."""
    text = short.short(chunk)
    events = normalised(fed.feed(chunk))
    if text is None:
        assert normalised(short.feed(chunk)) == events
    else:
        (event,) = events
        assert isinstance(event, TextFrames | TextMessages)
        assert event.payloads == [text]
    assert short.offset == fed.offset
