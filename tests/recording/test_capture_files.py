"""Capture files of each kind, whole, cut short and damaged."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.session import examples
from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, MessageRecord, SessionEndRecord, SessionStartRecord
from ws76proxy.recording import format_of, read_entries
from ws76proxy.recording.capture import CaptureLimits, recognises
from ws76proxy.recording.capture.connections import Connections
from ws76proxy.recording.capture.files import BrokenFileError, Frame, frames
from ws76proxy.recording.capture.packets import Segment, segment_in

from .tcp import (
    CLIENT,
    SERVER,
    START,
    Talk,
    block,
    enhanced,
    ethernet,
    interface,
    pcap,
    pcapng,
    read_all,
    section,
)

SECOND = 10**9


def conversation() -> Talk:
    talk = Talk().open()
    talk.say(CLIENT, examples.request() + examples.KEY3)
    talk.say(SERVER, examples.answer() + examples.DIGEST)
    talk.say(CLIENT, b"\0one\xff", b"\0two\xff").say(SERVER, b"\0three\xff")
    return talk.say(CLIENT, b"\xff\0").say(SERVER, b"\xff\0").end()


FRAMES = [(packet.time, ethernet(packet)) for packet in conversation().packets]


def texts(records: list[AnyRecord]) -> list[str]:
    return [record.text for record in records if isinstance(record, MessageRecord)]


def frames_of(content: bytes) -> list[Frame]:
    return list(frames(io.BytesIO(content), lambda _: None))


def read_until_broken(content: bytes) -> tuple[list[Frame], int | None]:
    """The frames, and where the file is broken, if it is."""
    read: list[Frame] = []
    try:
        for frame in frames(io.BytesIO(content), lambda _: None):
            read.append(frame)  # noqa: PERF402 - what comes before an error counts
    except BrokenFileError as error:
        return read, error.offset
    return read, None


FILES = {
    "pcap, little-endian": pcap(FRAMES),
    "pcap, big-endian": pcap(FRAMES, order=">"),
    "pcap, little-endian, nanoseconds": pcap(FRAMES, nanoseconds=True),
    "pcap, big-endian, nanoseconds": pcap(FRAMES, order=">", nanoseconds=True),
    "pcapng, little-endian": pcapng(FRAMES),
    "pcapng, big-endian": pcapng(FRAMES, order=">"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    header, records, complaints = read_all(path, FILES[name])
    _, expected, _ = read_all(tmp_path / "plain", FILES["pcap, little-endian"])
    assert complaints == []
    assert records == expected
    assert texts(records) == ["one", "two", "three"]
    assert (header.vantage, header.source) == ("capture", "capture")
    assert header.started == "2011-03-13T07:06:40.000000+00:00"
    assert isinstance(records[-1], SessionEndRecord)
    assert records[-1].outcome == "open"


def test_it_is_chosen_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "no.suffix"
    for content in FILES.values():
        path.write_bytes(content)
        assert recognises(content[:16])
        assert format_of(path).__name__ == "ws76proxy.recording.capture"  # type: ignore[attr-defined]
        assert len(list(read_entries(path, pytest.fail))) > 10
    assert not recognises(b"")
    assert not recognises(b"\x0a\x0d\x0d\x0a and then no byte order")
    assert not recognises(b'{"type":"recording"')


def test_written_by_another_program(tmp_path: Path) -> None:
    for writer in (dpkt.pcap.Writer, dpkt.pcapng.Writer):
        with (tmp_path / "file").open("wb") as file:
            made = writer(file)
            for time, frame in FRAMES:
                made.writepkt(frame, ts=time / SECOND)
        _, records, complaints = read_all(tmp_path / "file")
        assert complaints == []
        assert texts(records) == ["one", "two", "three"]


def test_the_run_depends_on_the_content_alone(tmp_path: Path) -> None:
    first, *_ = read_all(tmp_path / "one", FILES["pcapng, little-endian"])
    second, *_ = read_all(tmp_path / "two", FILES["pcapng, little-endian"])
    other, *_ = read_all(tmp_path / "two", FILES["pcapng, big-endian"])
    assert first.run == second.run != other.run


def test_times_are_kept_to_the_nanosecond() -> None:
    time = START + 123_456_789
    for order in "<>":
        (frame,) = frames_of(pcap([(time, b"x" * 14)], order=order, nanoseconds=True))
        assert frame.time == time
        (frame,) = frames_of(pcap([(time, b"x" * 14)], order=order))
        assert frame.time == time // 1000 * 1000


@pytest.mark.parametrize(
    ("options", "ticks", "seconds"),
    [
        (b"", 5_000_000, 5.0),
        (struct.pack("<HHB3x", 9, 1, 6), 5_000_000, 5.0),
        (struct.pack("<HHB3x", 9, 1, 9), 5_000_000_000, 5.0),
        (struct.pack("<HHB3x", 9, 1, 3), 5_500, 5.5),
        (struct.pack("<HHB3x", 9, 1, 0x80 | 10), 5 * 1024 + 512, 5.5),
        (struct.pack("<HHq", 14, 8, 100), 5_000_000, 105.0),
        (struct.pack("<HH8s", 2, 5, b"wlan0") + struct.pack("<HHB3x", 9, 1, 3), 5_500, 5.5),
        # Behind the end of the options nothing counts.
        (struct.pack("<HH", 0, 0) + struct.pack("<HHB3x", 9, 1, 3), 5_000_000, 5.0),
    ],
)
def test_how_an_interface_counts_time(options: bytes, ticks: int, seconds: float) -> None:
    content = section() + interface(options=options) + enhanced(ticks, b"frame")
    (frame,) = frames_of(content)
    assert frame.time == seconds * SECOND
    assert frame.data == b"frame"


def test_several_interfaces_and_sections() -> None:
    content = (
        section()
        + interface(1)
        + interface(113, options=struct.pack("<HHB3x", 9, 1, 9))
        + enhanced(7_000_000, b"first", which=0)
        + enhanced(8_000_000_000, b"second", which=1)
        + section(">")
        + interface(276, order=">")
        + enhanced(9_000_000, b"third", order=">")
    )
    assert [
        (frame.time // SECOND, frame.link_type, frame.data) for frame in frames_of(content)
    ] == [
        (7, 1, b"first"),
        (8, 113, b"second"),
        (9, 276, b"third"),
    ]


def test_other_kinds_of_blocks() -> None:
    old = block(2, struct.pack("<2H4I", 0, 0, 0, 3_000_000, 3, 3) + b"old")
    simple = block(3, struct.pack("<I", 9) + b"simple")
    content = section() + block(4, b"names") + interface(snap_length=6) + old
    content += block(0x0BAD, b"who knows") + simple + block(5, b"statistics")
    assert [(frame.time // SECOND, frame.data) for frame in frames_of(content)] == [
        (3, b"old"),
        # It has no time of its own, and its interface kept six bytes.
        (3, b"simple"),
    ]


@pytest.mark.parametrize("name", FILES)
def test_cut_short_at_any_byte(name: str) -> None:
    content = FILES[name]
    whole = frames_of(content)
    edges = [frame.offset for frame in whole] + [len(content)]
    for size in range(whole[0].offset, len(content)):
        read, broken = read_until_broken(content[:size])
        assert broken == (None if size in edges else max(edge for edge in edges if edge <= size))
        assert read == whole[: sum(edge <= size for edge in edges[1:])]


@pytest.mark.parametrize("name", FILES)
def test_one_complaint_names_the_byte_and_the_rest_is_kept(name: str, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    content = FILES[name]
    last = frames_of(content)[-6].offset
    _, records, (complaint,) = read_all(path, content[: last + 9])
    assert complaint.startswith(f"{path}, byte {last}: ")
    assert texts(records) == ["one", "two", "three"]


def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    content = bytearray(FILES["pcap, little-endian"])
    offset = frames_of(bytes(content))[11].offset
    content[offset + 8 : offset + 12] = b"\xff\xff\xff\x7f"
    _, records, (complaint,) = read_all(path, bytes(content))
    assert complaint.startswith(f"{path}, byte {offset}: ")
    assert "2,147,483,647" in complaint
    assert texts(records) == ["one", "two"]

    content = bytearray(FILES["pcapng, little-endian"])
    offset = frames_of(bytes(content))[11].offset
    content[offset + 4] ^= 4
    _, records, (complaint,) = read_all(path, bytes(content))
    assert complaint.startswith(f"{path}, byte {offset}: ")
    assert texts(records) == ["one", "two"]


@pytest.mark.parametrize(
    "content",
    [
        FILES["pcap, little-endian"][:23],
        FILES["pcapng, little-endian"][:20],
        section() + enhanced(1, b"of no interface"),
        section() + interface()[:-4] + b"\0\0\0\0",
        section() + block(6, b""),
        section() + interface() + block(6, struct.pack("<5I", 0, 0, 0, 1 << 30, 4) + b"four"),
        section() + struct.pack("<II", 6, 13),
        section() + struct.pack("<II", 6, 1 << 31),
    ],
)
def test_nothing_in_it_can_be_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    with pytest.raises(RecordingError, match=r"capture, byte \d+: expected .*, found "):
        read_all(path, content)


def test_a_capture_of_nothing(tmp_path: Path) -> None:
    for content in (pcap([]), section(), section() + interface()):
        header, records, complaints = read_all(tmp_path / "capture", content)
        assert (records, complaints) == ([], [])
        assert header.vantage == "capture"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_all(tmp_path / "none")


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(deadline=None)
def test_any_damage_is_survived(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(4, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    read, broken = read_until_broken(bytes(content))
    assert broken is None or 0 <= broken <= len(content)
    connections = Connections(CaptureLimits())
    records: list[AnyRecord] = []
    for frame in read:
        assert frame.time >= 0
        segment = segment_in(frame.link_type, frame.data)
        if isinstance(segment, Segment):
            records += connections.receive(frame.time, segment)
    records += connections.finish()
    starts = [record.session for record in records if isinstance(record, SessionStartRecord)]
    ends = [record.session for record in records if isinstance(record, SessionEndRecord)]
    assert starts == sorted(ends) == list(range(1, len(starts) + 1))


def test_progress_is_told() -> None:
    content = pcap([(START, bytes(60_000))] * 60)
    told: list[int] = []
    assert len(list(frames(io.BytesIO(content), told.append))) == 60
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == len(content)


def test_a_session_begins_when_its_connection_did(tmp_path: Path) -> None:
    talk = Talk(time=START + 1_234_567_891)
    talk.open().say(CLIENT, examples.request() + examples.KEY3)
    other = [(START, bytes(12) + b"\x08\x06" + bytes(28))]
    content = pcap(other + [(packet.time, ethernet(packet)) for packet in talk.packets])
    header, (start, *_), _ = read_all(tmp_path / "capture", content)
    assert header.started == "2011-03-13T07:06:40.000000+00:00"
    assert isinstance(start, SessionStartRecord)
    assert start.started == "2011-03-13T07:06:41.234567+00:00"
