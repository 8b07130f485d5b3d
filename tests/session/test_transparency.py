"""What always holds: bytes pass unchanged, whatever they are, wherever they are cut."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from ws76proxy.session import Command, Peer, Send, Session
from ws76proxy.wire import HeadLimits, RequestHead, ResponseHead

from .examples import DIGEST, KEY3, answer, request
from .owner import Owner
from .playbook import Clock, new_session
from .traffic import Exchange, exchange, steps

MANY = settings(max_examples=4000, deadline=None)
SOME = settings(max_examples=600, deadline=None)
seeds = st.integers(0, 2**64)


class Run:
    """A generated connection, driven through a session to its end."""

    def __init__(self, seed: int, *, looks_afterwards: bool = False, **options: Any) -> None:
        random = Random(seed)
        self.said: Exchange = exchange(random)
        session = new_session(Clock(), **options)
        self.owner = Owner(session, looks_afterwards=looks_afterwards)
        self._random = random
        self.owner.run(self.owner.session.start())
        self._talk()

    def sent(self, peer: Peer) -> bytes:
        """All that a peer got."""
        return b"".join(self.owner.sent[peer])

    def _talk(self) -> None:
        random, owner, session = self._random, self.owner, self.owner.session
        unread: dict[Peer, list[bytes]] = {peer: [] for peer in Peer}
        late = random.random() < 0.3
        for peer, data in steps(random, self.said):
            if owner.connecting and not (late and peer is Peer.CLIENT and random.random() < 0.8):
                owner.connect()
            # What is not read while reading is paused comes in one piece afterwards.
            unread[peer].append(data)
            self._read(unread)
        if owner.connecting:
            owner.connect()
        self._read(unread)
        # The end of a connection that is not read waits too.
        first = random.choice([peer for peer in Peer if peer not in owner.paused])
        for peer in (first, first.other):
            owner.run(session.receive_eof(peer))
            self._read(unread)
        assert owner.over

    def _read(self, unread: dict[Peer, list[bytes]]) -> None:
        for peer in Peer:
            if unread[peer] and peer not in self.owner.paused:
                data, unread[peer] = b"".join(unread[peer]), []
                self.owner.receive(peer, data)


@MANY
@given(seeds)
def test_what_one_side_says_the_other_gets_to_the_byte(seed: int) -> None:
    run = Run(seed, host="keep")
    assert run.sent(Peer.SERVER) == run.said.client.all
    assert run.sent(Peer.CLIENT) == run.said.server.all


@SOME
@given(seeds)
def test_heads_differ_only_in_what_was_adjusted(seed: int) -> None:
    run = Run(seed, host="upstream")
    if run.said.kind == "web":
        # A page's heads are never touched, but an upgrade may stand among them.
        return
    for peer, kind, names in (
        (Peer.CLIENT, RequestHead, {b"host", b"origin"}),
        (Peer.SERVER, ResponseHead, _ADDRESSES),
    ):
        said = run.said.client if peer is Peer.CLIENT else run.said.server
        sent = run.sent(peer.other)
        behind = said.tail + said.rest
        assert sent.endswith(behind)
        if not _is_whole(said.head):
            assert sent == said.all
            continue
        came, went = kind(said.head), kind(sent.removesuffix(behind))
        assert (went.preamble, went.start_line) == (came.preamble, came.start_line)
        for before, after in zip(came.fields, went.fields, strict=True):
            assert before.raw == after.raw or before.name.lower() in names
            assert (before.name, before.line_end) == (after.name, after.line_end)


@SOME
@given(seeds, st.booleans(), st.sampled_from([0, 1, 40, 65_536]))
def test_looking_afterwards_comes_to_the_same(seed: int, messages: bool, read: int) -> None:
    # How far text is looked into decides when the short way begins.
    with patch("ws76proxy.diagnosis.checks.frames._READ", read):
        one = Run(seed, host="keep", messages=messages).owner
        other = Run(seed, host="keep", messages=messages, looks_afterwards=True).owner
    assert one.sent == other.sent
    assert one.records == other.records


@SOME
@given(seeds, st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_a_chunk_of_the_conversation_leaves_whole(seed: int, chunks: list[bytes]) -> None:
    random = Random(seed)
    session = _open_session()
    for chunk in chunks:
        peer = random.choice(list(Peer))
        sends = [one for one in session.receive_data(peer, chunk) if isinstance(one, Send)]
        assert sends == [Send(peer.other, chunk)]
        assert sends[0].data is chunk


@MANY
@given(seeds)
def test_no_promise_is_broken_whatever_happens_when(seed: int) -> None:
    random = Random(seed)
    owner = Owner(
        new_session(
            Clock(),
            host=random.choice(["keep", "upstream"]),
            challenge=random.choice(["forward", "own"]),
            repair=random.random() < 0.5,
            allow_origins=random.choice([(), (), (), ("http://*",)]),
            max_message=random.choice([3, 100, 2**26]),
            head_limits=HeadLimits(size=random.choice([200, 65_536])),
            good_findings=random.random() < 0.5,
            messages=random.random() < 0.8,
        ),
        looks_afterwards=random.random() < 0.5,
    )
    session = owner.session
    owner.run(session.start())
    # An owner who reads on while it should pause; and nothing comes from who has ended.
    for peer, data in steps(random, exchange(random)):
        if owner.connecting and random.random() < 0.7:
            owner.connect()
        if not session.traffic[peer].ended and (peer is Peer.CLIENT or Peer.SERVER in owner.open):
            owner.receive(peer, data)
        if random.random() < 0.08:
            _happens(random, owner)
    while not owner.over:
        _happens(random, owner)


def test_what_is_above_the_limit_is_not_kept() -> None:
    session = _open_session(max_message=64 * 1024)
    chunk = b"a" * 1448
    tracemalloc.start()
    try:
        for start in (b"\x00", b"\x80\x81\x80\x80\x00", b"\x05"):
            for data in [start, *[chunk] * 1000]:
                for _ in session.receive_data(Peer.CLIENT, data):
                    pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400_000


_ADDRESSES = {
    b"sec-websocket-location",
    b"websocket-location",
    b"sec-websocket-origin",
    b"websocket-origin",
}


def _is_whole(head: bytes) -> bool:
    """Whether this is a head of HTTP: what does not end is not adjusted."""
    return head.startswith((b"GET", b"HTTP", b"\r\n")) and head.endswith((b"\n\n", b"\n\r\n"))


def _open_session(**options: Any) -> Session:
    owner = Owner(new_session(Clock(), host="keep", **options))
    owner.run(owner.session.receive_data(Peer.CLIENT, request() + KEY3))
    owner.connect()
    owner.run(owner.session.receive_data(Peer.SERVER, answer() + DIGEST))
    return owner.session


def _happens(random: Random, owner: Owner) -> None:
    """One of the things that may happen to a connection at any moment."""
    session = owner.session
    peer = random.choice([peer for peer in Peer if peer in owner.open])
    deeds: list[Callable[[], Iterable[Command]]] = [
        lambda: session.receive_eof(peer),
        lambda: session.receive_eof(peer),
        lambda: session.connection_lost(peer, random.choice([None, "Connection reset by peer"])),
        lambda: session.timed_out(30.0),
        session.shut_down,
    ]
    if owner.connecting:
        deeds += [lambda: session.connect_failed("Connection refused")] * 2
    owner.run(random.choice(deeds)())
