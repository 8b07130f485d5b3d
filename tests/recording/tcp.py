"""TCP connections and capture files of our own making, for tests of what reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

import dpkt

from tests.session import examples
from ws76proxy.record import (
    AnyRecord,
    MessageRecord,
    NoticeRecord,
    RecordingRecord,
    SessionEndRecord,
)
from ws76proxy.recording.capture import CaptureLimits, read
from ws76proxy.recording.capture.connections import Connections
from ws76proxy.recording.capture.packets import Segment, segment_in

__all__ = [
    "ACK",
    "CLIENT",
    "FIN",
    "RST",
    "SERVER",
    "START",
    "SYN",
    "Packet",
    "Talk",
    "at_times",
    "block",
    "enhanced",
    "ethernet",
    "follow",
    "handshake",
    "interface",
    "notices",
    "of_type",
    "pcap",
    "pcapng",
    "read_all",
    "section",
    "texts",
    "the_end",
]

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
CLIENT, SERVER = 0, 1
START = 1_300_000_000 * 10**9
"""When the captures begin, in nanoseconds: some time in 2011."""
MILLISECOND = 10**6


@dataclass(frozen=True)
class Packet:
    """A TCP segment and who sent it."""

    time: int
    sender: int
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes
    addresses: tuple[str, str]
    ports: tuple[int, int]

    @property
    def ip(self) -> bytes:
        """The IP packet, checksums included."""
        source, destination = self.sender, 1 - self.sender
        tcp = dpkt.tcp.TCP(
            sport=self.ports[source],
            dport=self.ports[destination],
            seq=self.sequence,
            ack=self.acknowledged,
            flags=self.flags,
            off=5,
            data=self.payload,
        )
        sender, receiver = (ip_address(self.addresses[one]) for one in (source, destination))
        if sender.version == 6:
            six = dpkt.ip6.IP6(
                nxt=6, hlim=64, src=sender.packed, dst=receiver.packed, plen=len(tcp), data=tcp
            )
            six.extension_hdrs = {}
            return bytes(six)
        return bytes(dpkt.ip.IP(p=6, src=sender.packed, dst=receiver.packed, data=tcp))

    @property
    def segment(self) -> Segment:
        """The same, read back."""
        segment = segment_in(101, self.ip)
        assert isinstance(segment, Segment)
        return segment


@dataclass
class Talk:
    """A TCP connection between two hosts; each of its methods adds packets, a millisecond apart."""

    addresses: tuple[str, str] = ("192.0.2.1", "192.0.2.2")
    ports: tuple[int, int] = (50000, 8076)
    next: list[int] = field(default_factory=lambda: [1000, 5000])
    time: int = START
    packets: list[Packet] = field(default_factory=list)

    def packet(self, sender: int, flags: int, payload: bytes = b"") -> Packet:
        """The next of this sender's, without adding it."""
        acknowledged = self.next[1 - sender] if flags & ACK else 0
        made = Packet(
            self.time,
            sender,
            self.next[sender],
            acknowledged,
            flags,
            payload,
            self.addresses,
            self.ports,
        )
        self.next[sender] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        self.next[sender] &= 0xFFFFFFFF
        self.time += MILLISECOND
        return made

    def send(self, sender: int, flags: int, payload: bytes = b"") -> None:
        self.packets.append(self.packet(sender, flags, payload))

    def open(self) -> Talk:
        self.send(CLIENT, SYN)
        self.send(SERVER, SYN | ACK)
        self.send(CLIENT, ACK)
        return self

    def say(self, sender: int, *payloads: bytes) -> Talk:
        """A segment for each, and its acknowledgement."""
        for payload in payloads:
            self.send(sender, PSH | ACK, payload)
            self.send(1 - sender, ACK)
        return self

    def end(self, *senders: int) -> Talk:
        for sender in senders or (CLIENT, SERVER):
            self.send(sender, FIN | ACK)
            self.send(1 - sender, ACK)
        return self

    def reset(self, sender: int) -> Talk:
        self.send(sender, RST | ACK)
        return self


def ethernet(packet: Packet) -> bytes:
    """The packet as an Ethernet frame."""
    kind = 0x86DD if ":" in packet.addresses[0] else 0x0800
    return bytes(12) + kind.to_bytes(2, "big") + packet.ip


def pcap(
    frames: Iterable[tuple[int, bytes]],
    *,
    order: str = "<",
    nanoseconds: bool = False,
    link_type: int = 1,
    snap_length: int = 262144,
) -> bytes:
    """A pcap file of frames and the times of their capture."""
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    file = struct.pack(f"{order}I2HiIII", magic, 2, 4, 0, 0, snap_length, link_type)
    for time, frame in frames:
        kept = frame[:snap_length]
        seconds, rest = divmod(time, 10**9)
        file += struct.pack(f"{order}4I", seconds, rest // unit, len(kept), len(frame)) + kept
    return file


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A block of a pcapng file."""
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    """The beginning of a pcapng section."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    link_type: int = 1, *, options: bytes = b"", order: str = "<", snap_length: int = 0
) -> bytes:
    """The description of an interface in a pcapng file."""
    body = struct.pack(f"{order}HHI", link_type, 0, snap_length)
    return block(1, body + options, order)


def enhanced(ticks: int, frame: bytes, *, which: int = 0, order: str = "<") -> bytes:
    """A frame in a pcapng file."""
    times = struct.pack(
        f"{order}5I", which, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)
    )
    return block(6, times + frame, order)


def pcapng(frames: Iterable[tuple[int, bytes]], *, order: str = "<", link_type: int = 1) -> bytes:
    """A pcapng file of frames and the times of their capture, which it keeps in microseconds."""
    packets = [enhanced(time // 1000, frame, order=order) for time, frame in frames]
    return b"".join([section(order), interface(link_type, order=order), *packets])


def read_all(
    path: Path, content: bytes | None = None, limits: CaptureLimits | None = None
) -> tuple[RecordingRecord, list[AnyRecord], list[str]]:
    """Read a capture: its header, its records, and what was complained about."""
    if content is not None:
        path.write_bytes(content)
    complaints: list[str] = []
    entries = read(path, complaints.append, limits=limits or CaptureLimits())
    header, *records = (entry.record for entry in entries)
    assert isinstance(header, RecordingRecord)
    return header, records, complaints


def follow(packets: Sequence[Packet], limits: CaptureLimits | None = None) -> list[AnyRecord]:
    """The records of these packets, without a file."""
    connections = Connections(limits or CaptureLimits())
    records: list[AnyRecord] = []
    for packet in packets:
        records += connections.receive(packet.time, packet.segment)
    return [*records, *connections.finish()]


def at_times(packets: Iterable[Packet]) -> list[Packet]:
    """The same packets, captured in this order, a millisecond apart."""
    return [
        replace(packet, time=START + number * MILLISECOND) for number, packet in enumerate(packets)
    ]


def handshake(talk: Talk) -> Talk:
    talk.say(CLIENT, examples.request() + examples.KEY3)
    return talk.say(SERVER, examples.answer() + examples.DIGEST)


def of_type(records: list[AnyRecord], kind: type[AnyRecord]) -> list[AnyRecord]:
    return [record for record in records if isinstance(record, kind)]


def texts(records: list[AnyRecord]) -> list[str]:
    return [record.text for record in records if isinstance(record, MessageRecord)]


def notices(records: list[AnyRecord]) -> list[NoticeRecord]:
    return [record for record in records if isinstance(record, NoticeRecord)]


def the_end(records: list[AnyRecord]) -> SessionEndRecord:
    (end,) = (record for record in records if isinstance(record, SessionEndRecord))
    return end
