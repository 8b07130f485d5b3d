"""Each action of a rule, and a script, through the relay and through mitmdump.

QtWebKit is the client and eventlet the server. A tap on either side of the proxy says what each of
them really got.
"""

from __future__ import annotations

from typing import cast

import pytest

from ws76proxy.diagnosis import answer_like
from ws76proxy.wire import RequestHead
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge
from ws76proxy.wire.hixie76 import challenge_of

from .cases import BROWSER
from .client import CLOSING
from .rule_cases import CASES, ELSEWHERE, INJECTED, LONG, TEXT
from .rule_stage import Proxy, Seen, perform
from .tap import Wire

pytestmark = [BROWSER, pytest.mark.peer("eventlet")]

SECONDS, PAUSE = 0.4, 0.3
"""Of the rules that delay, and of those that cut."""
PROTOCOL = "Sec-WebSocket-Protocol"


@pytest.fixture(scope="module", params=["relay", "mitmdump"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All sessions, through one process of the proxy and in one visit of the browser."""
    return perform(cast("Proxy", request.param), tmp_path_factory.mktemp("rules"))


def framed(*texts: str) -> bytes:
    return b"".join(b"\0" + text.encode() + b"\xff" for text in texts)


def said_by_client(wire: Wire) -> bytes:
    """The frames behind the client's handshake."""
    return wire.client.behind[KEY3_SIZE:]


def said_by_server(wire: Wire) -> bytes:
    """The frames behind the server's handshake."""
    return wire.server.behind[DIGEST_SIZE:]


def server_got(seen: Seen, name: str, *texts: str) -> bool:
    return said_by_client(seen.server(name)) == framed(*texts)


def client_got(seen: Seen, name: str, *texts: str) -> bool:
    return said_by_server(seen.client(name)).removesuffix(CLOSING) == framed(*texts)


def messages_of(seen: Seen, side: str) -> list[str]:
    """What the script heard from one side, in its order."""
    said: list[str] = seen.closed["said"]
    return [text.removeprefix(f"{side} ") for text in said if text.startswith(side)]


def value(head: bytes, name: str) -> str | None:
    found = RequestHead(head).value(name.lower().encode())
    return None if found is None else found.decode()


# What no rule is for


def test_nothing_else_was_touched(seen: Seen) -> None:
    assert seen.deeds("untouched") == []
    assert server_got(seen, "untouched", "one", TEXT)
    assert client_got(seen, "untouched", "one", TEXT)
    assert seen.names("untouched") == ["open", "message", "message", "close"]


def test_every_session_was_as_it_should_be(seen: Seen) -> None:
    """Nobody had to be stopped, and each deed was told once, by the name of its rule."""
    assert {event["event"] for event in seen.events.get("", [])} == set()
    assert {case.path for case in CASES} == seen.records.keys()
    for case in CASES:
        names = {record["name"] for record in seen.told(case.name, "change")}
        assert names <= (
            {str(seen.folder / "all.py")} if case.name == "script" else {case.name, ""}
        )
        if case.rules and case.name != "pause":
            deeds = seen.deeds(case.name)
            assert deeds, case.name
            # What is hidden is hidden twice: the echo too.
            assert len(set(deeds)) == len(deeds) or case.name == "hide"


# Messages


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("replace", ["<12> of <13>"]),
        ("set-text", [TEXT]),
        ("json-set", ['{"a":  1, "price": 9 }']),
        ("drop", ["one", "three"]),
        ("duplicate", ["one"] * 3),
        ("swap", ["two", "one"]),
        ("truncate-characters", [TEXT[:3]]),
        ("inject-file", ["one", INJECTED]),
        ("mark", ["one"]),
        ("hide", ["my s3cret word"]),
    ],
)
def test_what_the_client_says(seen: Seen, name: str, said: list[str]) -> None:
    """Each message is echoed as the server got it."""
    assert server_got(seen, name, *said)
    assert client_got(seen, name, *said)
    assert seen.texts(name) == said


@pytest.mark.parametrize(
    ("name", "said", "heard"),
    [
        ("json-remove", ['{"a":  1, "price": 12 }'], ['{"price": 12 }']),
        ("inject-text", ["one"], [TEXT, "one"]),
    ],
)
def test_what_the_server_says(seen: Seen, name: str, said: list[str], heard: list[str]) -> None:
    assert server_got(seen, name, *said)
    assert client_got(seen, name, *heard)
    assert seen.texts(name) == heard


def test_a_character_is_cut_in_two(seen: Seen) -> None:
    wire = seen.client("truncate-bytes")
    assert said_by_server(wire).removesuffix(CLOSING) == b"\0Gr\xc3\xff"
    # This engine makes nothing of a text that is not UTF-8.
    assert seen.texts("truncate-bytes") == [""]


def test_corrupt(seen: Seen) -> None:
    got = said_by_server(seen.client("corrupt")).removesuffix(CLOSING)
    assert len(got) == len(framed(LONG))
    assert got.count(b"\xff") == 1
    assert sum(one != other for one, other in zip(got, framed(LONG), strict=True)) == 2


