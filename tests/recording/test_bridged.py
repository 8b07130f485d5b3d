"""Recordings of sessions between two dialects: read again, rebuilt, and planned to be played."""

from __future__ import annotations

import msgspec
import pytest

from tests.session.bridged import H75, H76, PAIRS, RFC, Bridged
from ws76proxy.errors import UsageError
from ws76proxy.record import AnyRecord, RequestRecord
from ws76proxy.recording import RecordedSession, rebuild
from ws76proxy.replay import plan_of
from ws76proxy.session import Peer
from ws76proxy.wire.dialect import Dialect

all_pairs = pytest.mark.parametrize(("client", "server"), PAIRS)


def recorded(client: Dialect, server: Dialect) -> tuple[list[AnyRecord], dict[Peer, bytes]]:
    """A session as its file has it, and what both peers sent."""
    play = Bridged(client, server, lossless=True, bridge={"deflate": False, "binary": "drop"})
    sent = {peer: bytearray() for peer in Peer}
    take_client, take_server = play.client, play.server

    def client_sends(*chunks: bytes) -> None:
        sent[Peer.CLIENT].extend(b"".join(chunks))
        take_client(*chunks)

    def server_sends(*chunks: bytes) -> None:
        sent[Peer.SERVER].extend(b"".join(chunks))
        take_server(*chunks)

    play.client, play.server = client_sends, server_sends  # type: ignore[method-assign]
    play.open()
    play.says("client", "one", "Grüße, 🦄")
    play.says("server", "ONE", "", "x" * 300)
    if (client is RFC) is not (server is RFC):
        play.says("client" if client is RFC else "server", b"\x00\xff")
    for who in ("client", "server"):
        play.heard(who)
    play.closes("client", 4001, "enough")
    play.heard("server")
    play.closes("server")
    play.settle()
    assert play.session.ended
    lines = msgspec.json.Encoder().encode_lines(play.records)
    records: list[AnyRecord] = msgspec.json.Decoder(AnyRecord).decode_lines(lines)
    return records, {peer: bytes(stream) for peer, stream in sent.items()}


@all_pairs
def test_what_can_be_rebuilt_is_and_the_rest_is_named(client: Dialect, server: Dialect) -> None:
    records, sent = recorded(client, server)
    streams = rebuild(records)
    for peer, dialect, stream in (
        (Peer.CLIENT, client, streams.client),
        (Peer.SERVER, server, streams.server),
    ):
        gaps = [gap for gap in streams.gaps if peer.label in gap]
        if dialect is not RFC:
            assert stream == sent[peer]
            assert gaps == []
            continue
        # The head, and the Close at its place behind it.
        head = sent[peer].index(b"\r\n\r\n") + 4
        assert stream[:head] == sent[peer][:head]
        assert len(stream) == len(sent[peer])
        assert stream[-4:] == sent[peer][-4:]
        assert any("RFC 6455" in gap for gap in gaps)


def steps_of(records: list[AnyRecord], dialect: Dialect | None = None) -> list[str]:
    plan = plan_of(RecordedSession("tape", None, records), dialect)
    return [
        f"{step.who} {step.text if step.what == 'message' else step.what}" for step in plan.steps
    ]


@all_pairs
def test_it_is_played_in_the_dialect_of_the_side_that_speaks_hixie(
    client: Dialect, server: Dialect
) -> None:
    records, _ = recorded(client, server)
    session = RecordedSession("tape", None, records)
    if client is server is RFC:
        with pytest.raises(UsageError, match="--dialect"):
            plan_of(session)
        return
    plan = plan_of(session)
    assert plan.dialect is (server if server is not RFC else client)
    assert plan.request.target == b"/demo"
    assert plan.response is not None
    names = {field.name.lower() for field in plan.request.fields}
    assert b"sec-websocket-version" not in names
    assert (b"sec-websocket-key1" in names) == (plan.dialect is H76)
    location = b"websocket-location" if plan.dialect is H75 else b"sec-websocket-location"
    assert plan.response.get(location) is not None
    said = [step.text for step in plan.steps if step.what == "message"]
    assert said == ["one", "Grüße, 🦄", "ONE", "", "x" * 300]
    assert bool([note for note in plan.notes if "binary" in note]) == (RFC in (client, server))


def test_of_several_attempts_the_last_one_counts() -> None:
    play = Bridged(H76, RFC, asks="auto", lossless=True)
    play.client(play.asking)
    play.sent("server")
    play.server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    play.server(play.accept())
    play.opened()
    play.says("client", "one")
    play.heard("server")
    play.shuts_down()
    records = list(play.records)
    assert len([one for one in records if isinstance(one, RequestRecord)]) == 2
    plan = plan_of(RecordedSession("tape", None, records))
    assert plan.response is not None
    assert plan.response.status == 101
    assert steps_of(records) == ["client one"]
