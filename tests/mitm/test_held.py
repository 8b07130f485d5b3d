"""Messages held until they are decided: the core's own rules, without mitmproxy."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

import pytest

from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    BytesRecord,
    ChangeRecord,
    FindingRecord,
    FrameRecord,
    Messages,
    NoticeRecord,
)
from ws76proxy.rules import read_rules
from ws76proxy.session import Editing, Peer, Send, Session, SessionOptions, Tell
from ws76proxy.session.held import Decide, HeldConversation, HeldMessage
from ws76proxy.wire import Dialect, Head, RequestHead, ResponseHead, encode_length, hixie75

REQUEST = RequestHead(Head.build("GET / HTTP/1.1", [("Upgrade", "WebSocket")]).raw)
RESPONSE = ResponseHead(Head.build("HTTP/1.1 101 Yes", []).raw)


class _Book:
    """Rules that never change."""

    def __init__(self, text: str) -> None:
        self.current = read_rules(text, "rules", read_file=lambda _name: b"")


class Held:
    """A conversation of hixie-75 (no keys to make) and what it asked for."""

    def __init__(
        self,
        decide: Callable[[HeldMessage], object] = lambda _message: None,
        max_message: int = 100,
        early: bytes = b"",
        lossless: bool = False,
        rules: str = "",
    ) -> None:
        self.decide = decide
        self.sent = {Peer.CLIENT: list[bytes](), Peer.SERVER: list[bytes]()}
        self.decided: list[HeldMessage] = []
        self.told: list[object] = []
        here = Endpoint(False, "here", 80)
        self.session = Session(
            1,
            SessionOptions(
                upstream=here, listener=here, max_message=max_message, lossless=lossless
            ),
            client="",
            started="",
            clock=lambda: 0.0,
            random_below=lambda _below: 0,
            editing=Editing(rules=_Book(rules), asks=True),
        )
        assert self.session.edits is not None
        self.session.edits.begin(Dialect.HIXIE_75, REQUEST)
        client = hixie75.ServerConnection(max_message=max_message)
        server = hixie75.ClientConnection(max_message=max_message)
        client.receive_head(REQUEST)
        client.receive_data(early)
        server.receive_head(RESPONSE)
        for leg in (client, server):
            leg.events()
        # Whoever has read the handshake has counted it.
        self.session.traffic[Peer.CLIENT].bytes = len(REQUEST.raw)
        self.phase = HeldConversation(self.session, client, server, asks_owner=True)
        self.session.enter(self.phase)
        self._carry_out(self.phase.begin())

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._carry_out(self.session.receive_data(Peer.CLIENT, piece))

    def inject(self, content: bytes | str) -> None:
        self._carry_out(self.phase.inject(Peer.CLIENT, content))

    def end(self) -> None:
        self._carry_out(self.session.connection_lost(Peer.CLIENT, None))

    def stop(self) -> None:
        self._carry_out(self.session.end())

    @property
    def notices(self) -> list[str]:
        return [one.text for one in self.told if isinstance(one, NoticeRecord)]

    @property
    def passed(self) -> list[bytes]:
        return self.sent[Peer.SERVER]

    def _carry_out(self, asked: Iterable[object]) -> None:
        for command in asked:
            if isinstance(command, Send):
                self.sent[command.peer].append(command.data)
            elif isinstance(command, Tell):
                self.told.append(command.record)
            elif isinstance(command, Decide):
                self.decided.append(command.message)
                self.decide(command.message)


def test_each_message_is_decided_and_leaves_in_one_write() -> None:
    held = Held(early=b"\x00first\xff\x00se")
    held.say(b"cond\xff\x00", b"third\xff")
    assert held.passed == [b"\x00first\xff", b"\x00second\xff", b"\x00third\xff"]
    assert [one.number for one in held.decided] == [1, 2, 3]
    assert [one.content for one in held.decided] == [b"first", b"second", b"third"]


def test_nothing_leaves_before_it_is_whole() -> None:
    held = Held()
    held.say(b"\x00not ", b"whole")
    assert held.passed == []
    held.end()
    assert held.passed == [b"\x00not whole"]
    assert held.decided == []


def test_invalid_utf8_keeps_its_bytes() -> None:
    held = Held()
    held.say(b"\x00bad \xc3(\xff")
    assert held.passed == [b"\x00bad \xc3(\xff"]
    assert held.decided[0].content == b"bad \xc3("
    codes = [one.code for one in held.told if isinstance(one, FindingRecord)]
    assert codes == ["text-not-utf8"]


@pytest.mark.parametrize("content", [b"w\xc3\xb6rld", "wörld"])
def test_a_changed_message_is_framed_anew(content: bytes | str) -> None:
    def decide(message: HeldMessage) -> None:
        message.content = content

    held = Held(decide)
    held.say(b"\x00one\xff\x00two\xff")
    assert held.passed == [b"\x00w\xc3\xb6rld\xff"] * 2


def test_a_dropped_message_does_not_leave() -> None:
    held = Held(lambda message: setattr(message, "dropped", message.content == b"drop"))
    held.say(b"\x00keep\xff\x00drop\xff\x05other\xff\x00keep\xff")
    assert held.passed == [b"\x00keep\xff", b"\x05other\xff", b"\x00keep\xff"]
    assert held.session.traffic[Peer.CLIENT].messages == 3


@pytest.mark.parametrize("content", [b"a\xffb", "\ud800"])
def test_what_cannot_be_framed_is_refused_and_the_original_leaves(content: bytes | str) -> None:
    def decide(message: HeldMessage) -> None:
        message.content = content

    held = Held(decide)
    held.say(b"\x00original\xff")
    assert held.passed == [b"\x00original\xff"]
    assert held.decided[0].content == b"original"
    assert "message 1 of the client goes on unchanged" in held.notices[0]


def test_other_frames_pass_as_they_came() -> None:
    held = Held()
    frames = [b"\x05typed\xff", b"\x80\x80\x80\x02ab", b"\xff\x00", b"\xff\x01x"]
    held.say(b"".join(frames))
    assert held.passed == frames
    assert len([one for one in held.told if isinstance(one, FrameRecord)]) == 4
    assert held.decided == []


def test_messages_are_told_after_they_have_left() -> None:
    held = Held()
    held.say(b"\x00one\xff\x00two\xff")
    (told,) = [one for one in held.told if isinstance(one, Messages)]
    assert [one.text for one in told.records()] == ["one", "two"]
    assert told.first_number == 1


def test_what_is_too_long_to_be_held_passes_unread() -> None:
    held = Held()
    held.say(b"\x00" + b"x" * 60, b"y" * 60)
    assert held.passed == [b"\x00" + b"x" * 60 + b"y" * 60]
    held.say(b"z" * 10, b"end\xff\x00next\xff")
    assert held.passed[1:] == [b"z" * 10, b"end\xff", b"\x00next\xff"]
    assert [one.content for one in held.decided] == [b"next"]


def test_a_frame_that_is_too_long_and_whole_at_once() -> None:
    held = Held()
    held.say(b"\x00" + b"x" * 200 + b"\xff\x00next\xff")
    assert b"".join(held.passed) == b"\x00" + b"x" * 200 + b"\xff\x00next\xff"
    assert [one.content for one in held.decided] == [b"next"]


def test_a_length_that_cannot_be_understood_ends_the_reading() -> None:
    held = Held()
    absurd = b"\x80" + encode_length(2**70)
    held.say(b"\x00ok\xff" + absurd + b"\x00what", b"ever\xff")
    assert b"".join(held.passed) == b"\x00ok\xff" + absurd + b"\x00whatever\xff"
    assert [one.content for one in held.decided] == [b"ok"]
    held.inject(b"no")
    assert held.notices == ["not injected: a frame of the client is passing"]


def test_many_small_frames_in_a_chunk_take_no_longer_than_their_bytes() -> None:
    held = Held(max_message=1_000_000)
    chunk = b"\x05\xff" * 50_000
    held.say(chunk)
    assert b"".join(held.passed) == chunk


def test_a_message_in_many_pieces() -> None:
    held = Held(max_message=10_000_000)
    frame = b"\x00" + b"x" * 1_000_000 + b"\xff"
    held.say(*(frame[at : at + 100] for at in range(0, len(frame), 100)))
    assert held.passed == [frame]


def test_injected() -> None:
    held = Held()
    held.say(b"\x00half")
    held.inject("wörld")
    held.inject(b"\xc3(")
    held.say(b" and half\xff")
    assert held.passed == [b"\x00w\xc3\xb6rld\xff", b"\x00\xc3(\xff", b"\x00half and half\xff"]
    assert [one.injected for one in held.decided] == [True, True, False]
    assert held.session.traffic[Peer.CLIENT].messages == 1


def test_injected_and_refused() -> None:
    held = Held()
    held.inject(b"no \xff")
    assert held.passed == []
    assert held.decided == []
    assert len(held.notices) == 1
    assert held.notices[0].startswith("not injected: byte 0xFF at offset 3")


def _told_bytes(held: Held) -> list[tuple[int, bytes]]:
    records = [one for one in held.told if isinstance(one, BytesRecord)]
    return [(one.offset, base64.b64decode(one.raw)) for one in records]


ABSURD = b"\x80" + encode_length(2**70)


@pytest.mark.parametrize("ends", ["the client ends", "both are ended"])
def test_what_no_frame_holds_is_told(ends: str) -> None:
    held = Held(lossless=True)
    held.say(b"\x00whole\xff\x00not ", b"finished")
    assert _told_bytes(held) == []
    if ends == "the client ends":
        held.end()
    else:
        held.stop()
    assert _told_bytes(held) == [(len(REQUEST.raw) + 7, b"\x00not finished")]


def test_what_is_not_decoded_is_told_once() -> None:
    held = Held(lossless=True)
    held.say(b"\x00ok\xff" + ABSURD + b"\x00what", b"ever\xff")
    held.end()
    told = b"".join(data for _, data in _told_bytes(held))
    frames = [one for one in held.told if isinstance(one, FrameRecord)]
    assert base64.b64decode(frames[0].raw) + told == ABSURD + b"\x00whatever\xff"
    offsets = [offset for offset, _ in _told_bytes(held)]
    assert offsets[-1] == len(REQUEST.raw) + 4 + len(ABSURD) + len(b"\x00what")


def test_nobody_is_told_where_nobody_records() -> None:
    held = Held(lambda message: setattr(message, "content", b"else"))
    held.say(b"\x00one\xff", ABSURD + b"rest")
    held.end()
    assert _told_bytes(held) == []
    assert held.notices == []


def test_what_became_of_a_message_is_told_behind_it() -> None:
    def decide(message: HeldMessage) -> None:
        if message.original == b"drop":
            message.dropped = True
        elif message.original != b"leave":
            message.content = "wörld" * 1000

    held = Held(decide, lossless=True)
    held.say(b"\x00change\xff\x00drop\xff\x00leave\xff")
    held.inject("more")
    changes = [one for one in held.told if isinstance(one, ChangeRecord)]
    assert [type(one) for one in held.told] == [Messages, ChangeRecord, ChangeRecord, ChangeRecord]
    assert [(one.by, one.deed, one.number) for one in changes] == [
        ("person", "edit", 1),
        ("person", "drop", 2),
        ("person", "inject", 0),
    ]
    edited, _, injected = changes
    assert (edited.before, edited.after) == ("change", "wörld" * 1000)
    assert injected.after == "wörld" * 1000


def test_an_edit_that_cannot_be_framed_is_not_told_as_one() -> None:
    held = Held(lambda message: setattr(message, "content", b"\xff"))
    held.say(b"\x00original\xff")
    assert not [one for one in held.told if isinstance(one, ChangeRecord)]
    assert len(held.notices) == 1


PAUSE = '[[message]]\nname = "look"\ndo = [{ action = "pause" }]\n'


def test_what_a_rule_pauses_waits_for_the_owner_alone() -> None:
    """It has been asked: nobody else decides about the message after that."""
    held = Held(lambda message: setattr(message, "content", b"edited"), rules=PAUSE)
    held.say(b"\0one\xff")
    assert [message.paused_by for message in held.decided] == ["look"]
    assert held.sent[Peer.SERVER] == [b"\0edited\xff"]
    assert held.session.held() == []
    changes = [one for one in held.told if isinstance(one, ChangeRecord)]
    assert [(one.by, one.name, one.deed) for one in changes] == [
        ("rule", "look", "pause"),
        ("person", "", "edit"),
    ]