def test_frames_that_no_library_would_send(seen: Seen) -> None:
    wire = seen.client("inject-hex")
    assert said_by_server(wire).removesuffix(CLOSING) == framed("one") + b"\x80\x02hi\0raw\xff"
    assert seen.names("inject-hex") == ["open", "message", "error", "message", "close"]
    assert seen.texts("inject-hex") == ["one", "raw"]


def test_delay(seen: Seen) -> None:
    said = seen.client("delay").client.time_of(framed("one"))
    assert seen.server("delay").client.time_of(framed("one")) - said >= SECONDS


def test_hold(seen: Seen) -> None:
    wire = seen.client("hold")
    assert wire.server.time_of(framed("one")) > wire.client.time_of(framed("go"))
    assert seen.texts("hold")[0] == "one"
    # The page says it again and again until the first message has come.
    assert set(seen.texts("hold")[1:]) == {"go"}


def test_stop_reading(seen: Seen) -> None:
    wire, other = seen.client("stop-reading"), seen.server("stop-reading")
    assert other.client.time_of(framed("two")) - wire.client.time_of(framed("one")) >= SECONDS
    assert seen.texts("stop-reading") == ["one", "two"]


def test_throttle(seen: Seen) -> None:
    said = seen.server("throttle").server.time_of(framed(LONG))
    got = seen.client("throttle").server
    # A thousand bytes a second, in twenty pieces a second; the first one leaves at once.
    assert got.time_of(framed(LONG)) - said >= len(LONG) / 1000 - 0.1
    assert len(got.pieces) > 5
    assert [len(text) for text in seen.texts("throttle")] == [len(LONG)]


def test_mark(seen: Seen) -> None:
    for name in ("mark", "mark-request", "mark-response"):
        (change,) = seen.told(name, "change")
        assert (change["deed"], change["detail"], change["name"]) == ("mark", TEXT, name)
    if seen.proxy == "mitmdump":
        flow = seen.flows["/mark"]
        assert flow.marked == ":pushpin:"
        assert TEXT in flow.comment


def test_hide(seen: Seen) -> None:
    assert "s3cret" not in str(seen.records["/hide"])
    if seen.proxy == "relay":
        texts = [record["text"] for record in seen.told("hide", "message")]
        assert texts == ["my (hidden) word"] * 2


def test_pause(seen: Seen) -> None:
    if seen.proxy == "relay":
        assert server_got(seen, "pause", "one")
        (notice,) = seen.told("pause", "notice")
        assert "nobody to ask" in notice["text"]
        return
    # Intercepted, edited and resumed.
    assert server_got(seen, "pause", "one, edited")
    assert seen.texts("pause") == ["one, edited"]
    assert [record["deed"] for record in seen.told("pause", "change")] == ["pause"]


# Ends


def test_close_with_the_closing_handshake(seen: Seen) -> None:
    assert said_by_server(seen.client("close-handshake")) == CLOSING
    assert said_by_client(seen.server("close-handshake")) == framed("one") + CLOSING
    assert seen.names("close-handshake") == ["open", "close"]


def test_close_with_a_fin(seen: Seen) -> None:
    wire, other = seen.client("close-fin"), seen.server("close-fin")
    assert (said_by_server(wire), wire.server.end) == (b"", "fin")
    assert said_by_client(other) == framed("one")
    # mitmproxy ends both connections at once; what the server says then meets nobody.
    assert other.client.end == "fin" or seen.proxy == "mitmdump"


def test_close_with_a_reset(seen: Seen) -> None:
    ends = seen.client("close-reset").server.end, seen.server("close-reset").client.end
    if seen.proxy == "relay":
        assert ends == ("reset", "reset")
    else:
        # It has no way to reset a connection.
        assert ends[0] == "fin"
    assert said_by_server(seen.client("close-reset")) == b""
    assert seen.names("close-reset") == ["open", "close"]


# Requests


def test_set_in_a_request(seen: Seen) -> None:
    head = seen.server("set-request").client.head
    assert head.startswith(b"GET /set-request?room=2 HTTP/1.1\r\n")
    assert value(head, "Origin") == "http://shop.example"
    assert value(head, "Host") == "shop.example"
    # The server speaks of what it was asked; the browser needs what it has asked itself.
    assert seen.texts("set-request") == ["one"]


def test_set_path(seen: Seen) -> None:
    wire = seen.server_tap.wire(ELSEWHERE)
    assert wire.client.head.startswith(b"GET /elsewhere?room=1 HTTP/1.1\r\n")
    assert seen.texts("set-path") == ["one"]


def test_fields_of_a_request(seen: Seen) -> None:
    assert f"\r\nX-Test: {TEXT}\r\n".encode() in seen.server("set-field").client.head
    assert seen.texts("set-field") == ["one"]
    removed = seen.server("remove-field").client.head
    assert value(seen.client("remove-field").client.head, PROTOCOL) == "chat"
    assert value(removed, PROTOCOL) is None
    renamed = seen.server("rename-field").client.head
    assert (value(renamed, PROTOCOL), value(renamed, "X-Protocol")) == (None, "chat")
    # What the server answers is not what the browser wants then.
    assert seen.names("remove-field") == seen.names("rename-field") == ["close"]
    assert len([text for text in seen.complaints if "protocol mismatch: chat" in text]) == 2


