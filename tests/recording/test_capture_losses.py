"""What a capture lacks, and how much is held while it is waited for."""

from __future__ import annotations

from pathlib import Path

from tests.session import examples
from ws76proxy.record import (
    SessionEndRecord,
)
from ws76proxy.recording import rebuild
from ws76proxy.recording.capture import CaptureLimits
from ws76proxy.recording.capture.connections import Connections

from .tcp import (
    ACK,
    CLIENT,
    SERVER,
    START,
    Packet,
    Talk,
    at_times,
    ethernet,
    follow,
    handshake,
    notices,
    pcap,
    read_all,
    texts,
    the_end,
)


def without(packets: list[Packet], payload: bytes) -> list[Packet]:
    return [packet for packet in packets if packet.payload != payload]


def test_bytes_that_are_not_in_the_capture() -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0one\xff")
    at = talk.next[CLIENT] - 1001
    talk.say(CLIENT, b"\0two\xff", b"\0three\xff", b"\0four\xff")
    talk.time += 2 * 10**9
    talk.say(CLIENT, b"\0five\xff").end()
    records = follow(without(talk.packets, b"\0two\xff"))
    assert texts(records) == ["one"]
    (notice,) = notices(records)
    assert notice.level == "error"
    assert f"5 bytes of the client, at offset {at}," in notice.text
    assert rebuild(records).client.endswith(b"\0one\xff")


def test_the_last_that_was_said_is_not_in_the_capture() -> None:
    talk = handshake(Talk().open()).say(SERVER, b"\0one\xff", b"\0two\xff")
    records = follow(without(talk.packets, b"\0two\xff"))
    assert texts(records) == ["one"]
    assert "5 bytes of the server" in notices(records)[0].text


def test_after_a_hole_another_request_is_read() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
    talk = Talk().open().say(CLIENT, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n").say(SERVER, page)
    talk.time += 2 * 10**9
    talk.say(CLIENT, b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n").say(
        SERVER, page.replace(b"g", b"k")
    )
    talk.time += 2 * 10**9
    records = follow(without(handshake(talk).say(CLIENT, b"\0text\xff").end().packets, page))
    assert texts(records) == ["text"]
    assert {record.session for record in records} == {1, 2}


def test_packets_cut_by_the_capture(tmp_path: Path) -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0one\xff", b"\0" + b"x" * 400 + b"\xff").end()
    path = tmp_path / "capture"
    content = pcap(((one.time, ethernet(one)) for one in talk.packets), snap_length=354)
    _, records, (complaint,) = read_all(path, content)
    assert complaint.startswith(f"{path}: ")
    assert texts(records) == ["one"]
    assert "102 bytes of the client" in notices(records)[0].text


def test_the_answer_was_captured_before_the_question() -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0text\xff").end()
    packets = talk.packets
    packets[3], packets[5] = packets[5], packets[3]
    records = follow(at_times(packets))
    assert the_end(records).verdict == "verified"
    assert texts(records) == ["text"]
    assert rebuild(records).gaps == []


def test_time_that_runs_backwards() -> None:
    talk = handshake(Talk().open())
    talk.time -= 10**9
    records = follow(talk.say(CLIENT, b"\0text\xff").end().packets)
    times = [record.time for record in records]
    assert times == sorted(times)
    assert texts(records) == ["text"]


# Limits


def test_what_waits_is_bounded() -> None:
    limits = CaptureLimits(out_of_order=10_000)
    talk = handshake(Talk().open())
    talk.send(CLIENT, ACK, b"\0lost\xff")
    first = len(talk.packets)
    for _ in range(40):
        talk.send(CLIENT, ACK, b"\0" + b"x" * 300 + b"\xff")
    records = follow(talk.packets[: first - 1] + talk.packets[first:], limits)
    assert texts(records) == []
    (notice,) = notices(records)
    end = the_end(records)
    # It was given up on the way, not at the end of the capture.
    assert notice.time < (talk.time - START) / 10**9 - 0.004
    assert end.time == notice.time


def test_a_client_that_does_not_wait_is_bounded() -> None:
    talk = Talk().open().say(CLIENT, examples.request() + examples.KEY3)
    for _ in range(30):
        talk.send(CLIENT, ACK, bytes(60_000))
    records = follow(talk.packets)
    (notice,) = notices(records)
    assert notice.level == "error"
    assert the_end(records).client.bytes < 1_300_000


def test_bytes_of_nothing_known_are_bounded() -> None:
    talk = Talk().open()
    for _ in range(5):
        talk.send(CLIENT, ACK, b"\x01" * 5000)
    late = Talk(ports=talk.ports, next=talk.next, time=talk.time, packets=talk.packets)
    late.say(SERVER, b"HTTP/1.1 200 OK\r\n\r\n").end()
    # Decided before the server had said a word.
    assert follow(talk.packets) == []


def test_idle_connections_are_given_up() -> None:
    first = handshake(Talk().open()).say(CLIENT, b"\0first\xff")
    second = Talk(ports=(50001, 8076), time=START + 101 * 10**9).open()
    records = follow(first.packets + second.packets, CaptureLimits(idle=100))
    assert the_end(records).session == 1
    (notice,) = notices(records)
    assert "100 s" in notice.text


def test_the_longest_idle_of_too_many_is_given_up() -> None:
    talks = [handshake(Talk(ports=(port, 80), time=START + port).open()) for port in range(1, 6)]
    limits = CaptureLimits(connections=3)
    records = follow([packet for talk in talks for packet in talk.packets], limits)
    ends = [record.session for record in records if isinstance(record, SessionEndRecord)]
    assert ends == [1, 2, 3, 4, 5]
    given_up = [notice.session for notice in notices(records) if "3 other" in notice.text]
    assert given_up == [1, 2]


def test_ended_connections_are_forgotten() -> None:
    connections = Connections(CaptureLimits(connections=50))
    for number in range(500):
        talk = Talk(ports=(1000 + number, 80), time=START + number * 10**7).open().end()
        for packet in talk.packets:
            list(connections.receive(packet.time, packet.segment))
    assert len(connections._directions) <= 2 * 51
