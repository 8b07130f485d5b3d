"""From frames of every link type to TCP segments."""

from __future__ import annotations

import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ws76proxy.recording.capture.packets import (
    Segment,
    Unreadable,
    _segment,
    addresses,
    reversed_key,
    segment_in,
)

from .tcp import ACK, CLIENT, START, Talk, ethernet, pcap, read_all

FOUR = Talk().packet(CLIENT, ACK, b"payload")
SIX = Talk(addresses=("2001:db8::1", "2001:db8::2")).packet(CLIENT, ACK, b"payload")
EXPECTED = {
    4: Segment(
        bytes([192, 0, 2, 1, 192, 0, 2, 2]) + struct.pack(">HH", 50000, 8076),
        1000,
        5000,
        ACK,
        b"payload",
        7,
    ),
}
EXPECTED[6] = EXPECTED[4]._replace(
    key=bytes.fromhex("20010db8000000000000000000000001 20010db8000000000000000000000002")
    + struct.pack(">HH", 50000, 8076)
)
TYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}
MACS = bytes(range(12))


def frames(version: int) -> dict[str, tuple[int, bytes]]:
    """The same packet as each kind of interface shows it."""
    ip = (FOUR if version == 4 else SIX).ip
    kind = TYPES[version]
    family = {4: 2, 6: 30}[version]
    return {
        "Ethernet": (1, MACS + kind + ip),
        "VLAN": (1, MACS + b"\x81\x00\x00\x05" + kind + ip),
        "VLAN in VLAN": (1, MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + kind + ip),
        "padded": (1, MACS + kind + ip + bytes(11)),
        "MPLS": (1, MACS + b"\x88\x47\x00\x01\x01\x40" + ip),
        "cooked": (113, b"\0\0\0\x01\0\x06" + bytes(8) + kind + ip),
        "cooked, VLAN": (113, b"\0\0\0\x01\0\x06" + bytes(8) + b"\x81\x00\x00\x05" + kind + ip),
        "cooked 2": (276, kind + bytes(18) + ip),
        "loopback, little-endian": (0, struct.pack("<I", family) + ip),
        "loopback, big-endian": (0, struct.pack(">I", family) + ip),
        "OpenBSD loopback": (108, struct.pack(">I", family) + ip),
        "raw": (101, ip),
        "raw, as numbered elsewhere": (12, ip),
        "raw IP of this version": ({4: 228, 6: 229}[version], ip),
    }


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", frames(4))
def test_each_link_type(version: int, name: str) -> None:
    assert segment_in(*frames(version)[name]) == EXPECTED[version]


def test_headers_with_options() -> None:
    tcp = struct.pack(">HHIIBBHHH", 50000, 8076, 1000, 5000, 0x70, ACK, 9, 0, 0) + bytes(8)
    payload = tcp + b"payload"
    ip = struct.pack(">BBHHHBBH", 0x46, 0, 24 + len(payload), 1, 0x4000, 64, 6, 0)
    ip += EXPECTED[4].key[:8] + bytes(4)
    assert segment_in(101, ip + payload) == EXPECTED[4]
    # Hop-by-hop and destination options.
    chain = bytes([60, 0]) + bytes(6) + bytes([6, 1]) + bytes(14)
    six = struct.pack(">IHBB", 0x60000000, len(chain) + len(payload), 0, 64) + EXPECTED[6].key[:32]
    assert segment_in(101, six + chain + payload) == EXPECTED[6]


def test_in_a_tunnel_the_innermost_counts() -> None:
    inside = FOUR.ip
    outside = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=4)
    outside.data = dpkt.ip.IP(inside)
    outside.len = 20 + len(inside)
    assert segment_in(101, bytes(outside)) == EXPECTED[4]


def test_no_length_in_the_header() -> None:
    """Segments that the network card was to cut are captured without."""
    ip = bytearray(FOUR.ip)
    ip[2:4] = b"\0\0"
    for link_type, before in ((101, b""), (1, MACS + TYPES[4])):
        assert segment_in(link_type, before + ip) == EXPECTED[4]


@pytest.mark.parametrize("version", [4, 6])
def test_cut_by_the_capture(version: int) -> None:
    for link_type, frame in frames(version).values():
        end = frame.index(b"payload")
        for kept in range(8):
            expected = EXPECTED[version]._replace(payload=b"payload"[:kept])
            assert segment_in(link_type, frame[: end + kept]) == expected
        assert segment_in(link_type, frame[: end - 1]) is Unreadable.CUT
        for size in range(end - 1):
            assert not isinstance(segment_in(link_type, frame[:size]), Segment)


