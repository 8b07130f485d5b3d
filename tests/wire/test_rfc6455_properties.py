"""Whatever is said in RFC 6455 is read again, by us and by two libraries, however it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    enable_client_permessage_deflate,
    enable_server_permessage_deflate,
)
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.events import Ping as PingOfWsproto
from wsproto.frame_protocol import CloseReason

from ws76proxy.wire import (
    Close,
    Event,
    Message,
    Ping,
    ProtocolFault,
    RequestHead,
    TextMessages,
    UnreadBytes,
    rfc6455,
)
from ws76proxy.wire.rfc6455.masking import Masks

from .chunks import (
    assert_offsets_are_exact,
    assert_short_tells_the_same,
    cut_at,
    cuts,
    every_way,
    normalised,
    raw_of,
)
from .rfc6455_frames import KEY, REQUEST, RESPONSE, below
from .test_rfc6455 import OFFER

Said = tuple[str, str | bytes]

said = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.text(max_size=40)),
        st.tuples(st.just("text"), st.text(min_size=126, max_size=300)),
        st.tuples(st.just("binary"), st.binary(max_size=200)),
        st.tuples(st.just("ping"), st.binary(max_size=125)),
    ),
    max_size=12,
)


def say(leg: rfc6455.ServerConnection | rfc6455.ClientConnection, things: Sequence[Said]) -> bytes:
    """All of it, closed at the end, as bytes."""
    for kind, content in things:
        if isinstance(content, str):
            leg.send_text(content)
        elif kind == "binary":
            leg.send_binary(content)
        else:
            leg.send_ping(content)
    leg.send_close(1000, "bye")
    return leg.data_to_send()


def heard(events: Sequence[Event]) -> list[Said]:
    """The same, as it was told."""
    result: list[Said] = []
    for event in events:
        match event:
            case TextMessages():
                result += [("text", text) for text in event.texts]
            case Message(binary=True):
                result.append(("binary", event.payload))
            case Message():
                result.append(("text", event.text))
            case Ping():
                result.append(("ping", event.payload))
            case Close(_, _, code, reason):
                result.append(("close", f"{code} {reason}"))
            case _:
                raise AssertionError(event)
    return result


BYE: Said = ("close", "1000 bye")


def legs(fragment: int, deflate: bool) -> tuple[rfc6455.ServerConnection, rfc6455.ClientConnection]:
    """Both ends of one connection, the handshake done."""
    client = rfc6455.ClientConnection(fragment=fragment, deflate=deflate)
    server = rfc6455.ServerConnection(fragment=fragment)
    client.connect(resource="/", host="a.test", random_below=below())
    server.receive_data(client.data_to_send())
    server.accept()
    client.receive_data(server.data_to_send())
    client.open()
    client.events()
    server.events()
    return server, client


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("fragment", [0, 7])
@pytest.mark.parametrize("speaker", ["client", "server"])
@settings(max_examples=15)
@given(said, cuts)
def test_we_read_what_we_say(
    deflate: bool, fragment: int, speaker: str, things: list[Said], places: list[int]
) -> None:
    for way in range(3):
        server, client = legs(fragment, deflate)
        speaking, listening = (client, server) if speaker == "client" else (server, client)
        offset = listening.frames_offset
        data = say(speaking, things)
        for chunk in every_way(data, places)[way]:
            listening.receive_data(chunk)
        events = normalised(listening.events())
        assert heard(events) == [*things, BYE]
        assert_offsets_are_exact(events, data, offset)
        assert raw_of(events) == data


@given(st.binary(max_size=80), cuts, st.booleans())
def test_any_bytes_are_told_alike_however_they_are_cut(
    data: bytes, places: list[int], masked: bool
) -> None:
    told = []
    for chunks in every_way(data, places):
        decoder = rfc6455.MessageDecoder(masked=masked, max_message=100, offset=7)
        events = normalised(
            [event for chunk in chunks for event in decoder.feed(chunk)] + [decoder.end()]
        )
        told.append(events)
    assert told[0] == told[1] == told[2]
    kept = [event for event in told[0] if not isinstance(event, ProtocolFault)]
    assert sum(len(event.raw) for event in kept) == len(data)


frames = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([0x81, 0x01, 0x00, 0x80, 0x82, 0x02, 0x89, 0x8A, 0xC1, 0x83]),
            st.one_of(st.binary(max_size=6), st.text(max_size=4).map(str.encode)),
        ),
        st.tuples(
            st.just(0x88),
            # One fault at a time: which of two is told is up to each.
            st.sampled_from(
                [b"", b"\x03\xe8", b"\x0f\xa0ok", b"\x03", b"\x03\xed", b"\x03\xe9\xff"]
            ),
        ),
    ),
    max_size=10,
)


@given(frames, cuts)
def test_any_frames_are_judged_as_wsproto_judges_them(
    sequence: list[tuple[int, bytes]], places: list[int]
) -> None:
    """Messages and the code of the fault: another implementation says the same."""
    data = b"".join(bytes([first, len(payload)]) + payload for first, payload in sequence)
    decoder = rfc6455.MessageDecoder(masked=False)
    ours: list[Any] = []
    for event in [one for chunk in cut_at(data, places) for one in decoder.feed(chunk)]:
        if isinstance(event, TextMessages):
            ours += event.texts
        elif isinstance(event, Message):
            ours.append(event.payload if event.binary else event.text)
        elif isinstance(event, ProtocolFault):
            ours.append(event.code)
            break
        elif isinstance(event, Close):
            ours.append((event.code or CloseReason.NO_STATUS_RCVD, event.reason))
            break
    theirs: list[Any] = []
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(data)
    parts: list[Any] = []
    for one in peer.events():
        if isinstance(one, TextMessage | BytesMessage):
            parts.append(one.data if isinstance(one, TextMessage) else bytes(one.data))
            if one.message_finished:
                theirs.append(("" if isinstance(one, TextMessage) else b"").join(parts))
                parts = []
        elif isinstance(one, CloseConnection):
            is_fault = peer.state.name != "REMOTE_CLOSING"
            theirs.append(int(one.code) if is_fault else (one.code, one.reason or ""))
            break
    assert ours == theirs


# Two other implementations


def library_client(deflate: bool) -> tuple[ClientProtocol, rfc6455.ServerConnection]:
    """A client of `websockets`, and our answer to it."""
    peer = ClientProtocol(
        parse_uri("ws://a.test/chat"),
        extensions=enable_client_permessage_deflate(None) if deflate else None,
    )
    peer.send_request(peer.connect())
    leg = rfc6455.ServerConnection()
    leg.receive_data(b"".join(peer.data_to_send()))
    leg.accept()
    peer.receive_data(leg.data_to_send())
    (response,) = peer.events_received()
    assert isinstance(response, Response)
    assert peer.handshake_exc is None
    leg.events()
    return peer, leg


def library_server(deflate: bool) -> tuple[ServerProtocol, rfc6455.ClientConnection]:
    """A server of `websockets` that has answered us."""
    peer = ServerProtocol(extensions=enable_server_permessage_deflate(None) if deflate else None)
    leg = rfc6455.ClientConnection()
    leg.connect(resource="/chat", host="a.test", random_below=below())
    peer.receive_data(leg.data_to_send())
    (request,) = peer.events_received()
    assert isinstance(request, Request)
    peer.send_response(peer.accept(request))
    leg.receive_data(b"".join(peer.data_to_send()))
    assert leg.answer is not None
    assert leg.answer.acceptable
    leg.open()
    leg.events()
    return peer, leg


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("side", ["client", "server"])
@settings(max_examples=25)
@given(said, cuts)
def test_websockets_reads_us_and_we_read_it(
    deflate: bool, side: str, things: list[Said], places: list[int]
) -> None:
    peer: ClientProtocol | ServerProtocol
    leg: rfc6455.ServerConnection | rfc6455.ClientConnection
    peer, leg = library_client(deflate) if side == "client" else library_server(deflate)
    assert leg.compresses is deflate
    for kind, content in things:
        if isinstance(content, str):
            peer.send_text(content.encode())
        else:
            (peer.send_binary if kind == "binary" else peer.send_ping)(content)
    for chunk in cut_at(b"".join(peer.data_to_send()), places):
        leg.receive_data(chunk)
    assert heard(leg.events()) == things
    # Our pongs first.
    peer.receive_data(leg.data_to_send())
    pongs = [one for one in peer.events_received() if isinstance(one, Frame)]
    assert [frame.data for frame in pongs] == [
        content for kind, content in things if kind == "ping"
    ]
    peer.receive_data(say(leg, things))
    received = [one for one in peer.events_received() if isinstance(one, Frame)]
    kinds = {Opcode.TEXT: "text", Opcode.BINARY: "binary", Opcode.PING: "ping"}
    assert [
        (
            kinds[frame.opcode],
            bytes(frame.data).decode() if frame.opcode is Opcode.TEXT else frame.data,
        )
        for frame in received[:-1]
    ] == things
    assert received[-1].data == b"\x03\xe8bye"


@pytest.mark.parametrize("speaker", ["client", "server"])
@settings(max_examples=25)
@given(said)
def test_wsproto_reads_us(speaker: str, things: list[Said]) -> None:
    server, client = legs(5, deflate=False)
    if speaker == "client":
        peer = Connection(ConnectionType.SERVER)
        peer.receive_data(say(client, things))
    else:
        peer = Connection(ConnectionType.CLIENT)
        peer.receive_data(say(server, things))
    received: list[Said] = []
    text, data = "", b""
    for event in peer.events():
        match event:
            case TextMessage():
                text += event.data
                if event.message_finished:
                    received.append(("text", text))
                    text = ""
            case BytesMessage():
                data += bytes(event.data)
                if event.message_finished:
                    received.append(("binary", data))
                    data = b""
            case PingOfWsproto():
                received.append(("ping", bytes(event.payload)))
            case CloseConnection():
                received.append(("close", f"{int(event.code)} {event.reason}"))
    assert received == [*things, BYE]


def test_a_forwarded_handshake_of_others_is_read_on_both_sides() -> None:
    """The bytes of both peers went by unchanged; both legs still know how they are compressed."""
    answer = RESPONSE[:-2] + OFFER.split(b"\r\n")[0].split(b";")[0] + b"\r\n\r\n"
    server = rfc6455.ServerConnection()
    server.receive_data(REQUEST[:-2] + OFFER)
    server.accept_as(answer)
    client = rfc6455.ClientConnection()
    client.connect_as(RequestHead(REQUEST[:-2] + OFFER), below())
    client.receive_data(answer)
    client.open()
    assert server.compresses
    assert client.compresses
    client.data_to_send()
    client.send_text("x" * 300)
    server.receive_data(client.data_to_send())
    message = server.events()[-1]
    assert isinstance(message, Message)
    assert (message.text, message.compressed) == ("x" * 300, True)
    assert rfc6455.accept_key(KEY) in answer


def test_unread_bytes_are_all_there_is_to_say() -> None:
    decoder = rfc6455.MessageDecoder(masked=False)
    decoder.feed(b"\x83\x00")
    assert decoder.feed(b"more") == [UnreadBytes(2, b"more")]


@given(
    st.lists(st.text(max_size=130).map(str.encode) | st.binary(max_size=130), max_size=8),
    st.booleans(),
    st.sampled_from([100, 1000]),
    st.data(),
)
def test_the_short_way_gives_what_feeding_tells(
    payloads: list[bytes], masked: bool, most: int, data: st.DataObject
) -> None:
    """Of text that is none, of bytes that are no frame, and behind all of them, too."""
    masks = Masks(Random(6455).randrange) if masked else None
    encoder = rfc6455.MessageEncoder(masks=masks)
    short, fed = (rfc6455.MessageDecoder(masked=masked, max_message=most) for _ in range(2))
    for payload in payloads:
        chunk = encoder.short(payload)
        if data.draw(st.booleans()):
            chunk = data.draw(st.sampled_from([payload, chunk[:-1], chunk + payload, chunk * 2]))
        assert_short_tells_the_same(short, fed, chunk)
    assert short.end() == fed.end()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("text", ["", "a", "Grüße, 🦄", "x" * 125])
def test_one_short_message_goes_the_short_way(text: str, masked: bool) -> None:
    encoder = rfc6455.MessageEncoder(masks=Masks(Random(6455).randrange) if masked else None)
    frame = encoder.short(text.encode())
    assert rfc6455.MessageDecoder(masked=masked).short(frame) == text.encode()
