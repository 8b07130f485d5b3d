"""The two formats of capture files, pcap and pcapng, as the frames that stand in them.

Read here and not by a library, because none of those that were measured (CONTRIBUTING.md names
them) says at which byte a file is broken, or reads several interfaces and sections.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

__all__ = ["BrokenFileError", "Frame", "frames", "recognises"]

_SECOND = 10**9
# By the first four bytes: the byte order, and how many nanoseconds the fraction of a second counts.
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_PCAP_HEADER = 24
_PCAP_RECORD = 16
# The section header block reads the same in both byte orders.
_SECTION = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_RESOLUTION, _TIME_OFFSET = 9, 14
_MICROSECONDS = 10**6

_MAX_FRAME = 1 << 20
_MAX_BLOCK = 64 << 20
_MAX_INTERFACES = 4096
_PROGRESS_STEP = 1 << 20


class Frame(NamedTuple):
    """What one interface saw at one moment.

    `offset` is where it stands in the file, `time` in nanoseconds since 1970, `link_type` as
    registered at tcpdump.org. `data` may be less than what was sent: what the capture kept.
    """

    offset: int
    time: int
    link_type: int
    data: bytes


class BrokenFileError(Exception):
    """The file ends early or is damaged: from `offset` on nothing can be read."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        super().__init__(f"byte {offset}: expected {expected}, found {found}")
        self.offset = offset


def recognises(start: bytes) -> bool:
    """Whether a file that begins with these bytes is a pcap or a pcapng file."""
    return start[:4] in _PCAP or (start[:4] == _SECTION and start[8:12] in _BYTE_ORDERS)


def frames(file: BinaryIO, progress: Callable[[int], None]) -> Iterator[Frame]:
    """The frames of a file, in its order; `progress` is told how many bytes have been read.

    Raises BrokenFileError behind the last frame that can be read, and OSError.
    """
    start = file.read(4)
    source = _Source(file, progress)
    if start == _SECTION:
        yield from _pcapng(source)
    else:
        yield from _pcap(source, *_PCAP[start])
    progress(file.tell())


class _Source:
    """A file behind its first four bytes, that is read in whole pieces."""

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self.file = file
        self.offset = 0
        self._progress = progress
        self._told = 0

    def read(self, size: int, what: str) -> bytes:
        """So many bytes of what begins at `offset`."""
        data = self.file.read(size)
        if len(data) < size:
            raise BrokenFileError(self.offset, what, "the end of the file")
        return data

    def advance(self, size: int) -> None:
        """What began at `offset` was so large."""
        self.offset += size
        if self.offset - self._told >= _PROGRESS_STEP:
            self._told = self.offset
            self._progress(self.offset)


def _pcap(source: _Source, order: str, unit: int) -> Iterator[Frame]:
    rest = source.read(_PCAP_HEADER - 4, f"a file header of {_PCAP_HEADER} bytes")
    (link_type,) = struct.unpack_from(f"{order}I", rest, 16)
    # The upper half of the word has flags, and how long the frames' check sums are.
    link_type &= 0xFFFF
    source.advance(_PCAP_HEADER)
    unpack = struct.Struct(f"{order}4I").unpack
    read = source.file.read
    while header := read(_PCAP_RECORD):
        offset = source.offset
        if len(header) < _PCAP_RECORD:
            raise BrokenFileError(offset, "a whole frame", "the end of the file")
        seconds, fraction, captured, _size = unpack(header)
        if captured > _MAX_FRAME:
            what = f"a frame of at most {_MAX_FRAME:,} bytes"
            raise BrokenFileError(offset, what, f"a length of {captured:,}")
        data = read(captured)
        if len(data) < captured:
            raise BrokenFileError(offset, "a whole frame", "the end of the file")
        yield Frame(offset, seconds * _SECOND + fraction * unit, link_type, data)
        source.advance(_PCAP_RECORD + captured)