def test_fragments_are_not_put_together() -> None:
    for word in (0x2000, 0x2001, 0x0001):
        ip = bytearray(FOUR.ip)
        ip[6:8] = word.to_bytes(2, "big")
        assert segment_in(1, MACS + TYPES[4] + ip) is Unreadable.FRAGMENT
    tcp = SIX.ip[40:]
    for offset in (1, 0x20 << 3):
        header = struct.pack(">BBHI", 6, 0, offset, 7)
        six = struct.pack(">IHBB", 0x60000000, len(header + tcp), 44, 64) + EXPECTED[6].key[:32]
        assert segment_in(101, six + header + tcp) is Unreadable.FRAGMENT
    # One that is its whole packet is none.
    header = struct.pack(">BBHI", 6, 0, 0, 7)
    six = struct.pack(">IHBB", 0x60000000, len(header + tcp), 44, 64) + EXPECTED[6].key[:32]
    assert segment_in(101, six + header + tcp) == EXPECTED[6]


def test_what_is_no_tcp() -> None:
    arp = MACS + b"\x08\x06" + bytes(28)
    udp = dpkt.ip.IP(p=17, src=bytes(4), dst=bytes(4), data=dpkt.udp.UDP(data=b"x" * 20))
    assert segment_in(1, arp) is None
    assert segment_in(101, bytes(udp)) is None
    assert segment_in(101, b"") is None


def test_both_directions_have_each_others_key() -> None:
    for packet in (FOUR, SIX):
        key = packet.segment.key
        client, server = addresses(key)
        assert (client, server) == tuple(zip(packet.addresses, packet.ports, strict=True))
        assert addresses(reversed_key(key)) == (server, client)
        assert reversed_key(reversed_key(key)) == key


def test_what_cannot_be_read_is_complained_about_once(tmp_path: Path) -> None:
    fragment = bytearray(FOUR.ip)
    fragment[6] = 0x20
    path = tmp_path / "capture"
    content = pcap([(START, MACS + TYPES[4] + bytes(fragment))] * 3)
    _, records, (complaint,) = read_all(path, content)
    assert records == []
    assert complaint.startswith(f"{path}, byte 24: ")
    assert "found 3" in complaint
    _, records, (complaint,) = read_all(path, pcap([(START, b"radio")] * 2, link_type=127))
    assert records == []
    assert "found 2" in complaint
    assert "127" in complaint
    _, _, (complaint,) = read_all(path, pcap([(START, ethernet(FOUR))], snap_length=40))
    assert complaint.startswith(f"{path}, byte 24: ")


@given(st.data())
def test_the_short_way_says_what_the_library_says(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["Ethernet", "padded", "cooked", "cooked 2"]))
    link_type, whole = frames(4)[name]
    frame = bytearray(whole)
    begin = frame.index(FOUR.ip)
    for _ in range(data.draw(st.integers(0, 3))):
        frame[data.draw(st.integers(begin, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(frame[: data.draw(st.integers(begin, len(frame)))])
    try:
        long_way = _segment(dpkt.ip.IP(cut[begin:]))
    except dpkt.Error:
        long_way = None
    assert segment_in(link_type, cut) == long_way


@given(st.sampled_from([0, 1, 12, 101, 108, 113, 228, 229, 276]), st.binary(max_size=120))
@example(1, MACS + TYPES[6] + b"\x60\0\0\0\0\x08\x32\x40" + bytes(40))
def test_no_bytes_make_it_fail(link_type: int, frame: bytes) -> None:
    segment = segment_in(link_type, frame)
    assert segment is None or isinstance(segment, Segment | Unreadable)


@given(st.sampled_from([4, 6]), st.sampled_from(sorted(frames(4))), st.data())
def test_no_damage_makes_it_fail(version: int, name: str, data: st.DataObject) -> None:
    link_type, frame = frames(version)[name]
    damaged = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    segment = segment_in(link_type, bytes(damaged))
    assert segment is None or isinstance(segment, Segment | Unreadable)
    if isinstance(segment, Segment):
        assert len(segment.payload) <= segment.size
