"""What always holds of sessions that somebody edits, whatever is said and wherever it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws76proxy.record import AnyRecord, BytesRecord, SegmentRecord
from ws76proxy.recording import rebuild
from ws76proxy.scripting import Script
from ws76proxy.session import Command, Peer
from ws76proxy.wire import RequestHead, dialect_of

from .edited import HARMLESS, Edited, anything
from .owner import Owner
from .playbook import Clock, editing, new_session
from .test_transparency import Run
from .traffic import exchange, steps

MANY = settings(max_examples=400, deadline=None)
SOME = settings(max_examples=500, deadline=None)
seeds = st.integers(0, 2**64)
editors = st.integers(0, 150)
HARMLESS_EDITING = editing(HARMLESS)
HARMLESS_SCRIPT = editing(
    HARMLESS, [Script("s", "s.py", on_message=lambda _: None, on_request=lambda _: None)]
)


@MANY
@given(seeds, st.booleans(), st.booleans())
def test_rules_that_match_nothing_change_no_byte(seed: int, script: bool, lossless: bool) -> None:
    options: dict[str, Any] = {"host": "keep", "lossless": lossless}
    editor = HARMLESS_SCRIPT if script else HARMLESS_EDITING
    edited, plain = Run(seed, editing=editor, **options), Run(seed, **options)
    for peer in Peer:
        assert edited.sent(peer.other) == getattr(edited.said, peer.label).all
    assert sorted(map(repr, _talk(edited.owner))) == sorted(map(repr, _talk(plain.owner)))


def _talk(owner: Owner) -> list[AnyRecord]:
    """What was told, but for pieces, and for findings about early frames and ends."""
    return [one for one in owner.records if not isinstance(one, SegmentRecord | BytesRecord)]


@MANY
@given(seeds, st.sampled_from(["forward", "own"]), st.booleans())
def test_nor_do_they_cut_more(seed: int, challenge: str, messages: bool) -> None:
    options: dict[str, Any] = {"host": "keep", "challenge": challenge, "messages": messages}
    edited = Run(seed, editing=HARMLESS_EDITING, **options)
    plain = Run(seed, **options)
    for peer in Peer:
        # Frames that come with the answer are a piece of their own, as is one that never ends.
        assert len(edited.owner.sent[peer]) <= len(plain.owner.sent[peer]) + 2


@MANY
@given(seeds, editors, st.sampled_from(["forward", "own"]), st.booleans(), st.booleans())
def test_the_short_way_comes_to_the_same(
    seed: int, editor: int, challenge: str, messages: bool, harmless: bool
) -> None:
    made = HARMLESS_EDITING if harmless else editing_without_scripts(editor)
    options: dict[str, Any] = {"host": "keep", "challenge": challenge, "messages": messages}
    short = Edited(seed, made, **options).owner
    with patch("ws76proxy.session.held._Stream.plain", lambda *_: None):
        long = Edited(seed, made, **options).owner
    assert {peer: b"".join(sent) for peer, sent in short.sent.items()} == {
        peer: b"".join(sent) for peer, sent in long.sent.items()
    }
    assert short.records == long.records
    assert short.deeds == long.deeds


def editing_without_scripts(seed: int) -> Any:
    """Only rules: scripts of these tests throw dice of their own."""
    return replace(anything(seed), scripts=None)


@MANY
@given(seeds, editors, st.sampled_from(["forward", "own"]), st.booleans())
def test_what_came_is_recorded_whatever_was_made_of_it(
    seed: int, editor: int, challenge: str, repair: bool
) -> None:
    run = Edited(
        seed, anything(editor), host="keep", lossless=True, challenge=challenge, repair=repair
    )
    if run.said.client.head and not dialect_of(RequestHead(run.said.client.head)).is_websocket:
        # Plain HTTP is passed on, told in a line, and not kept.
        return
    encoded = msgspec.json.Encoder().encode_lines(run.owner.records)
    streams = rebuild(msgspec.json.Decoder(AnyRecord).decode_lines(encoded))
    assert streams.gaps == []
    assert streams.client == run.got[Peer.CLIENT]
    assert streams.server == run.got[Peer.SERVER]


@pytest.mark.parametrize("limit", [3, 100, 2**26])
@SOME
@given(seeds, editors)
def test_no_promise_is_broken_whatever_happens_when(limit: int, seed: int, editor: int) -> None:
    random = Random(seed)
    clock = Clock()
    session = new_session(
        clock,
        editing=anything(editor),
        host=random.choice(["keep", "upstream"]),
        challenge=random.choice(["forward", "own"]),
        repair=random.random() < 0.3,
        max_message=limit,
        good_findings=False,
        messages=random.random() < 0.8,
        lossless=random.random() < 0.5,
    )
    owner = Owner(session)
    owner.run(session.start())
    for peer, data in steps(random, exchange(random)):
        if owner.connecting and random.random() < 0.7:
            owner.connect()
        if not session.traffic[peer].ended and peer in owner.open:
            owner.run(session.receive_data(peer, data))
        if random.random() < 0.15:
            _happens(random, owner, clock)
    while not owner.over:
        _happens(random, owner, clock)


def _happens(random: Random, owner: Owner, clock: Clock) -> None:
    """One of the things that may happen to an edited session at any moment."""
    session = owner.session
    deeds: list[Callable[[], Iterable[Command]]] = [session.wake, session.wake]
    if random.random() < 0.1:
        deeds = [lambda: session.timed_out(30.0), session.shut_down]
    clock.seconds += random.choice([0.0, 0.5, 5.0])
    for peer in owner.open:
        deeds.append(lambda peer=peer: session.receive_eof(peer))  # type: ignore[misc]
    if owner.connecting:
        deeds.append(lambda: session.connect_failed("Connection refused"))
    for one in session.held():
        deeds.append(
            lambda one=one: session.answer_held(one.number, b"x", drop=random.random() < 0.5) or ()  # type: ignore[misc]
        )
    if owner.awaits and random.random() < 0.6:
        if random.random() < 0.2:
            owner.fails(TimeoutError("too long"))
        else:
            owner.goes_on()
        return
    if owner.open and random.random() < 0.15:
        owner.lost(
            random.choice(sorted(owner.open, key=lambda one: one.label)),
            random.choice([None, "reset"]),
        )
        return
    owner.run(random.choice(deeds)())
