"""All nine pairs of dialects: what one side says, and what the other hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.record import MessageRecord
from ws76proxy.session import Peer
from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, PAIRS, RFC, Bridged

IDS = [f"{client}-{server}" for client, server in PAIRS]
TEXTS = ["Hello, 2010!", "", "Grüße, 世界, 🦄", "a\0b", "x" * 200_000, "🦄" * 40_000]
all_pairs = pytest.mark.parametrize(("client", "server"), PAIRS, ids=IDS)
BOTH = ["client", "server"]


def other(who: str) -> str:
    return "server" if who == "client" else "client"


@all_pairs
@pytest.mark.parametrize("who", BOTH)
@pytest.mark.parametrize("size", [0, 1, 3, 1000])
def test_text(client: Dialect, server: Dialect, who: str, size: int) -> None:
    play = Bridged(client, server).open()
    if not size:
        play.says(who, *TEXTS)
    else:
        for text in TEXTS[:4]:
            connection = play.peers[Peer(who)]
            connection.send_text(text)
            data = connection.data_to_send()
            for begin in range(0, len(data), size):
                play.sends(who, data[begin : begin + size])
    texts = TEXTS[: None if not size else 4]
    assert play.heard(other(who)) == texts
    assert {*play.codes} <= {"text-with-nul"}
    told = [one for one in play.records if isinstance(one, MessageRecord)]
    assert [(one.direction, one.number, one.text) for one in told] == [
        (who, number, text) for number, text in enumerate(texts, 1)
    ]


@all_pairs
def test_what_was_said_while_the_answer_was_on_its_way(client: Dialect, server: Dialect) -> None:
    play = Bridged(client, server)
    play.client(play.asking + early(client))
    assert play.codes == ["early-client-frames"]
    answer = play.accept()
    connection = play.peers[Peer.SERVER]
    connection.send_text("first")
    play.server(answer + connection.data_to_send())
    heard = play.peers[Peer.CLIENT]
    heard.receive_data(b"".join(play.sent("client")))
    heard.events()
    heard.open()
    texts = [getattr(event, "texts", None) or [event.text] for event in heard.events()]
    assert texts == [["first"]]
    assert play.heard("server") == ["early"]


def early(client: Dialect) -> bytes:
    return b"\x81\x85\0\0\0\0early" if client is RFC else b"\x00early\xff"


def farewell(
    who: str, came: Dialect, to: Dialect, code: int | None = 1000, reason: str = ""
) -> list[Any]:
    """What a side hears when the other one, `who`, has closed in order."""
    if to is RFC:
        if came is not RFC:
            return ["close 1000"]
        return [f"close {code} {reason}".rstrip()]
    # The end of the stream as well: QtWebKit makes nothing of FF 00 alone.
    if to is H75:
        return ["end"]
    return ["FF 00", "end"] if who == "server" else ["FF 00"]


CLOSINGS = [
    (client, server, who, code, reason)
    for client, server in PAIRS
    for who in BOTH
    for code, reason in ((1000, ""), (4000, "enough"), (None, ""))
    if code == 1000 or {"client": client, "server": server}[who] is RFC
]


@pytest.mark.parametrize(("client", "server", "who", "code", "reason"), CLOSINGS)
def test_closing(client: Dialect, server: Dialect, who: str, code: int | None, reason: str) -> None:
    dialects = {"client": client, "server": server}
    play = Bridged(client, server).open()
    came, to = dialects[who], dialects[other(who)]
    play.says(other(who), "before")
    assert play.heard(who) == ["before"]
    play.closes(who, code, reason)
    assert play.heard(other(who)) == farewell(who, came, to, code, reason)
    # What the other one still says arrives; it is answered when that one has answered.
    if to is not H75:
        connection = play.peers[Peer(other(who))]
        connection.send_text("last words")
        play.sends(other(who), connection.data_to_send())
    else:
        play.says(other(who), "last words")
    assert play.heard(who) == ["last words"]
    play.closes(other(who))
    answer = {RFC: f"close {code} {reason}".rstrip(), H76: "FF 00"}
    assert play.heard(who) == ([answer[came]] if came in answer else []) + ["end"]
    reduced = came is RFC and to is not RFC and code not in (None, 1000)
    play.sent(other(who))
    # In hixie-76, too, a message between FF 00 and its answer is allowed, and told.
    codes = ["bridge-close-reduced"] * reduced + ["data-before-close-answer"] * (to is H76)
    end = play.over("open", *codes)
    assert end.dialect == client
    assert end.server_dialect == (None if client is server else server)


@all_pairs
@pytest.mark.parametrize("who", BOTH)
def test_the_end_of_a_stream(client: Dialect, server: Dialect, who: str) -> None:
    dialects = {"client": client, "server": server}
    play = Bridged(client, server).open()
    came, to = dialects[who], dialects[other(who)]
    play.ends(who)
    heard = ["end"]
    if to is RFC and came is H76:
        heard = ["close 1001"]
    elif came is H75:
        heard = farewell(who, came, to)
    assert play.heard(other(who)) == heard
    play.closes(other(who))
    play.sent(other(who))
    play.sent(who)
    play.over("open", *(["closed-without-handshake"] if came is H76 else []))


@all_pairs
@pytest.mark.parametrize("who", BOTH)
@pytest.mark.parametrize("inside", [False, True])
def test_a_reset(client: Dialect, server: Dialect, who: str, inside: bool) -> None:
    dialects = {"client": client, "server": server}
    play = Bridged(client, server).open()
    to = dialects[other(who)]
    if inside:
        # Of RFC 6455, a client masks.
        begun = b"\x81\xfe\x01" if who == "client" else b"\x81\x7e\x01"
        play.sends(who, begun if dialects[who] is RFC else b"\x00begun")
    play.lost(Peer(who))
    heard: list[Any] = ["end"]
    if to is RFC:
        heard = [f"close {1011 if who == 'server' else 1001}", "end"]
    assert play.heard(other(who)) == heard
    unfinished = inside and dialects[who] is not RFC
    play.over("open", *(["frame-unfinished"] * unfinished), "connection-reset")


@all_pairs
def test_the_relay_stops(client: Dialect, server: Dialect) -> None:
    play = Bridged(client, server).open()
    play.shuts_down()
    for who, dialect in (("client", client), ("server", server)):
        words = {RFC: ["close 1001"], H76: ["FF 00"]}.get(dialect, [])
        assert play.heard(who) == [*words, "end"]
    play.over("open")


@all_pairs
def test_nobody_says_anything(client: Dialect, server: Dialect) -> None:
    play = Bridged(client, server).open()
    play.times_out(300)
    for who, dialect in (("client", client), ("server", server)):
        words = {RFC: ["close 1001"], H76: ["FF 00"]}.get(dialect, [])
        assert play.heard(who) == [*words, "end"]
    play.over("open", "idle-timeout")


@all_pairs
@pytest.mark.parametrize("who", BOTH)
def test_a_close_without_an_answer(client: Dialect, server: Dialect, who: str) -> None:
    dialects = {"client": client, "server": server}
    play = Bridged(client, server).open()
    play.closes(who, 4000, "bye")
    assert play.session.half_closed
    play.heard(other(who))
    play.times_out(10)
    answer = {RFC: "close 4000 bye", H76: "FF 00"}
    assert play.heard(who) == ([answer[dialects[who]]] if dialects[who] in answer else []) + ["end"]
    play.sent(other(who))
    assert "idle-timeout" in play.codes
    assert ("close-unanswered" in play.codes) == (dialects[other(who)] is H76)


FAULTS = {
    # An opcode that is not defined; a length that no stream has.
    RFC: (b"\x83\x80", "close 1002", "rfc6455-frame-fault"),
    H76: (b"\x90" + b"\xff" * 10 + b"\x7f", "FF 00", "length-absurd"),
    H75: (b"\x90" + b"\xff" * 10 + b"\x7f", "end", "length-absurd"),
}


@all_pairs
@pytest.mark.parametrize("who", BOTH)
def test_a_broken_frame(client: Dialect, server: Dialect, who: str) -> None:
    dialects = {"client": client, "server": server}
    play = Bridged(client, server).open()
    data, answer, code = FAULTS[dialects[who]]
    play.sends(who, data)
    heard = play.heard(who)
    assert str(heard[0]).startswith(answer)
    assert heard[-1] == "end"
    to = dialects[other(who)]
    said = f"close {1011 if who == 'server' else 1001}" if to is RFC else "end"
    assert play.heard(other(who)) == [said]
    # Nothing of what it says from here on is said to anybody.
    play.sends(who, b"\x00more\xff")
    assert play.heard(other(who)) == []
    play.closes(other(who))
    play.over("open", code)
