"""RFC 6455 sessions, from bytes back to messages."""

from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    FrameRecord,
    MessageRecord,
    Messages,
    NoticeRecord,
    Peer,
    ResponseRecord,
    SessionEndRecord,
)
from ws76proxy.recording.rfc6455 import Rfc6455Reader
from ws76proxy.session import Connect, Session, SessionOptions, Tell
from ws76proxy.session import Peer as Side

from .tcp import CLIENT, SERVER, Talk, follow

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
DEFLATE = [
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=10",
]


def answer(extensions: str = "") -> bytes:
    field = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return ANSWER + field.encode() + b"\r\n"


def speaker(role: ConnectionType, extensions: str = "") -> Connection:
    """Who says what is read back."""
    if not extensions:
        return Connection(role)
    deflate = PerMessageDeflate()
    deflate.finalize(extensions)
    return Connection(role, [deflate])


def client(extensions: str = "") -> Connection:
    return speaker(ConnectionType.CLIENT, extensions)


def server(extensions: str = "") -> Connection:
    return speaker(ConnectionType.SERVER, extensions)


def opened(extensions: str = "") -> Talk:
    return Talk().open().say(CLIENT, REQUEST).say(SERVER, answer(extensions))


def messages(records: list[AnyRecord], direction: Peer) -> list[str | bytes]:
    return [
        base64.b64decode(record.payload or "") if record.binary else record.text
        for record in records
        if isinstance(record, MessageRecord) and record.direction == direction
    ]


def only(records: list[AnyRecord], kind: type[AnyRecord]) -> list[AnyRecord]:
    return [record for record in records if isinstance(record, kind)]


def the_end(records: list[AnyRecord]) -> SessionEndRecord:
    end = records[-1]
    assert isinstance(end, SessionEndRecord)
    return end


def test_a_conversation() -> None:
    one, two = client(), server()
    talk = opened().say(CLIENT, one.send(TextMessage("Grüße")), one.send(BytesMessage(b"\0\xff")))
    talk.say(SERVER, two.send(TextMessage("answer")), two.send(Ping(b"there?")))
    talk.say(CLIENT, one.send(Pong(b"there?")), one.send(CloseConnection(1000, "bye")))
    talk.say(SERVER, two.send(CloseConnection(1000))).end()
    records = follow(talk.packets)
    response = only(records, ResponseRecord)[0]
    assert isinstance(response, ResponseRecord)
    assert (response.status, response.head, response.offset) == (101, answer().decode(), 0)
    assert messages(records, "client") == ["Grüße", b"\0\xff"]
    assert messages(records, "server") == ["answer"]
    ping, pong = (record for record in records if isinstance(record, FrameRecord))
    assert (ping.direction, ping.frame_type, ping.size) == ("server", 0x89, 8)
    assert base64.b64decode(ping.raw) == b"\x89\x06there?"
    assert (pong.direction, pong.frame_type, pong.size) == ("client", 0x8A, 12)
    closings = [record for record in records if isinstance(record, ClosingRecord)]
    assert [(closing.by, closing.how, closing.detail) for closing in closings] == [
        ("client", "closing-handshake", "1000 bye"),
        ("server", "closing-handshake", "1000"),
        ("client", "end-of-stream", ""),
        ("server", "end-of-stream", ""),
    ]
    end = the_end(records)
    assert (end.dialect, end.outcome, end.findings) == ("rfc6455", "open", [])
    assert (end.client.messages, end.client.frames) == (2, 2)
    assert (end.server.messages, end.server.frames) == (1, 2)
    assert only(records, BytesRecord) == []
    first = next(record for record in records if isinstance(record, MessageRecord))
    assert (first.number, first.offset, first.size) == (1, len(REQUEST), 7)
    times = [record.time for record in records]
    assert times == sorted(times)


