"""Cut anywhere, garbage anywhere: the session in memory comes to the same, or to an end."""

from __future__ import annotations

import logging
from itertools import zip_longest

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.mitm.memory import ANSWER, DIGEST, HEAD, KEY3, Memory

pytestmark = pytest.mark.usefixtures("patched")

SAID = b"\x00hello\xff\x05typed\xff\x00\xff\x80\x02ab\x00w\xc3\xb6rld\xff"
HEARD = b"\x00yes\xff\x00\xc3(\xff\x00no\xff"
CLIENT = HEAD + KEY3 + SAID
SERVER = ANSWER + DIGEST + HEARD

relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=300,
)


def check_session(memory: Memory) -> None:
    assert memory.to_server == CLIENT
    assert memory.to_client == SERVER
    memory.from_client(b"\xff\x00")
    memory.from_server(b"\xff\x00")
    websocket = memory.flow.websocket
    assert websocket is not None
    said = [one.content for one in websocket.messages if one.from_client]
    heard = [one.content for one in websocket.messages if not one.from_client]
    assert (said, heard) == ([b"hello", b"", "wörld".encode()], [b"yes", b"\xc3(", b"no"])
    assert memory.told["verdict"] == "verified"
    assert (websocket.close_code, websocket.closed_by_client) == (1005, True)
    assert set(memory.closed) == {memory.client, memory.server}
    assert memory.names[-1] == "websocket_end"


def test_the_clients_bytes_cut_anywhere() -> None:
    for at in range(1, len(CLIENT)):
        memory = Memory()
        memory.from_client(CLIENT[:at])
        memory.from_client(CLIENT[at:])
        memory.from_server(SERVER)
        check_session(memory)


def test_the_servers_bytes_cut_anywhere() -> None:
    for at in range(1, len(SERVER)):
        memory = Memory()
        memory.from_client(CLIENT)
        memory.from_server(SERVER[:at])
        memory.from_server(SERVER[at:])
        check_session(memory)


def test_byte_by_byte() -> None:
    memory = Memory()
    for at in range(len(CLIENT)):
        memory.from_client(CLIENT[at : at + 1])
    for at in range(len(SERVER)):
        memory.from_server(SERVER[at : at + 1])
    check_session(memory)


def test_head_and_key3_leave_in_one_write() -> None:
    memory = Memory()
    memory.from_client(HEAD)
    memory.from_client(KEY3)
    assert memory.sent[memory.server] == [HEAD + KEY3]


def test_empty_lines_before_the_head() -> None:
    memory = Memory()
    memory.from_client(b"\r\n\r\n" + CLIENT)
    memory.from_server(b"\r\n" + SERVER)
    check_session(memory)
    assert "request-empty-line-first" in memory.told["findings"]


def test_spaces_at_the_edges_of_a_key_are_passed_on() -> None:
    key = b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5"
    head = HEAD.replace(key, key + b" ")
    memory = Memory()
    memory.from_client(head + KEY3)
    assert memory.to_server == head + KEY3
    assert "key-trailing-space" in memory.told["findings"]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False) if begin != end]


@given(
    frames=st.binary(max_size=200),
    replies=st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 1000)),
)
@relaxed
def test_whatever_comes_as_frames_passes_to_the_byte(
    frames: bytes, replies: bytes, cuts: list[int]
) -> None:
    memory = Memory()
    memory.open()
    for said, heard in zip_longest(pieces(frames, cuts), pieces(replies, cuts), fillvalue=b""):
        for data, say in ((said, memory.from_client), (heard, memory.from_server)):
            if data:
                say(data)
    memory.finish()
    websocket = memory.flow.websocket
    assert websocket is not None
    if (websocket.close_reason or "").endswith(", answered"):
        # What comes behind both closing handshakes has nowhere to go.
        assert (HEAD + KEY3 + frames).startswith(memory.to_server)
        assert (ANSWER + DIGEST + replies).startswith(memory.to_client)
    else:
        assert memory.to_server == HEAD + KEY3 + frames
        assert memory.to_client == ANSWER + DIGEST + replies
    assert set(memory.closed) == {memory.client, memory.server}
    assert memory.names[-1] == "websocket_end"


damage = st.tuples(st.integers(0, 1000), st.integers(0, 12), st.binary(max_size=20))


def damaged(data: bytes, where: tuple[int, int, bytes] | None) -> bytes:
    if where is None:
        return data
    at, length, instead = where
    at %= len(data) + 1
    return data[:at] + instead + data[at + length :]


@given(
    client=st.none() | damage,
    server=st.none() | damage,
    cuts=st.lists(st.integers(0, 1000), max_size=4),
    client_first=st.booleans(),
)
@example(client=(25, 0, b"\n\n"), server=None, cuts=[], client_first=True)
@relaxed
def test_garbage_anywhere_comes_to_an_end(
    client: tuple[int, int, bytes] | None,
    server: tuple[int, int, bytes] | None,
    cuts: list[int],
    client_first: bool,
) -> None:
    memory = Memory()
    for piece in pieces(damaged(CLIENT, client), cuts):
        memory.from_client(piece)
    if memory.opened:
        for piece in pieces(damaged(SERVER, server), cuts):
            memory.from_server(piece)
    if client_first or not memory.opened:
        memory.end(memory.client)
    if memory.opened:
        memory.end(memory.server)
    memory.end(memory.client)
    # Damage can make an ordinary request of it: what follows a 101 then is mitmproxy's own tunnel.
    if all("ws76" in flow.metadata for flow in memory.flows):
        assert memory.client in memory.closed
    assert not [one for one in memory.logs if one.level >= logging.ERROR]


@given(garbage=st.binary(max_size=300))
@relaxed
def test_garbage_instead_of_anything(garbage: bytes) -> None:
    memory = Memory()
    memory.from_client(garbage)
    memory.finish()
    assert memory.client in memory.closed
