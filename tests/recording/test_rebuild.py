"""What is told of a session holds every byte of both peers, at its place."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.session.examples import DIGEST, KEY3, answer, request
from tests.session.playbook import Play, opened
from tests.session.test_transparency import Run
from ws76proxy.record import AnyRecord, BytesRecord, SegmentRecord
from ws76proxy.recording import rebuild
from ws76proxy.session import Peer
from ws76proxy.wire import HeadLimits, RequestHead, dialect_of

seeds = st.integers(0, 2**64)


def rebuilt(records: list[AnyRecord]) -> tuple[bytes, bytes, list[str]]:
    """The two streams, and what is missing, after the records have been lines of a file."""
    encoded = msgspec.json.Encoder().encode_lines(records)
    streams = rebuild(msgspec.json.Decoder(AnyRecord).decode_lines(encoded))
    return streams.client, streams.server, streams.gaps


@settings(max_examples=2000, deadline=None)
@given(seeds, st.booleans(), st.sampled_from(["forward", "own"]))
def test_every_byte_of_any_connection_comes_back(seed: int, afterwards: bool, mode: str) -> None:
    run = Run(
        seed,
        looks_afterwards=afterwards,
        host="keep",
        lossless=True,
        challenge=mode,
        head_limits=HeadLimits(size=2048),
    )
    client, server, gaps = rebuilt(run.owner.records)
    said = run.said
    asks = dialect_of(RequestHead(said.client.head)).is_websocket if said.client.head else True
    if not asks:
        # Plain HTTP is passed on, told in a line, and not kept.
        return
    assert gaps == []
    assert client == said.client.all
    assert server == said.server.all


@pytest.mark.parametrize("end", ["client", "server", "timeout", "stop"])
@pytest.mark.parametrize("size", [1, 20, len(request()) - 1, len(request()), len(request()) + 5])
def test_a_handshake_that_breaks_off_is_kept(size: int, end: str) -> None:
    play = Play(host="keep", lossless=True)
    said = (request() + KEY3)[:size]
    play.client(said)
    # Before its head is whole there is no server.
    finish(play, end if size >= len(request()) else "client")
    assert rebuilt(play.records) == (said, b"", [])


@pytest.mark.parametrize("end", ["client", "server", "timeout", "stop"])
@pytest.mark.parametrize("size", [1, 20, len(answer()), len(answer()) + 15])
def test_an_answer_that_breaks_off_is_kept(size: int, end: str) -> None:
    play = Play(host="keep", lossless=True)
    asked, answered = request() + KEY3, (answer() + DIGEST)[:size]
    play.client(asked)
    play.server(answered)
    finish(play, end)
    assert rebuilt(play.records) == (asked, answered, [])


@pytest.mark.parametrize(
    "rest",
    [
        b"\x00unfinished",
        b"\x80\x05abc",
        b"\x80" + b"\xff" * 12 + b"\x00what is this",
        b"\x00a\xff\x80" + b"\xff" * 12 + b"\x00more\xff",
        b"\xff\x00behind the end",
    ],
)
@pytest.mark.parametrize("end", ["client", "server", "timeout", "stop"])
def test_what_is_no_whole_frame_is_kept(rest: bytes, end: str) -> None:
    play = opened(lossless=True)
    play.client(rest)
    play.server(b"\x00before\xff" + rest)
    play.server(b"later")
    finish(play, end)
    client, server, gaps = rebuilt(play.records)
    assert gaps == []
    assert client == request() + KEY3 + rest
    assert server == answer() + DIGEST + b"\x00before\xff" + rest + b"later"


def test_the_pieces_of_the_handshake_are_told() -> None:
    play = Play(host="keep", lossless=True)
    head = request()
    play.client(head[:30])
    play.client(head[30:] + KEY3[:3])
    play.client(KEY3[3:])
    play.server(answer() + DIGEST + b"\x00first\xff")
    play.server(b"\x00second\xff")
    pieces = [
        (record.direction, record.offset, record.size)
        for record in play.records
        if isinstance(record, SegmentRecord)
    ]
    length = len(head)
    assert pieces == [
        ("client", 0, 30),
        ("client", 30, length - 30 + 3),
        ("client", length + 3, 5),
        ("server", 0, len(answer()) + 16 + 7),
    ]


def test_without_being_asked_nothing_of_it_is_told() -> None:
    play = Play(host="keep")
    play.client(request()[:30])
    finish(play, "client")
    assert play.records
    assert not any(isinstance(record, SegmentRecord | BytesRecord) for record in play.records)


def finish(play: Play, how: str) -> None:
    if how == "timeout":
        play.times_out()
    elif how == "stop":
        play.shuts_down()
    else:
        play.lost(Peer(how), None)
