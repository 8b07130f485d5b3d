"""QtWebKit of 2010 through the relay to servers of today: one visit, and what it has shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.interop.bridging.performance import Act, Seen, Socket, Way, perform, qtwebkit
from tests.interop.bridging.table import Case, parameters
from tests.interop.cases import MIB
from tests.interop.relay import texts

_RFC = ("--server-dialect", "rfc6455")
WEBSOCKETS = Way("websockets", "websockets", _RFC)
WS_8 = Way("ws-8", "ws-8", _RFC)
BASE64 = Way("base64", "websockets", (*_RFC, "--binary", "base64"), shared="websockets")
AUTO = Way("auto", "websockets", ("--server-dialect", "auto"), shared="websockets")
EVERY = (WEBSOCKETS, WS_8)


def check_said(seen: Seen, path: str, *, count: int = 1) -> None:
    """The socket opened, had all that it said echoed, and was closed by the page."""
    assert seen.names(path) == ["open", *["echo"] * count, "close"]
    assert all(event["equal"] for event in seen.events[path] if event["event"] == "echo")
    (end,) = seen.told(path, "session-end")
    assert (end["outcome"], end["dialect"]) == ("open", "hixie-76")
    assert end["server_dialect"] == "rfc6455"
    assert end["client"]["messages"] == end["server"]["messages"] == count
    assert texts(seen.records[path], "client") == texts(seen.records[path], "server")
    # The browser has accepted what the relay answered to its challenge.
    (challenge,) = seen.told(path, "challenge")
    assert (challenge["asked_by"], challenge["answered_by"]) == ("client", "relay")
    assert challenge["verdict"] == "verified"


def check_closed_by_page(seen: Seen, path: str) -> None:
    check_said(seen, path)
    # This browser goes without FF 00, which is no fault of the session: the server hears 1001.
    assert seen.closings(path)[0][:2] == ("client", "end-of-stream")
    assert ("server", "closing-handshake", "1001") in seen.closings(path)


def check_closed_by_server(seen: Seen, path: str) -> None:
    assert seen.names(path)[:2] == ["open", "echo"]
    assert seen.names(path)[-1] == "close"
    assert seen.closings(path)[0] == ("server", "closing-handshake", "4001 bye ✓")
    assert "bridge-close-reduced" in seen.codes(path)
    # This browser makes nothing of FF 00: only the end of the stream behind it tells it.
    assert "timeout" not in {how for _, how, _ in seen.closings(path)}


def check_server_gone(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    assert seen.closings(path)[0][:2] in (("server", "end-of-stream"), ("server", "reset"))


def check_page_gone(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo"]
    assert seen.closings(path)[0][:2] == ("client", "end-of-stream")
    assert ("server", "closing-handshake", "1001") in seen.closings(path)


def check_binary_refused(seen: Seen, path: str) -> None:
    assert seen.names(path)[:2] == ["open", "echo"]
    assert seen.names(path)[-1] == "close"
    assert "bridge-binary-refused" in seen.codes(path)
    way = path.split("/")[1]
    assert "closed 1003 the other side has no binary messages" in seen.servers[way]


def check_subprotocol(seen: Seen, path: str) -> None:
    check_said(seen, path)
    assert "\r\nSec-WebSocket-Protocol: chat\r\n" in seen.server_head(path)
    (response,) = seen.told(path, "response")
    assert "\r\nSec-WebSocket-Protocol: chat\r\n" in response["sent"]


def check_head(seen: Seen, path: str) -> None:
    check_said(seen, path)
    head = seen.server_head(path)
    assert "\r\nCookie: room=kitchen\r\n" in head
    assert "\r\nOrigin: http://127.0.0.1:" in head
    assert "\r\nSec-WebSocket-Version: 13\r\n" in head
    assert "-WebSocket-Key1" not in head
    (response,) = seen.told(path, "response")
    assert "\r\nSec-WebSocket-Location: ws://127.0.0.1:" in response["sent"]


def check_base64(seen: Seen, path: str) -> None:
    """What the page says in base64, the server hears as bytes, and the other way round."""
    assert seen.names(path) == ["open", "echo", "close"]
    assert seen.events[path][1]["equal"]
    heard = [one for one in seen.told(path, "message") if one["direction"] == "server"]
    assert [(one["binary"], one["payload"]) for one in heard] == [(True, "AP+A")]


def check_asked_twice(seen: Seen, path: str) -> None:
    """The server refuses hixie, and is asked again in RFC 6455, which is remembered."""
    assert seen.names(path) == ["open", "echo", "close"]
    asked = [one["sent"].count("Sec-WebSocket-Key1") for one in seen.told(path, "request")]
    assert asked == [1, 0]
    # Some versions of this server answer 400; 17.4 trips over itself, and ends without a byte.
    *refused, last = [one["status"] for one in seen.told(path, "response")]
    assert last == 101
    assert refused in ([], [400])
    assert "server-lacks-dialect" in seen.codes(path)
    (notice,) = seen.told(path, "notice")
    assert "speaks rfc6455: remembered for 300 s" in notice["text"]


def check_asked_once(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    assert [one["status"] for one in seen.told(path, "response")] == [101]
    assert "server-lacks-dialect" not in seen.codes(path)
    (end,) = seen.told(path, "session-end")
    assert (end["dialect"], end["server_dialect"]) == ("hixie-76", "rfc6455")


def cases() -> Iterator[Case]:
    """Everything that is tried, in order."""
    on = partial(Case, "qtwebkit")
    close: Act = {"close": []}
    for way in EVERY:
        stride = 1 if way is WS_8 else 16
        what = "every character of Unicode" if stride == 1 else "text in all 17 planes of Unicode"
        socket = partial(Socket, way.name)
        yield on(
            way,
            socket("planes", ({"planes": stride}, close)),
            f"{what}, U+0000 too",
            partial(check_said, count=17),
        )
        yield on(
            way,
            socket("empty", ({"say": ["", "between", "", ""]}, close)),
            "empty text",
            partial(check_said, count=4),
        )
        yield on(way, socket("1-mib", ({"size": MIB}, close)), "1 MiB of text", check_said)
        yield on(way, socket("10-mib", ({"size": 10 * MIB}, close)), "10 MiB", check_said)
        yield on(way, socket("head", ({"say": ["x"]}, close)), "Cookie, Origin", check_head)
        yield on(
            way,
            socket("subprotocol", ({"say": ["x"]}, close), "chat"),
            "a subprotocol",
            check_subprotocol,
        )
        yield on(
            way,
            socket("page-closes", ({"say": ["x"]}, close)),
            "the page closes: the server hears 1001",
            check_closed_by_page,
        )
        yield on(
            way,
            socket("server-closes", ({"say": ["x"]}, {"order": "order: close 4001 bye ✓"})),
            "the server closes with 4001: kept",
            check_closed_by_server,
        )
        yield on(
            way,
            socket("binary", ({"say": ["x"]}, {"order": "order: binary"})),
            "a binary message: the server hears 1003",
            check_binary_refused,
        )
        yield on(
            way,
            socket("page-gone", ({"say": ["x"]}, {"leave": True})),
            "the page goes away: 1001",
            check_page_gone,
        )
    yield on(
        BASE64,
        Socket(BASE64.name, "binary-base64", ({"say": ["AP+A"]}, close), "base64"),
        "--binary base64: bytes there and back",
        check_base64,
    )
    yield on(
        AUTO,
        Socket(AUTO.name, "first", ({"say": ["x"]}, close)),
        "--server-dialect auto: refused, asked again",
        check_asked_twice,
    )
    yield on(
        AUTO,
        Socket(AUTO.name, "second", ({"say": ["x"]}, close)),
        "the next session: asked in RFC 6455 at once",
        check_asked_once,
    )
    for way in EVERY:
        yield on(
            way,
            Socket(way.name, "server-gone", ({"say": ["x"]}, {"ask": f"kill/{way.name}"})),
            "the server is killed",
            check_server_gone,
        )


CASES = list(cases())


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What the visit has shown."""
    ways = {case.way.name: case.way for case in CASES}
    return perform(qtwebkit, list(ways.values()), [case.socket for case in CASES])


@pytest.mark.parametrize("case", parameters(CASES))
def test_case(seen: Seen, case: Case) -> None:
    case.run(seen)
