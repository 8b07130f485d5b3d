"""Messages that one side has and the other has not, pings, and how they are told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ws76proxy.record import (
    BytesRecord,
    ClosingRecord,
    FrameRecord,
    MessageRecord,
    SegmentRecord,
)
from ws76proxy.session import Peer
from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, RFC, Bridged

BINARY = b"\x00\x01\xfe\xff"
MODERN = [
    (RFC, H76, "client"),
    (RFC, H75, "client"),
    (H76, RFC, "server"),
    (H75, RFC, "server"),
]
modern = pytest.mark.parametrize(("client", "server", "who"), MODERN)


def other(who: str) -> str:
    return "server" if who == "client" else "client"


def messages(play: Bridged) -> list[MessageRecord]:
    return [one for one in play.records if isinstance(one, MessageRecord)]


@pytest.mark.parametrize("who", ["client", "server"])
def test_binary_between_modern_sides(who: str) -> None:
    play = Bridged(RFC, RFC).open()
    play.says(who, "text", BINARY, b"", "more")
    assert play.heard(other(who)) == ["text", BINARY, b"", "more"]
    told = [(one.number, one.text, one.payload, one.binary) for one in messages(play)]
    assert told == [
        (1, "text", None, False),
        (2, "", base64.b64encode(BINARY).decode(), True),
        (3, "", "", True),
        (4, "more", None, False),
    ]
    assert play.codes == []


@modern
@pytest.mark.parametrize("policy", ["refuse", "text"])
def test_binary_is_refused(client: Dialect, server: Dialect, who: str, policy: str) -> None:
    play = Bridged(client, server, bridge={"binary": policy}).open()
    play.says(who, BINARY)
    heard = play.heard(who)
    assert str(heard[0]).startswith("close 1003 ")
    assert play.heard(other(who)) == ["end"]
    assert play.codes == ["bridge-binary-refused"]
    assert [one.binary for one in messages(play)] == [True]
    play.closes(other(who))
    play.over("open", *dict.fromkeys(play.codes))


@modern
@pytest.mark.parametrize(
    ("policy", "said", "heard"),
    [
        ("drop", [b"x", "kept"], ["kept"]),
        ("text", ["Grüße".encode(), "kept"], ["Grüße", "kept"]),
        ("base64", [BINARY, "kept"], ["AAH+/w==", "kept"]),
    ],
)
def test_binary_where_there_is_none(
    client: Dialect, server: Dialect, who: str, policy: str, said: list[Any], heard: list[str]
) -> None:
    play = Bridged(client, server, bridge={"binary": policy}).open()
    play.says(who, *said)
    assert play.heard(other(who)) == heard
    assert play.codes == (["bridge-binary-dropped"] if policy == "drop" else [])


def test_base64_as_both_have_agreed() -> None:
    play = Bridged(RFC, H76, bridge={"binary": "base64"}, protocols=("binary",)).open("base64")
    play.says("client", BINARY)
    assert play.heard("server") == ["AAH+/w=="]
    play.says("server", "AAH+/w==", "?")
    assert play.heard("client") == [BINARY, "?"]
    assert play.codes == ["bridge-not-base64"]


@modern
def test_a_ping_is_answered_here_and_told(client: Dialect, server: Dialect, who: str) -> None:
    play = Bridged(client, server).open()
    connection = play.peers[Peer(who)]
    connection.send_ping(b"hello")
    play.sends(who, connection.data_to_send())
    assert play.heard(who) == ["pong hello"]
    assert play.heard(other(who)) == []
    frames = [one for one in play.records if isinstance(one, FrameRecord)]
    assert [(one.direction, one.frame_type) for one in frames] == [(who, 0x89)]


def test_who_is_silent_is_pinged() -> None:
    play = Bridged(H76, RFC, ping_interval=20.0).open()
    assert play.session.due == 20.0
    assert play.session.holds_until > 1e9
    play.time_passes(15)
    play.says("server", "not silent")
    assert play.heard("client") == ["not silent"]
    play.wakes(6)
    assert play.heard("server") == []
    play.wakes(15)
    assert play.heard("server") == ["ping"]
    frames = [one for one in play.records if isinstance(one, FrameRecord)]
    assert [(one.direction, one.frame_type) for one in frames] == [("server", 0x8A)]
    play.closes("client")
    assert play.heard("server") == ["close 1000"]
    play.wakes(100)
    assert play.heard("server") == []


def test_both_modern_sides_are_pinged_and_no_old_one() -> None:
    play = Bridged(RFC, RFC, ping_interval=5.0).open()
    play.wakes(5)
    assert play.heard("server") == play.heard("client") == ["ping"]
    old = Bridged(H76, H75, ping_interval=5.0).open()
    assert old.session.due > 1e9


@pytest.mark.parametrize("fragment", [1, 1000])
def test_fragments_become_one_message(fragment: int) -> None:
    play = Bridged(RFC, H76).open()
    play.peers[Peer.CLIENT]._fragment = fragment
    text = "Grüße, 世界 " * 50
    play.says("client", text)
    assert play.heard("server") == [text]


def test_what_is_too_large() -> None:
    play = Bridged(RFC, H76, max_message=1000).open()
    play.says("client", "x" * 1001)
    assert str(play.heard("client")[0]).startswith("close 1009")
    assert play.heard("server") == ["end"]
    assert play.codes == ["rfc6455-message-too-large"]
    old = Bridged(H76, RFC, max_message=1000).open()
    old.says("client", "x" * 1001)
    assert old.heard("client") == ["FF 00", "end"]
    assert old.heard("server") == ["close 1001"]
    assert "bridge-message-too-large" in old.codes


def test_text_that_is_none() -> None:
    play = Bridged(RFC, H76).open()
    play.client(b"\x81\x82\0\0\0\0\xc3\x28")
    assert str(play.heard("client")[0]).startswith("close 1007")
    assert play.heard("server") == ["end"]
    assert play.codes == ["rfc6455-text-not-utf8"]
    old = Bridged(H76, RFC).open()
    old.client(b"\x00a\xc3\x28\xff")
    assert old.heard("server") == ["a\ufffd("]
    assert "bridge-text-replaced" in old.codes


def test_frames_of_hixie_that_others_do_not_have() -> None:
    play = Bridged(H76, RFC).open()
    play.client(b"\x00a\xff\x05b\xff\x85\x01c\x00d\xff")
    assert play.heard("server") == ["a", "d"]
    assert play.codes.count("bridge-frame-left-out") == 2
    old = Bridged(H75, H76).open()
    old.client(b"\x05b\xff\xff\x00\x00d\xff")
    assert old.heard("server") == ["frame 05 62 ff", "d"]


def test_nobody_listens_to_messages() -> None:
    play = Bridged(RFC, H76, messages=False, bridge={"binary": "text"}).open()
    play.says("client", "text", b"binary")
    assert play.heard("server") == ["text", "binary"]
    play.sends("server", b"\x00back\xff\x05x\xff")
    assert play.heard("client") == ["back"]
    assert not [one for one in play.records if isinstance(one, MessageRecord | FrameRecord)]
    assert play.session.traffic[Peer.CLIENT].messages == 2


def test_a_recording_keeps_what_came() -> None:
    play = Bridged(RFC, H76, lossless=True)
    asking = play.asking
    play.client(asking[:20], asking[20:])
    accepted = play.accept()
    play.server(accepted)
    segments = [one for one in play.records if isinstance(one, SegmentRecord)]
    assert [(one.direction, one.offset, one.size) for one in segments] == [
        ("client", 0, 20),
        ("client", 20, len(asking) - 20),
        ("server", 0, len(accepted)),
    ]
    play.opened()
    play.says("client", "one", "two")
    first, second = messages(play)
    assert (first.offset, first.size) == (len(asking), 3)
    assert second.offset > first.offset
    assert second.size == 3
    play.closes("client", 3001, "enough")
    # Behind the Close, and never whole: as it came.
    play.client(b"\x81")
    play.server(b"\x00begun")
    play.server_ends()
    closings = [one for one in play.records if isinstance(one, ClosingRecord)]
    assert [(one.by, one.how, one.detail, one.offset) for one in closings] == [
        ("client", "closing-handshake", "3001 enough", None),
        ("server", "end-of-stream", "", None),
    ]
    kept = [one for one in play.records if isinstance(one, BytesRecord)]
    assert [(one.direction, base64.b64decode(one.raw)) for one in kept] == [
        ("client", b"\x81"),
        ("server", b"\x00begun"),
    ]


def test_what_stands_behind_a_length_that_nobody_understands() -> None:
    play = Bridged(H76, RFC, lossless=True).open()
    absurd = b"\x90" + b"\xff" * 10
    play.client(absurd + b"rest", b"more")
    kept = [one for one in play.records if isinstance(one, BytesRecord)]
    assert b"".join(base64.b64decode(one.raw) for one in kept).endswith(b"restmore")


@modern
def test_short_messages_of_which_nobody_wants_to_know(
    client: Dialect, server: Dialect, who: str
) -> None:
    """Text of hixie is looked into at first; then it goes the short way, too, until the end."""
    play = Bridged(
        client, server, bridge={"deflate": False}, looks_afterwards=True, messages=False
    ).open()
    long = "x" * 40_000
    for speaker in ("client", "server"):
        play.says(speaker, long, long)
        assert play.heard(other(speaker)) == [long, long]
        for text in ("", "short", "Grüße, 🦄"):
            play.says(speaker, text)
            assert play.heard(other(speaker)) == [text]
        assert play.session.traffic[Peer(speaker)].messages == 5
    assert messages(play) == []
    play.closes(who)
    play.heard(other(who))
    play.closes(other(who))
    assert play.session.ended
    assert play.codes == []
