"""Two actions of one rule together, each pair of them: order, wholeness, and a clean end."""

from __future__ import annotations

import pytest

from ws76proxy.record import SessionEndRecord
from ws76proxy.session import Peer
from ws76proxy.wire.events import ClosingHandshake, EndOfStream, InvalidText, TextFrames
from ws76proxy.wire.frames import FrameDecoder

from .playbook import Play, opened, opened_75
from .rulebook import message

HIT = b'{"hit": 1, "n": [2]}'
ACTIONS = {
    "replace": 'action = "replace", regex = "hit", with = "HIT"',
    "set-text": 'action = "set-text", text = "T"',
    "json-set": 'action = "json-set", path = "$.n", value = {a = 1}',
    "json-remove": 'action = "json-remove", path = "$.n"',
    "drop": 'action = "drop"',
    "duplicate": 'action = "duplicate", times = 2',
    "delay": 'action = "delay", seconds = 3',
    "delay of a range": 'action = "delay", seconds = [0, 3]',
    "swap": 'action = "swap"',
    "hold": 'action = "hold", until = { text = "go" }',
    "hold in vain": 'action = "hold", until = { text = "never" }, at-most = 9',
    "truncate": 'action = "truncate", characters = 4',
    "truncate raw": 'action = "truncate", bytes = 3',
    "corrupt": 'action = "corrupt", bytes = 2',
    "inject to the client": 'action = "inject", to = "client", text = "INJECTED"',
    "inject to the server": 'action = "inject", to = "server", file = "x", place = "before"',
    "inject raw": 'action = "inject", to = "server", hex = "05 01 ff", place = "after"',
    "close": 'action = "close", how = "closing-handshake"',
    "close the client": 'action = "close", how = "closing-handshake", to = "client"',
    "end": 'action = "close", how = "fin"',
    "end the server": 'action = "close", how = "fin", to = "server"',
    "reset": 'action = "close", how = "reset"',
    "reset the server": 'action = "close", how = "reset", to = "server"',
    "stop reading": 'action = "stop-reading", from = "client", seconds = 5',
    "stop reading for good": 'action = "stop-reading", from = "server"',
    "throttle": 'action = "throttle", bytes-per-second = 20',
    "mark": 'action = "mark", text = "here"',
    "hide": 'action = "hide"',
    "pause": 'action = "pause"',
}
ENDS = {name for name, action in ACTIONS.items() if '"close"' in action}
INJECTED = (b"INJECTED", b"file")


def told_to(play: Play, peer: Peer, dialect: str) -> list[bytes]:
    """The text messages that a peer got; its stream consists of whole frames, FF 00 at the end."""
    decoder = FrameDecoder(closing_handshake=dialect == "76")
    texts: list[bytes] = []
    closed = False
    for frame in [*decoder.feed(b"".join(play.sent(peer.label))), decoder.end()]:
        if isinstance(frame, EndOfStream):
            assert not frame.raw, f"a torn frame: {frame.raw!r}"
        elif isinstance(frame, TextFrames | InvalidText):
            assert not closed, "a message behind FF 00"
            texts += [one[1:] for one in frame.raw[:-1].split(b"\xff")]
        else:
            closed = closed or isinstance(frame, ClosingHandshake)
    return texts


def says(play: Play, peer: Peer, *texts: bytes) -> None:
    """A peer says these, in one piece."""
    said = b"".join(b"\x00%b\xff" % text for text in texts)
    (play.client if peer is Peer.CLIENT else play.server)(said)


def is_ended(names: tuple[str, ...], peer: Peer) -> bool | None:
    """Whether what this peer gets comes to an end with the message; None: that depends.

    Of several ends the last one counts. Who is reset ends it all, but what came in the same piece
    is decided before anybody hears of it.
    """
    end = [name for name in names if name in ENDS][-1:]
    if not end:
        return False
    if peer.other.label in end[0]:
        return None if "reset" in end[0] else False
    return True


@pytest.mark.parametrize("first", ACTIONS)
def test_pair(first: str) -> None:
    for number, second in enumerate(ACTIONS):
        speakers = list(Peer)
        if not ENDS & {first, second}:
            # The two directions differ in nothing else.
            speakers = [speakers[number % 2]]
        for speaker in speakers:
            check(first, second, speaker, "76")


@pytest.mark.parametrize("end", sorted(ENDS))
def test_pair_in_hixie_75(end: str) -> None:
    for second in ACTIONS:
        check(end, second, Peer.CLIENT, "75")


def check(first: str, second: str, speaker: Peer, dialect: str) -> None:
    """One message is hit by both actions, between others of both peers."""
    names = (first,) if first == "drop" else (first, second)
    listener = speaker.other
    rules = message(ACTIONS[first], ACTIONS[second], when="""text = '"hit"'""")
    play = (opened if dialect == "76" else opened_75)(rules=rules, edits={"asks": True})
    says(play, listener, b"o1")
    says(play, speaker, b"1", HIT, b"3", b"4")
    says(play, listener, b"go", b"o2")
    play.wakes(1)
    for number, *_ in play.held:
        play.answers(number)
    play.wakes(100)
    if "stop reading for good" not in names or play.session.ended:
        assert not play.paused or play.session.ended
    play.client_ends()
    play.server_ends()
    assert play.session.ended
    assert isinstance(play.records[-1], SessionEndRecord)
    assert not any("still held" in text for text in play.notices if not ENDS & {*names})

    ended = is_ended(names, listener)
    texts = [text for text in told_to(play, listener, dialect) if text not in INJECTED]
    hits = [text for text in texts if text not in (b"1", b"3", b"4")]
    count = 0 if "drop" in names else 1 + 2 * names.count("duplicate")
    if "drop" not in names:
        assert len(set(hits)) == 1
    assert len(hits) == count
    is_swapped = "swap" in names and not ended
    assert (
        texts == [b"1", b"3", *hits, b"4"]
        if is_swapped
        else [b"1", *hits, b"3", b"4"][: len(texts)]
    )
    assert len(texts) == (1 + count if ended else 3 + count) or ended is None

    others = [text for text in told_to(play, speaker, dialect) if text not in INJECTED]
    assert others == [b"o1", b"go", b"o2"][: len(others)]
    assert len(others) == 3 or is_ended(names, speaker) is not False
