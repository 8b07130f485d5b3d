"""Any conversation, however the network treats it, is told as a relay would have told it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.session.owner import Owner
from tests.session.traffic import Exchange, exchange, steps
from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording import rebuild
from ws76proxy.session import Peer, Session, SessionOptions

from .tcp import (
    CLIENT,
    FIN,
    SERVER,
    START,
    Packet,
    Talk,
    at_times,
    follow,
    notices,
    of_type,
    the_end,
)

PEERS = (Peer.CLIENT, Peer.SERVER)
HIXIE = ("hixie-76", "hixie-75")


def relayed(packets: list[Packet]) -> list[AnyRecord]:
    """What a relay between the two would have told, driven by the same packets."""
    time = START
    server = Endpoint(False, packets[0].addresses[SERVER], packets[0].ports[SERVER])
    session = Session(
        1,
        SessionOptions(upstream=server, listener=server, host="keep", lossless=True),
        client=f"{packets[0].addresses[CLIENT]}:{packets[0].ports[CLIENT]}",
        started="2011-03-13T07:06:40.000000+00:00",
        clock=lambda: (time - START) / 10**9,
        random_below=lambda bound: pytest.fail(f"asked for {bound}"),
    )
    owner = Owner(session)
    owner.run(session.start())
    for packet in packets:
        time = packet.time
        peer = PEERS[packet.sender]
        if packet.payload and not session.ended:
            owner.run(session.receive_data(peer, packet.payload))
        if owner.connecting:
            owner.connect()
        if packet.flags & FIN and not session.ended:
            owner.run(session.receive_eof(peer))
    return owner.records


def carried(said: Exchange, random: Random) -> Talk:
    """An exchange over TCP."""
    talk = Talk(next=[random.getrandbits(32), random.getrandbits(32)]).open()
    for peer, data in steps(random, said):
        talk.say(PEERS.index(peer), data)
    return talk.end(*random.choice([(CLIENT, SERVER), (SERVER, CLIENT)]))


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_as_the_relay_would_have_told(seed: int) -> None:
    random = Random(seed)
    said = exchange(random)
    while said.kind in ("anything", "rfc6455") or b"-version:" in said.client.all.lower():
        said = exchange(random)
    talk = carried(said, random)
    records = follow(talk.packets)
    assert records == relayed(talk.packets)
    assert of_type(records, AdjustmentRecord) == []


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_what_the_network_does_to_packets_does_not_show(seed: int) -> None:
    """Cut anew, repeated, and out of order within a few packets: the same bytes."""
    random = Random(seed)
    said = exchange(random)
    while said.kind not in HIXIE:
        said = exchange(random)
    talk = Talk(next=[random.getrandbits(32), random.getrandbits(32)]).open()
    first = len(talk.packets)
    for peer, data in steps(random, said):
        talk.say(PEERS.index(peer), data)
    talk.end()
    captured = [*talk.packets]
    for packet in talk.packets[first:]:
        if random.random() < 0.2:
            # Sent again, perhaps together with what came before or after.
            captured.insert(random.randrange(captured.index(packet), len(captured)), packet)
    places = [place + random.uniform(0, 4) for place in range(len(captured))]
    # Nobody says anything before the connection stands.
    places[:first] = range(-first, 0)
    order = sorted(range(len(captured)), key=places.__getitem__)
    captured = [captured[number] for number in order]
    records = follow(at_times(captured))
    rebuilt = rebuild(records)
    assert rebuilt.gaps == []
    assert rebuilt.client == said.client.all
    assert rebuilt.server == said.server.all
    assert notices(records) == []
    assert the_end(records).client.bytes == len(said.client.all)


@given(st.integers(0, 2**32))
def test_whatever_is_lost_is_told(seed: int) -> None:
    """Packets that were not captured: no failure, and nothing that was not said."""
    random = Random(seed)
    said = exchange(random)
    while said.kind not in HIXIE:
        said = exchange(random)
    packets = carried(said, random).packets
    kept = [packet for packet in packets if random.random() < 0.9]
    records = follow(kept)
    for number in {record.session for record in records}:
        one = [record for record in records if record.session == number]
        if isinstance(one[0], SessionStartRecord):
            assert isinstance(one[-1], SessionEndRecord)
            assert sum(isinstance(record, SessionEndRecord) for record in one) == 1
    if kept == packets:
        assert rebuild(records).client == said.client.all
    if rebuild(records).client not in said.client.all:
        assert notices(records)
