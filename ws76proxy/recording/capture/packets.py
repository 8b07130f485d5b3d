"""From what an interface saw to the TCP segment in it, with dpkt for the layers between."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import Enum
from ipaddress import ip_address
from typing import Any, NamedTuple

import dpkt

__all__ = [
    "ACK",
    "FIN",
    "RST",
    "SYN",
    "Segment",
    "Unreadable",
    "addresses",
    "reversed_key",
    "segment_in",
]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_PORTS = struct.Struct(">HH")
_TCP = 6
_IPV4 = b"\x08\x00"
# IPv4 without options and TCP at once: version and size of header, length, fragment, protocol,
# both addresses with both ports, sequence, acknowledged, size of header, flags.
_USUAL = struct.Struct(">BxHxxHxBxx12sIIBB")
# By link type: where the type of what is inside stands, and where that begins.
_USUAL_LINKS = {1: (12, 14), 113: (14, 16), 276: (0, 20)}


class Segment(NamedTuple):
    """One TCP segment.

    `key` has both addresses, then both ports, the sender's first. `size` is how many bytes of
    payload were sent: more than `payload` has where the capture kept only a part.
    """

    key: bytes
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes
    size: int


class Unreadable(Enum):
    """Why a frame that may hold a TCP segment cannot be used."""

    LINK_TYPE = "of a link type that is not read here"
    FRAGMENT = "with fragments of IP packets, which are not put together"
    CUT = "of which the capture kept less than the TCP header"


def segment_in(link_type: int, data: bytes) -> Segment | Unreadable | None:
    """The segment in a frame; None where there is none."""
    # Nearly every frame, at a seventh of what the library takes.
    places = _USUAL_LINKS.get(link_type)
    if places is not None:
        segment = _usual_segment(data, *places)
        if segment is not None:
            return segment
    read = _LINKS.get(link_type)
    if read is None:
        return Unreadable.LINK_TYPE
    try:
        return _segment(read(data))
    # The library checks no lengths of its own: damaged packets fail in each of these ways.
    except (dpkt.Error, struct.error, LookupError, ValueError, TypeError, AttributeError):
        return None


def reversed_key(key: bytes) -> bytes:
    """The key of the segments that come back."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


def addresses(key: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    """Sender and receiver: host and port each."""
    half = (len(key) - 4) // 2
    sending, receiving = _PORTS.unpack_from(key, 2 * half)
    sender, receiver = ip_address(key[:half]), ip_address(key[half : 2 * half])
    return (str(sender), sending), (str(receiver), receiving)


def _usual_segment(data: bytes, type_at: int, begin: int) -> Segment | None:
    if data[type_at : type_at + 2] != _IPV4 or len(data) < begin + _USUAL.size:
        return None
    version, length, fragment, protocol, key, sequence, acknowledged, offset, flags = (
        _USUAL.unpack_from(data, begin)
    )
    if version != 0x45 or protocol != _TCP or fragment & 0x3FFF or offset < 0x50 or not length:
        return None
    header = 20 + (offset >> 4) * 4
    payload = data[begin + header : begin + length]
    size = length - header
    if size < 0 or len(data) < begin + header:
        return None
    return Segment(key, sequence, acknowledged, flags, payload, size)


def _segment(layer: Any) -> Segment | Unreadable | None:
    """Go down to TCP, through tunnels too: the innermost IP packet counts."""
    ip: Any = None
    while isinstance(layer, dpkt.Packet):
        if isinstance(layer, dpkt.tcp.TCP):
            key = ip.src + ip.dst + _PORTS.pack(layer.sport, layer.dport)
            payload = layer.data
            size = _size(ip) - layer.off * 4
            return Segment(
                key, layer.seq, layer.ack, layer.flags & 0xFF, payload, max(size, len(payload))
            )
        if isinstance(layer, dpkt.ip.IP):
            if layer.mf or layer.offset:
                return Unreadable.FRAGMENT if layer.p == _TCP else None
            ip = layer
        elif isinstance(layer, dpkt.ip6.IP6):
            fragment = layer.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
            if fragment is not None and (fragment.frag_off or fragment.m_flag):
                return Unreadable.FRAGMENT if fragment.nxt == _TCP else None
            ip = layer
        layer = layer.data
    return Unreadable.CUT if ip is not None and ip.p == _TCP else None


def _size(ip: Any) -> int:
    """How many bytes the packet has behind its headers, by its own word; 0 where it says none."""
    if isinstance(ip, dpkt.ip.IP):
        return int(ip.len - ip.hl * 4)
    return int(ip.plen - sum(header.length for header in ip.all_extension_headers))


def _raw(data: bytes) -> Any:
    return dpkt.ip6.IP6(data) if data[0] >> 4 == 6 else dpkt.ip.IP(data)


def _cooked(data: bytes) -> Any:
    # With two addresses before its type it is an Ethernet frame, and VLAN tags are understood.
    return dpkt.ethernet.Ethernet(bytes(12) + data[14:])


def _cooked_2(data: bytes) -> Any:
    return dpkt.ethernet.Ethernet(bytes(12) + data[:2] + data[20:])


_LINKS: dict[int, Callable[[bytes], Any]] = {
    0: dpkt.loopback.Loopback,
    1: dpkt.ethernet.Ethernet,
    # What is raw IP has a number of its own on each system.
    12: _raw,
    14: _raw,
    101: _raw,
    108: dpkt.loopback.Loopback,
    113: _cooked,
    228: dpkt.ip.IP,
    229: dpkt.ip6.IP6,
    276: _cooked_2,
}
