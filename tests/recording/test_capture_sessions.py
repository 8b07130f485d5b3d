"""Captured connections become the records that a relay would have told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.session import examples
from ws76proxy.record import (
    AdjustmentRecord,
    ClosingRecord,
    FindingRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    RequestRecord,
    SessionStartRecord,
)
from ws76proxy.recording import rebuild

from .tcp import (
    ACK,
    CLIENT,
    FIN,
    RST,
    SERVER,
    SYN,
    Talk,
    ethernet,
    follow,
    handshake,
    notices,
    of_type,
    pcap,
    read_all,
    texts,
    the_end,
)


def test_no_adjustment_is_made_up() -> None:
    """Whatever Host and Origin are, nobody stands between the two."""
    talk = Talk().open()
    talk.say(CLIENT, examples.request(host="elsewhere.test", origin="http://elsewhere.test"))
    talk.say(CLIENT, examples.KEY3)
    talk.say(SERVER, examples.answer(host="elsewhere.test", origin="http://elsewhere.test"))
    talk.say(SERVER, examples.DIGEST).end()
    records = follow(talk.packets)
    assert of_type(records, AdjustmentRecord) == []
    assert the_end(records).verdict == "verified"
    (start,) = of_type(records, SessionStartRecord)
    assert isinstance(start, SessionStartRecord)
    assert start.client == "192.0.2.1:50000"
    assert start.listener == start.upstream == "ws://192.0.2.2:8076"


def test_after_plain_http_on_the_same_connection() -> None:
    talk = Talk().open().say(CLIENT, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.say(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    records = follow(handshake(talk).say(CLIENT, b"\0text\xff").end().packets)
    (page,) = of_type(records, HttpRecord)
    assert isinstance(page, HttpRecord)
    assert (page.target, page.status) == ("/page", 200)
    assert texts(records) == ["text"]
    assert the_end(records).outcome == "open"


def test_several_connections_interleave() -> None:
    talks = [Talk(ports=(50000 + number, 8076), next=[number, 77]) for number in range(3)]
    for talk in talks:
        talk.open()
    for talk in reversed(talks):
        handshake(talk).say(CLIENT, b"\0%d\xff" % talk.ports[0]).end()
    packets = sorted((p for talk in talks for p in talk.packets), key=lambda packet: packet.time)
    records = follow(packets)
    starts = [record for record in records if isinstance(record, SessionStartRecord)]
    assert [start.session for start in starts] == [1, 2, 3]
    for start in starts:
        mine = [record for record in records if record.session == start.session]
        assert texts(mine) == [start.client.rpartition(":")[2]]
        assert mine[0] == start
        assert the_end(mine) == mine[-1]


# Connections that are no sessions, and some that nobody would expect to be


def test_what_is_no_session_is_counted(tmp_path: Path) -> None:
    hello = b"\x16\x03\x01\x00\x05hello"
    secure = Talk(ports=(1, 443)).open().say(CLIENT, hello).say(SERVER, b"\x16\x03\x03\0\0").end()
    mail = Talk(ports=(2, 25)).open().say(SERVER, b"220 mail\r\n").say(CLIENT, b"EHLO me\r\n").end()
    binary = Talk(ports=(3, 9)).open().say(CLIENT, b"\x01\x02").say(SERVER, b"\x03").end()
    middle = Talk(ports=(4, 80)).say(CLIENT, b"\0text\xff").end()
    nothing = Talk(ports=(5, 80)).open().end()
    refused = Talk(ports=(6, 80))
    refused.send(CLIENT, SYN)
    refused.reset(SERVER)
    talks = (secure, mail, binary, middle, nothing, refused)
    content = pcap((one.time, ethernet(one)) for talk in talks for one in talk.packets)
    _, (notice,), complaints = read_all(tmp_path / "capture", content)
    assert complaints == []
    assert isinstance(notice, NoticeRecord)
    assert notice.session == 0
    assert "1 encrypted (TLS), 2 that speak no HTTP, 1 of which" in notice.text


@pytest.mark.parametrize("end", [FIN | ACK, RST | ACK])
def test_tls_to_a_server_that_does_not_speak_it(end: int) -> None:
    talk = Talk().open().say(CLIENT, b"\x16\x03\x01\x00\x05hello")
    talk.send(SERVER, end)
    if end & FIN:
        talk.end(CLIENT)
    assert the_end(follow(talk.packets)).findings == ["tls-on-plain-port"]
    talk = Talk().open().say(CLIENT, b"\x16\x03\x01\x00\x05hello")
    talk.say(SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n").end()
    assert the_end(follow(talk.packets)).dialect == "tls"


def test_tls_that_goes_on_behind_the_capture_is_not_judged() -> None:
    assert follow(Talk().open().say(CLIENT, b"\x16\x03\x01\x00\x05hello").packets) == []


def test_flash_asks_for_a_policy() -> None:
    talk = Talk().open().say(CLIENT, b"<policy-file-", b"request/>\0")
    records = follow(talk.say(SERVER, b"<cross-domain-policy/>\0").end().packets)
    assert the_end(records).dialect == "flash-policy"
    assert rebuild(records).client == b"<policy-file-request/>\0"
    assert rebuild(records).server == b"<cross-domain-policy/>\0"


def test_an_answer_in_http_makes_it_one_for_us() -> None:
    talk = Talk().open().say(CLIENT, b"\x05\x01\x00").say(SERVER, b"HTTP/1.1 400 What?\r\n\r\n")
    assert the_end(follow(talk.end().packets)).findings == ["unknown-protocol"]


def test_a_head_that_breaks_off() -> None:
    records = follow(Talk().open().say(CLIENT, b"GET /ch").end().packets)
    assert the_end(records).client.bytes == 7
    assert rebuild(records).client == b"GET /ch"
    records = follow(Talk().open().say(CLIENT, b"GET /chat HTTP/1.1\r\nHo").end().packets)
    assert rebuild(records).client == b"GET /chat HTTP/1.1\r\nHo"


# Beginnings and ends


def test_the_answer_to_the_syn_tells_who_is_who() -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0text\xff").end()
    records = follow(talk.packets[1:])
    (start,) = of_type(records, SessionStartRecord)
    assert isinstance(start, SessionStartRecord)
    assert start.client == "192.0.2.1:50000"
    assert texts(records) == ["text"]


@pytest.mark.parametrize("first", range(2, 8))
def test_a_capture_that_begins_in_the_middle(first: int) -> None:
    talk = Talk().open().say(CLIENT, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.say(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    records = follow(handshake(talk).say(CLIENT, b"\0text\xff").end().packets[first:])
    assert texts(records) == ["text"]
    (start,) = of_type(records, SessionStartRecord)
    assert isinstance(start, SessionStartRecord)
    assert start.client == "192.0.2.1:50000"
    assert len(notices(records)) == 1
    assert the_end(records).verdict == "verified"
    request = next(record for record in records if isinstance(record, RequestRecord))
    assert bool(request.offset) == bool(of_type(records, HttpRecord))


def test_a_capture_that_begins_behind_the_handshake() -> None:
    talk = handshake(Talk().open())
    first = len(talk.packets)
    assert (
        follow(talk.say(CLIENT, b"\0text\xff").say(SERVER, b"\0text\xff").end().packets[first:])
        == []
    )


def test_a_capture_that_ends_in_the_middle() -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0text\xff", b"\0unfin")
    records = follow(talk.packets)
    assert texts(records) == ["text"]
    (notice,) = notices(records)
    assert notice.session == 1
    end = the_end(records)
    assert records[-1] == end
    assert end.outcome == "open"
    assert of_type(records, ClosingRecord) == []
    assert rebuild(records).client.endswith(b"\0text\xff\0unfin")


def test_reset() -> None:
    talk = handshake(Talk().open()).say(CLIENT, b"\0text\xff").reset(SERVER)
    records = follow(talk.packets)
    closing = next(record for record in records if isinstance(record, ClosingRecord))
    assert (closing.by, closing.how) == ("server", "reset")
    assert the_end(records).findings[-1] == "connection-reset"
    # What still comes is of nobody's concern.
    late = [talk.packet(SERVER, ACK), talk.packet(CLIENT, ACK, b"\0more\xff")]
    assert follow([*talk.packets, *late]) == records


def test_ports_are_used_again() -> None:
    first = handshake(Talk().open()).say(CLIENT, b"\0first\xff").end()
    second = handshake(Talk(time=first.time, next=[70000, 90000]).open())
    second.say(CLIENT, b"\0second\xff").end()
    records = follow(first.packets + second.packets)
    assert [
        (record.session, record.text) for record in records if isinstance(record, MessageRecord)
    ] == [
        (1, "first"),
        (2, "second"),
    ]
    # And so they are where the end of the first was not captured.
    broken = follow(first.packets[:-4] + second.packets)
    assert texts(broken) == ["first", "second"]
    assert len(notices(broken)) == 1
    # A copy of the SYN is no new connection.
    again = follow([*first.packets, first.packets[0], first.packets[3]])
    assert texts(again) == ["first"]
    assert len(of_type(again, SessionStartRecord)) == 1


def test_findings_are_the_same() -> None:
    """A wrong digest is found in a capture, too."""
    talk = Talk().open().say(CLIENT, examples.request() + examples.KEY3)
    records = follow(talk.say(SERVER, examples.answer() + bytes(16)).end().packets)
    codes = [record.code for record in records if isinstance(record, FindingRecord)]
    assert any(code.startswith("digest") and code != "digest-verified" for code in codes)
    assert the_end(records).verdict == "wrong"