def test_answer(seen: Seen) -> None:
    assert seen.server_tap.find("/answer") is None
    answered = seen.client("answer").server
    assert answered.data.startswith(b"HTTP/1.1 403 Forbidden\r\nX-Test: no\r\n")
    assert answered.behind == b"go away"
    assert seen.names("answer") == ["close"]


def test_cut_key3(seen: Seen) -> None:
    key3 = seen.client("cut-key3").client.behind
    assert len(key3) == KEY3_SIZE
    assert seen.server("cut-key3").client.behind == key3[:3]
    assert seen.names("cut-key3") == ["close"]


def test_delayed_heads(seen: Seen) -> None:
    asked = seen.client("delay-request").client.pieces[0].time
    assert seen.server("delay-request").client.pieces[0].time - asked >= SECONDS
    answered = seen.server("delay-response").server.pieces[0].time
    assert seen.client("delay-response").server.pieces[0].time - answered >= SECONDS
    for name in ("delay-request", "delay-response"):
        assert seen.texts(name) == ["one"]


def test_split_heads(seen: Seen) -> None:
    asked, answered = seen.server("split-request").client, seen.client("split-response").server
    for name, pieces, behind in (
        ("split-request", asked, KEY3_SIZE),
        ("split-response", answered, DIGEST_SIZE),
    ):
        assert seen.texts(name) == ["one"]
        sizes = [len(piece.data) for piece in pieces.pieces]
        if seen.proxy == "mitmdump":
            assert sizes[0] >= len(pieces.head)
            assert "cannot be cut" in seen.told(name, "notice")[0]["text"]
            continue
        assert sizes[:3] == [10, 30, len(pieces.head) + behind - 40]
        first, _, third, *_ = pieces.pieces
        assert third.time - first.time >= PAUSE


def test_close_in_a_request(seen: Seen) -> None:
    assert seen.client("close-request").server.data == b""
    assert seen.names("close-request") == ["close"]
    if seen.proxy == "relay":
        wire = seen.server("close-request")
        assert wire.client.behind == seen.client("close-request").client.behind
        assert wire.client.end == "fin"


# Answers


def test_set_in_an_answer(seen: Seen) -> None:
    head = seen.client("set-response").server.head
    assert head.startswith(b"HTTP/1.1 101 Hello\r\n")
    assert value(head, "Sec-WebSocket-Location") == "ws://shop.example/"
    assert value(head, "Sec-WebSocket-Origin") == "http://shop.example"
    assert value(head, PROTOCOL) == "other"
    assert any("origin mismatch" in text for text in seen.complaints)
    assert seen.names("set-response") == ["close"]


def test_fields_of_an_answer(seen: Seen) -> None:
    head = seen.client("change-response").server.head
    assert (value(head, "X-Test"), value(head, "X-Upgrade")) == ("yes", "WebSocket")
    assert (value(head, "Upgrade"), value(head, "Connection")) == (None, None)
    assert any("'Upgrade' header is missing" in text for text in seen.complaints)
    assert seen.names("change-response") == ["close"]


def test_corrupt_digest(seen: Seen) -> None:
    wire, other = seen.client("corrupt-digest"), seen.server("corrupt-digest")
    challenge = challenge_of(RequestHead(wire.client.head), wire.client.behind)
    assert isinstance(challenge, Challenge)
    assert wire.server.behind[:DIGEST_SIZE] == answer_like("digest-little-endian", challenge)
    assert other.server.behind[:DIGEST_SIZE] == challenge.answer
    # It says nothing, and closes.
    assert seen.names("corrupt-digest") == ["close"]


def test_close_in_an_answer(seen: Seen) -> None:
    wire = seen.client("close-response")
    assert said_by_server(wire) == b""
    assert wire.server.end == "fin"
    if seen.proxy == "relay":
        # The answer comes first.
        assert seen.names("close-response") == ["open", "close"]
        assert said_by_client(seen.server("close-response")) == b""


# The script


def test_all_four_functions_of_a_script(seen: Seen) -> None:
    assert value(seen.server("script").client.head, "X-Script") == "asked"
    assert value(seen.client("script").server.head, "X-Script") == "answered 101"
    assert server_got(seen, "script", "ONE", "TWO")
    assert client_got(seen, "script", "in between", "ONE", "TWO")
    assert seen.texts("script") == ["in between", "ONE", "TWO"]
    # The directions do not wait for each other.
    assert {name: messages_of(seen, name) for name in ("client", "server")} == {
        "client": ["1: one", "2: drop me", "3: two"],
        "server": ["1: ONE", "2: TWO"],
    }
    assert seen.closed["how"] in ("end-of-stream", "closing-handshake")
    assert sorted(seen.deeds("script")) == [
        "X-Script: None -> answered 101",
        "X-Script: None -> asked",
        "drop",
        "edit",
        "edit",
        "inject",
        "mark",
    ]