@given(
    st.sampled_from(DEFLATE),
    st.lists(st.text(max_size=300) | st.binary(max_size=300), max_size=12),
    st.integers(0, 2**32),
)
@settings(deadline=None)
def test_any_messages_in_any_pieces(extensions: str, said: list[str | bytes], seed: int) -> None:
    """Messages in several frames, with pings between them, cut anywhere."""
    random = Random(seed)
    talk = Talk().open().say(CLIENT, REQUEST)
    streams = {"client": b"", "server": answer(extensions)}
    makers = {"client": client(extensions), "server": server(extensions)}
    pings = 0
    for message in said:
        for peer, maker in makers.items():
            pieces = [message[at : at + 100] for at in range(0, len(message), 100)] or [message]
            for number, piece in enumerate(pieces):
                last = number == len(pieces) - 1
                event: Event
                if isinstance(piece, str):
                    event = TextMessage(piece, message_finished=last)
                else:
                    event = BytesMessage(piece, message_finished=last)
                streams[peer] += maker.send(event)
                if random.random() < 0.2:
                    streams[peer] += maker.send(Ping(b"!"))
                    pings += 1
    for name, sender in (("server", SERVER), ("client", CLIENT)):
        while streams[name]:
            size = random.choice([1, 2, 7, 100, 1000])
            talk.say(sender, streams[name][:size])
            streams[name] = streams[name][size:]
    records = follow(talk.end().packets)
    assert messages(records, "client") == said
    assert messages(records, "server") == said
    assert len(only(records, FrameRecord)) == pings
    assert only(records, BytesRecord) == only(records, NoticeRecord) == []
    offsets = [
        r.offset for r in records if isinstance(r, MessageRecord) and r.direction == "client"
    ]
    assert offsets == sorted(set(offsets))


def test_a_close_without_a_code() -> None:
    records = follow(opened().say(SERVER, b"\x88\x00").end().packets)
    closing = next(record for record in records if isinstance(record, ClosingRecord))
    assert (closing.by, closing.how, closing.detail) == ("server", "closing-handshake", "")


def test_what_the_client_says_before_the_answer() -> None:
    talk = Talk().open().say(CLIENT, REQUEST + client().send(TextMessage("early")))
    records = follow(talk.say(SERVER, answer() + b"\x81\x02hi").end().packets)
    assert messages(records, "client") == ["early"]
    assert messages(records, "server") == ["hi"]
    times = [record.time for record in records]
    assert times == sorted(times)


def test_refused() -> None:
    talk = Talk().open().say(CLIENT, REQUEST)
    records = follow(talk.say(SERVER, b"HTTP/1.1 400 No\r\n\r\nbody", b" and more").end().packets)
    end = the_end(records)
    assert (end.outcome, end.findings) == ("refused", [])
    (response,) = only(records, ResponseRecord)
    assert isinstance(response, ResponseRecord)
    assert (response.status, response.reason) == (400, "No")
    body = [record for record in records if isinstance(record, BytesRecord)]
    assert b"".join(base64.b64decode(piece.raw) for piece in body) == b"body and more"
    assert body[0].offset == len(response.head)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101 Swit"])
def test_no_answer(said: bytes) -> None:
    talk = Talk().open().say(CLIENT, REQUEST, client().send(TextMessage("early")))
    if said:
        talk.say(SERVER, said)
    records = follow(talk.end().packets)
    assert the_end(records).outcome == "failed"
    kept = [record for record in records if isinstance(record, BytesRecord)]
    found = dict.fromkeys(("client", "server"), b"")
    for record in kept:
        found[record.direction] += base64.b64decode(record.raw)
    assert found["server"] == said
    assert len(found["client"]) == 2 + 4 + 5


