"""What is told of a session that is recorded: enough to rebuild every byte that a peer sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.flow import Error

from tests.mitm.memory import ANSWER, DIGEST, HEAD, KEY3, Memory
from ws76proxy.mitm.settings import Settings
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    ChangeRecord,
    ClosingRecord,
    MessageRecord,
    RequestRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording import rebuild
from ws76proxy.wire import encode_length

pytestmark = pytest.mark.usefixtures("patched")

HEAD_75 = (
    b"GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\n"
    b"Origin: http://example.com\r\n\r\n"
)
ANSWER_75 = (
    b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\nWebSocket-Origin: http://example.com\r\n"
    b"WebSocket-Location: ws://example.com/demo\r\n\r\n"
)
ABSURD = b"\x80" + encode_length(2**70) + b"\x00not\xffdecoded"

Step = tuple[str, bytes]


def play(memory: Memory, *steps: Step) -> tuple[bytes, bytes]:
    """Have both peers say things, and end; what each has said."""
    said = {"client": b"", "server": b""}
    for who, data in steps:
        said[who] += data
        if who == "client":
            memory.from_client(data)
        else:
            memory.from_server(data)
    memory.finish()
    return said["client"], said["server"]


def check(memory: Memory, said: tuple[bytes, bytes]) -> list[AnyRecord]:
    """The recording holds exactly that, and sums it up."""
    records = memory.recorded
    streams = rebuild(records)
    assert streams.gaps == []
    assert (streams.client, streams.server) == said
    assert isinstance(records[0], SessionStartRecord)
    end = records[-1]
    assert isinstance(end, SessionEndRecord)
    assert (end.client.bytes, end.server.bytes) == tuple(map(len, said))
    assert sum(isinstance(one, SessionStartRecord | SessionEndRecord) for one in records) == 2
    times = [one.time for one in records]
    assert times == sorted(times)
    return records


def last(memory: Memory) -> SessionEndRecord:
    end = memory.recorded[-1]
    assert isinstance(end, SessionEndRecord)
    return end


FRAMES = [
    b"\x00text\xff",
    "\x00wörld\xff".encode(),
    b"\x00bad \xc3(\xff",
    b"\x05typed\xff",
    b"\x80\x80\x03abc",
    b"\x80\x81\x00" + bytes(range(128)),
    b"\x00\xff\x00\xff",
]


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "each byte alone"])
@pytest.mark.parametrize("end", [b"\xff\x00", b"", b"\x00not fin", b"\x80\x05ab", ABSURD])
def test_an_open_session(end: bytes, cut: bool) -> None:
    memory = Memory(record=True)
    steps: list[Step] = [("client", HEAD + KEY3), ("server", ANSWER + DIGEST)]
    for frame in [*FRAMES, end]:
        steps += [("client", frame), ("server", frame)]
    if cut:
        steps = [(who, data[at : at + 1]) for who, data in steps for at in range(len(data))]
    records = check(memory, play(memory, *steps))
    assert last(memory).outcome == "open"
    assert last(memory).verdict == "verified"
    assert [one.text for one in records if isinstance(one, MessageRecord)][:2] == ["text", "text"]


def test_hixie_75() -> None:
    memory = Memory(record=True)
    said = play(
        memory,
        ("client", HEAD_75),
        ("server", ANSWER_75 + b"\x00early\xff"),
        ("client", b"\x00a\xff\xff\x00"),
    )
    check(memory, said)
    assert last(memory).dialect == "hixie-75"


def test_frames_that_come_with_the_handshake() -> None:
    memory = Memory(record=True)
    said = play(
        memory,
        ("client", b"\r\n" + HEAD + KEY3 + b"\x00ear"),
        ("client", b"ly\xff"),
        ("server", ANSWER + DIGEST + b"\x00first\xff\x00sec"),
        ("server", b"ond\xff"),
    )
    check(memory, said)


@pytest.mark.parametrize(
    "steps",
    [
        [("client", HEAD + KEY3[:3])],
        [("client", HEAD + KEY3)],
        [("client", HEAD + KEY3 + b"\x00ear"), ("client", b"ly\xff")],
        [("client", HEAD + KEY3), ("server", ANSWER[:40])],
        [("client", HEAD + KEY3), ("server", ANSWER + DIGEST[:9])],
        [("client", HEAD_75), ("server", ANSWER_75[:-3])],
        [("client", HEAD_75), ("server", b"nonsense\r\n\r\nmore")],
    ],
)
def test_a_handshake_that_comes_to_nothing(steps: list[Step]) -> None:
    memory = Memory(record=True)
    check(memory, play(memory, *steps))
    assert last(memory).outcome == "failed"


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n", b"gone"],
        [b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n0\r\n\r\n"],
        [b"HTTP/1.1 404 Not Found\r\n\r\nuntil the ", b"end"],
        [b"HTTP/1.1 404 Not Found\r\n\r\n", *[b"x" * 50_000] * 5],
    ],
    ids=["length", "chunked", "until the end", "long"],
)
@pytest.mark.parametrize("threshold", [None, "3"], ids=["kept", "streamed"])
def test_a_refusal(answer: list[bytes], threshold: str | None) -> None:
    memory = Memory(record=True, stream_large_bodies=threshold)
    steps = [("server", piece) for piece in answer]
    said = play(memory, ("client", HEAD + KEY3 + b"\x00early\xff"), *steps)
    check(memory, said)
    assert last(memory).outcome == "refused"


def test_half_a_digest_is_told_as_in_the_relay() -> None:
    memory = Memory(record=True)
    play(memory, ("client", HEAD + KEY3), ("server", ANSWER + DIGEST[:9]))
    (challenge,) = [one for one in memory.recorded if isinstance(one, ChallengeRecord)]
    assert (challenge.verdict, challenge.received) == ("missing", DIGEST[:9].hex())
    assert not any(isinstance(one, BytesRecord) for one in memory.recorded)
    assert last(memory).verdict == "missing"


@pytest.mark.parametrize(
    "settings", [Settings(challenge="own"), Settings(repair=True), Settings(strict=True)]
)
def test_other_ways_to_ask(settings: Settings) -> None:
    memory = Memory(settings, record=True)
    said = play(
        memory,
        ("client", HEAD + KEY3),
        ("server", ANSWER + b"sixteen wrong by"),
        ("client", b"\x00hello\xff"),
    )
    check(memory, said)


def test_a_later_request_on_the_same_connection_is_another_session() -> None:
    memory = Memory(record=True)
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    memory.from_client(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    memory.from_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    memory.from_client(HEAD + KEY3)
    memory.from_server(refusal)
    check(memory, (HEAD + KEY3, refusal))
    memory.recorded.clear()
    memory.from_client(HEAD + KEY3)
    memory.from_server(ANSWER + DIGEST + b"\x00hi\xff")
    memory.finish()
    check(memory, (HEAD + KEY3, ANSWER + DIGEST + b"\x00hi\xff"))


def deciding(decide: Callable[[Any], object]) -> Callable[[str, http.HTTPFlow], object]:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "websocket_message" and flow.websocket is not None:
            decide(flow.websocket.messages[-1])

    return then


def test_what_came_is_recorded_and_what_became_of_it_is_said() -> None:
    def decide(message: Any) -> None:
        if message.content == b"edit me":
            message.content = b"edited"
        elif message.content == b"drop me":
            message.drop()

    memory = Memory(then=deciding(decide), record=True)
    said = play(
        memory,
        ("client", HEAD + KEY3),
        ("server", ANSWER + DIGEST),
        ("client", b"\x00edit me\xff\x00drop me\xff\x00leave me\xff"),
    )
    records = check(memory, said)
    assert memory.to_server.endswith(b"\x00edited\xff\x00leave me\xff")
    changes = [one for one in records if isinstance(one, ChangeRecord)]
    told = [(one.direction, one.number, one.deed, one.before, one.after) for one in changes]
    assert told == [
        ("client", 1, "edit", "edit me", "edited"),
        ("client", 2, "drop", None, None),
    ]
    # The flow shows them itself.
    assert not any(one["type"] == "change" for one in memory.told["records"])


def test_all_of_a_burst_is_recorded_though_it_is_killed_in_the_midst() -> None:
    def decide(message: Any) -> None:
        if message.content == b"kill me":
            flow = memory.flow
            flow.live = False
            flow.error = Error(Error.KILLED_MESSAGE)

    memory = Memory(then=deciding(decide), record=True)
    said = play(
        memory,
        ("client", HEAD + KEY3),
        ("server", ANSWER + DIGEST),
        ("client", b"\x00one\xff\x00kill me\xff\x05odd\xff\x00three\xff\x00unfi"),
    )
    records = check(memory, said)
    assert memory.to_server.endswith(b"\x00one\xff")
    (closing,) = [one for one in records if isinstance(one, ClosingRecord)]
    assert (closing.by, closing.how) == ("relay", "shutdown")


def test_a_request_that_somebody_changes_later_is_told_again() -> None:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "request":
            flow.request.headers["X-Late"] = "yes"

    memory = Memory(then=then, record=True)
    said = play(memory, ("client", HEAD + KEY3), ("server", ANSWER + DIGEST))
    records = check(memory, said)
    first, second = [one for one in records if isinstance(one, RequestRecord)]
    assert first.head == second.head
    assert "X-Late" not in (first.sent or "")
    assert "X-Late: yes" in (second.sent or "")


def test_nothing_is_kept_where_nobody_records() -> None:
    memory = Memory()
    play(memory, ("client", HEAD + KEY3), ("server", ANSWER + DIGEST), ("client", b"\x80\x05ab"))
    assert memory.recorded == []
    assert not any(one["type"] == "bytes" for one in memory.told["records"])