@dataclass(slots=True)
class _Interface:
    """What an interface description says; times count `ticks` a second from `begin` seconds."""

    link_type: int
    snap_length: int
    ticks: int = _MICROSECONDS
    begin: int = 0

    def time(self, high: int, low: int) -> int:
        return max(0, (high << 32 | low) * _SECOND // self.ticks + self.begin * _SECOND)


class _Section:
    """A part of a pcapng file: its byte order, and its interfaces by number."""

    def __init__(self, order: str) -> None:
        self.head = struct.Struct(f"{order}2I").unpack
        self.size = struct.Struct(f"{order}I").unpack_from
        self._packet = struct.Struct(f"{order}4I").unpack_from
        self._old_packet = struct.Struct(f"{order}2H3I").unpack_from
        self._order = order
        self._interfaces: list[_Interface] = []
        self._time = 0

    def frame(self, offset: int, kind: int, body: bytes) -> Frame | None:
        """The frame in a block, if it has one; raises BrokenFileError.

        `body` is followed by the length once more, which is not taken off: that would be a copy.
        """
        try:
            if kind == _PACKET:
                which, high, low, captured = self._packet(body)
            elif kind == _OLD_PACKET:
                which, _, high, low, captured = self._old_packet(body)
            elif kind == _SIMPLE_PACKET:
                (captured,) = self.size(body)
                return self._simple(offset, body, captured)
            else:
                if kind == _INTERFACE:
                    self._interfaces.append(_interface(body[:-4], self._order))
                return None
            interface = self._interfaces[which]
        except IndexError:
            what = f"a frame of one of {len(self._interfaces)} interfaces"
            raise BrokenFileError(offset, what, "another's") from None
        except struct.error:
            raise _too_short(offset, kind, body) from None
        if 20 + captured > len(body) - 4:
            raise _too_short(offset, kind, body)
        self._time = interface.time(high, low)
        return Frame(offset, self._time, interface.link_type, body[20 : 20 + captured])

    def _simple(self, offset: int, body: bytes, size: int) -> Frame:
        """It has no time of its own, and says how long the frame was, not what was kept of it."""
        interface = self._interfaces[0]
        kept = min(size, interface.snap_length or size, len(body) - 8)
        return Frame(offset, self._time, interface.link_type, body[4 : 4 + kept])

    @property
    def is_full(self) -> bool:
        return len(self._interfaces) > _MAX_INTERFACES


def _pcapng(source: _Source) -> Iterator[Frame]:
    head = _SECTION + source.read(4, "a section header")
    section = _Section("<")
    while head:
        offset = source.offset
        if len(head) < 8:
            raise BrokenFileError(offset, "a whole block", "the end of the file")
        magic = b""
        if head[:4] == _SECTION:
            magic = source.read(4, "a section header")
            if magic not in _BYTE_ORDERS:
                raise BrokenFileError(offset, "the byte order of a section", magic.hex(" "))
            section = _Section(_BYTE_ORDERS[magic])
        kind, size = section.head(head)
        if size % 4 or not 12 + len(magic) <= size <= _MAX_BLOCK:
            what = f"a block of 12 to {_MAX_BLOCK:,} bytes"
            raise BrokenFileError(offset, what, f"a length of {size:,}")
        body = source.read(size - 8 - len(magic), "a whole block")
        # The length stands at both ends of a block.
        (again,) = section.size(body, len(body) - 4)
        if again != size:
            what = f"the block's length, {size:,}, again at its end"
            raise BrokenFileError(offset, what, f"{again:,}")
        frame = section.frame(offset, kind, body)
        if frame is not None:
            yield frame
        elif section.is_full:
            raise BrokenFileError(offset, f"at most {_MAX_INTERFACES} interfaces", "another")
        source.advance(size)
        head = source.file.read(8)


def _too_short(offset: int, kind: int, body: bytes) -> BrokenFileError:
    return BrokenFileError(offset, f"a whole block of type {kind}", f"{len(body) - 4} bytes")


def _interface(body: bytes, order: str) -> _Interface:
    link_type, _, snap_length = struct.unpack_from(f"{order}2HI", body)
    interface = _Interface(link_type, snap_length)
    at = 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}2H", body, at)
        value = body[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
        if code == 0:
            break
        if code == _RESOLUTION and size == 1:
            exponent = value[0] & 0x7F
            interface.ticks = (2 if value[0] & 0x80 else 10) ** exponent
        elif code == _TIME_OFFSET and size == 8:
            (interface.begin,) = struct.unpack(f"{order}q", value)
    return interface