@pytest.mark.parametrize(
    ("wrong", "kept"),
    [
        # Not masked, a reserved bit, an unknown opcode, the rest of nothing, text that is none.
        (b"\x81\x02hi", b"\x81\x02"),
        (b"\xc1\x82\0\0\0\0hi", b"\xc1\x82\0\0\0\0"),
        (b"\x83\x80\0\0\0\0", b"\x83\x80\0\0\0\0"),
        (b"\x80\x80\0\0\0\0", b"\x80\x80\0\0\0\0"),
        (b"\x81\x82\0\0\0\0\xc0\x80", b"\xc0\x80"),
        (b"\x88\x81\0\0\0\0\x03", b"\x88\x81\0\0\0\0\x03"),
        (b"\x09\x80\0\0\0\0", b"\x09\x80\0\0\0\0"),
        (b"\x89\xfe\x00\x80\0\0\0\0", b"\x89\xfe\x00\x80\0\0\0\0"),
    ],
)
def test_what_cannot_be_read_is_told_as_it_is(wrong: bytes, kept: bytes) -> None:
    talk = opened().say(CLIENT, client().send(TextMessage("good")), wrong, b"later")
    records = follow(talk.say(SERVER, b"\x81\x02hi").end().packets)
    assert messages(records, "client") == ["good"]
    assert messages(records, "server") == ["hi"]
    (notice,) = only(records, NoticeRecord)
    assert isinstance(notice, NoticeRecord)
    assert notice.level == "error"
    assert "client" in notice.text
    told = [record for record in records if isinstance(record, BytesRecord)]
    rest = b"".join(base64.b64decode(record.raw) for record in told)
    assert rest.startswith(kept)
    assert rest.endswith(b"later")
    assert told[0].offset + len(rest) == the_end(records).client.bytes


def test_an_extension_that_is_not_known() -> None:
    compressed = b"\xc1\x02\x00\x00"
    records = follow(opened("x-webkit-deflate-frame").say(SERVER, compressed).end().packets)
    assert len(only(records, NoticeRecord)) == 1
    for parameters in (
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate; server_max_window_bits",
    ):
        records = follow(opened(parameters).say(SERVER, compressed).end().packets)
        assert len(only(records, NoticeRecord)) == 1


def test_a_frame_that_breaks_off() -> None:
    records = follow(opened().say(SERVER, b"\x81\x02hi\x89").end().packets)
    (rest,) = only(records, BytesRecord)
    assert isinstance(rest, BytesRecord)
    assert (rest.direction, rest.offset) == ("server", len(answer()) + 4)
    assert base64.b64decode(rest.raw) == b"\x89"


def test_messages_above_the_limit() -> None:
    """Of a session told in bytes, as a relay records it; what is compressed counts decompressed."""
    for extensions, size in (("", 5000), ("permessage-deflate", 3_000_000)):
        maker = server(extensions)
        wire = b"".join(maker.send(TextMessage(text)) for text in ("a", "x" * size, "b"))
        reader = Rfc6455Reader(max_message=1000)
        records: list[AnyRecord] = []
        for record in lossless(answer(extensions) + wire):
            records += reader.read(record)
        assert messages(records, "server") == ["a", "b"]
        (frame,) = (record for record in records if isinstance(record, FrameRecord))
        assert not frame.whole
        assert frame.frame_type & 0x0F == 1
        assert wire[frame.offset - len(answer(extensions)) :].startswith(
            base64.b64decode(frame.raw)
        )
        end = the_end(records)
        assert (end.server.messages, end.server.frames) == (2, 1)


def lossless(said: bytes) -> list[AnyRecord]:
    """What a relay records of a session that it passes on unread."""
    place = Endpoint(False, "a.test", 80)
    options = SessionOptions(upstream=place, listener=place, lossless=True)
    session = Session(
        1, options, client="c:1", started="", clock=lambda: 0.0, random_below=lambda _: 0
    )
    commands = [*session.start(), *session.receive_data(Side.CLIENT, REQUEST)]
    assert Connect() in commands
    commands += session.connected()
    for at in range(0, len(said), 700):
        commands += session.receive_data(Side.SERVER, said[at : at + 700])
    commands += session.end()
    told = [command.record for command in commands if isinstance(command, Tell)]
    return [record for record in told if not isinstance(record, Messages)]


def test_drafts_before_it_stay_bytes() -> None:
    request = REQUEST.replace(b"Version: 13", b"Version: 8")
    talk = Talk().open().say(CLIENT, request).say(SERVER, answer() + b"\x81\x02hi").end()
    records = follow(talk.packets)
    assert only(records, MessageRecord) == []
    assert the_end(records).outcome == "passed-on"
    assert the_end(records).findings == ["hybi-draft-client"]


@given(st.sampled_from(DEFLATE), st.binary(max_size=200), st.integers(0, 1))
@settings(deadline=None)
def test_no_bytes_make_it_fail(extensions: str, said: bytes, sender: int) -> None:
    records = follow(opened(extensions).say(sender, said).end().packets)
    assert the_end(records).outcome == "open"
