"""Today's Chromium through the relay to servers of 2010: one visit, and what it has shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.bridging.performance import Seen, Socket, Way, chromium, perform
from tests.interop.bridging.table import Case, parameters
from tests.interop.browser import PAGES
from tests.interop.cases import MIB
from tests.interop.relay import texts

RULES = """\
[[message]]
name = "spelling"
when = { from = "client", text = { regex = "colour" } }
do = [{ action = "replace", regex = "colour", with = "color" }]

[[message]]
name = "poison"
when = { from = "server", text = { regex = "^poison$" } }
do = [{ action = "drop" }]
"""
SCRIPT = """
def on_message(message):
    if not message.from_client and message.text.startswith("shout "):
        message.text = message.text.upper()
"""

_76 = ("--server-dialect", "hixie-76")
EVENTLET = Way("eventlet-76", "eventlet", _76, ("--pages", PAGES))
DRIVER = Way("driver-76", "websocket-driver", _76)
PERL_76 = Way("perl-76", "protocol-websocket", _76)
PERL_75 = Way("perl-75", "protocol-websocket", ("--server-dialect", "hixie-75"))
DROP = Way("drop", "websocket-driver", (*_76, "--binary", "drop"), shared="driver-76")
TEXT = Way(
    "text", "websocket-driver", (*_76, "--binary", "text", "--no-deflate"), shared="driver-76"
)
BASE64 = Way(
    "base64",
    "eventlet",
    (*_76, "--binary", "base64", "--subprotocol", "binary"),
    shared="eventlet-76",
)
EDITED = Way("edited", "eventlet", _76, shared="eventlet-76")
AUTO = Way("auto", "eventlet", ("--server-dialect", "auto"), shared="eventlet-76")
EVERY = (EVENTLET, DRIVER, PERL_76, PERL_75)

NORMAL = {"code": 1000, "reason": "", "wasClean": True}
NOT_UTF8 = [0, 255, 128]


def check_said(seen: Seen, path: str, *, count: int = 1) -> None:
    """The socket opened, had all that it said echoed, and was closed by the page."""
    assert seen.names(path) == ["open", *["echo"] * count, "close"]
    assert all(event["equal"] for event in seen.events[path] if event["event"] == "echo")
    assert seen.closing(path) == NORMAL
    (end,) = seen.told(path, "session-end")
    assert (end["outcome"], end["dialect"]) == ("open", "rfc6455")
    assert end["server_dialect"] == ("hixie-75" if path.startswith("/perl-75") else "hixie-76")
    assert end["verdict"] == (None if path.startswith("/perl-75") else "verified")
    # What it said came in frames of its own, and as text on both sides.
    assert end["client"]["messages"] == end["server"]["messages"] == count
    assert texts(seen.records[path], "client") == texts(seen.records[path], "server")


def check_closed_by_page(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    assert seen.closing(path) == {"code": 4001, "reason": "bye ✓", "wasClean": True}
    # hixie has no codes: what is lost on the way is told, and kept.
    assert ("client", "closing-handshake", "4001 bye ✓") in seen.closings(path)
    assert "bridge-close-reduced" in seen.codes(path)
    assert "timeout" not in {how for _, how, _ in seen.closings(path)}


def check_closed_by_server(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    assert seen.closing(path) == NORMAL
    how = "end-of-stream" if path.startswith("/perl-75") else "closing-handshake"
    assert seen.closings(path)[0][:2] == ("server", how)


def check_server_gone(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    # Killed, it ends its stream without FF 00; in hixie-75 that is how every session ends.
    code = 1000 if path.startswith("/perl-75") else 1001
    assert seen.closing(path)["code"] == code
    assert seen.closings(path)[0][:2] == ("server", "end-of-stream")
    assert ("closed-without-handshake" in seen.codes(path)) is (code == 1001)


def check_page_gone(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo"]
    assert ("client", "closing-handshake", "1001") in seen.closings(path)
    ended = {who for who, how, _ in seen.closings(path) if how != "timeout"}
    assert ended == {"client", "server"}


def check_binary_refused(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "close"]
    assert seen.closing(path)["code"] == 1003
    assert seen.closing(path)["wasClean"]
    assert "bridge-binary-refused" in seen.codes(path)
    # The relay ended the server's stream without FF 00: the server owes it none.
    assert "closed-without-handshake" not in seen.codes(path)
    (end,) = seen.told(path, "session-end")
    assert end["server"]["messages"] == 1


def check_subprotocol(seen: Seen, path: str) -> None:
    check_said(seen, path)
    assert seen.events[path][0]["protocol"] == "chat"
    assert "bridge-subprotocol-chosen" in seen.codes(path)
    name = "WebSocket-Protocol" if path.startswith("/perl-75") else "Sec-WebSocket-Protocol"
    assert f"\r\n{name}: chat\r\n" in seen.server_head(path)


def check_head(seen: Seen, path: str) -> None:
    check_said(seen, path)
    head = seen.server_head(path)
    assert "\r\nCookie: room=kitchen\r\n" in head
    assert "\r\nOrigin: http://127.0.0.1:" in head
    assert "\r\nUpgrade: WebSocket\r\n" in head
    assert "-WebSocket-Version" not in head
    assert "-WebSocket-Extensions" not in head


def check_served(seen: Seen, path: str) -> None:
    """Page and socket of one server come through one port of the relay."""
    assert seen.names(path) == ["open", "message", "close"]
    assert seen.events[path][1]["equal"]
    adjusted = {(one["toward"], one["what"], one["cause"]) for one in seen.told(path, "adjustment")}
    assert ("server", "Origin", "proxy") in adjusted


def check_dropped(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "echo", "echo", "close"]
    assert seen.closing(path) == NORMAL
    assert "bridge-binary-dropped" in seen.codes(path)


def check_as_text(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "message", "close"]
    assert seen.events[path][1]["text"] == "grün"
    assert seen.closing(path)["code"] == 1003


def check_base64(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "binary", "close"]
    assert seen.events[path][0]["protocol"] == "binary"
    assert seen.events[path][1]["bytes"] == NOT_UTF8
    assert seen.closing(path) == NORMAL
    assert texts(seen.records[path], "server") == ["AP+A"]


def check_edited(seen: Seen, path: str) -> None:
    assert seen.names(path) == ["open", "message", "message", "close"]
    heard = [event["text"] for event in seen.events[path] if event["event"] == "message"]
    assert heard == ["what color is that", "SHOUT IT"]
    assert seen.closing(path) == NORMAL
    assert seen.told(path, "change")


def check_auto(seen: Seen, path: str) -> None:
    """The server speaks RFC 6455 as well as hixie, so it is not asked again."""
    assert seen.names(path) == ["open", "echo", "close"]
    (end,) = seen.told(path, "session-end")
    assert (end["dialect"], end.get("server_dialect")) == ("rfc6455", None)
    assert len(seen.told(path, "request")) == 1
    assert "server-lacks-dialect" not in seen.codes(path)


def cases() -> Iterator[Case]:
    """Everything that is tried, in order."""
    on = partial(Case, "chromium")
    close = {"close": [1000]}
    for way in EVERY:
        stride = 1 if way is DRIVER else 16
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
        # Eventlet needs more than ten seconds for it, relay or not (docs/bridge.md).
        if way is not EVENTLET:
            yield on(way, socket("10-mib", ({"size": 10 * MIB}, close)), "10 MiB", check_said)
        yield on(way, socket("head", ({"say": ["x"]}, close)), "Cookie, Origin", check_head)
        yield on(
            way,
            socket("subprotocol", ({"say": ["x"]}, close), ["chat", "superchat"]),
            "of two subprotocols the first",
            check_subprotocol,
        )
        yield on(
            way,
            socket("page-closes", ({"say": ["x"]}, {"close": [4001, "bye ✓"]})),
            "close(4001, 'bye ✓'): answered with the same",
            check_closed_by_page,
        )
        yield on(
            way,
            socket("server-closes", ({"say": ["x"]}, {"order": "order: close"})),
            "the server closes: 1000, clean",
            check_closed_by_server,
        )
        yield on(
            way,
            socket("binary", ({"say": ["x"]}, {"bytes": NOT_UTF8})),
            "a binary message: the page sees 1003",
            check_binary_refused,
        )
        yield on(
            way,
            socket("page-gone", ({"say": ["x"]}, {"leave": True})),
            "the page goes away, the server is told",
            check_page_gone,
        )
    yield on(
        DROP,
        Socket(DROP.name, "binary-drop", ({"bytes": NOT_UTF8}, {"say": ["x", "y"]}, close)),
        "--binary drop: the session goes on",
        check_dropped,
    )
    yield on(
        TEXT,
        Socket(
            TEXT.name,
            "binary-text",
            ({"bytes": list("grün".encode())}, {"hear": True}, {"bytes": NOT_UTF8}),
        ),
        "--binary text: UTF-8 passes, the rest is 1003; --no-deflate",
        check_as_text,
    )
    yield on(
        BASE64,
        Socket(
            BASE64.name,
            "binary-base64",
            ({"bytes": NOT_UTF8}, {"hear": True}, close),
            ["chat", "binary"],
        ),
        "--binary base64: bytes there and back",
        check_base64,
    )
    yield on(
        EVENTLET,
        Socket(EVENTLET.name, "served", (), page="session.html"),
        "page and socket through one port",
        check_served,
    )
    yield on(
        AUTO,
        Socket(AUTO.name, "its-own-dialect", ({"say": ["x"]}, close)),
        "--server-dialect auto: it speaks RFC 6455, too",
        check_auto,
    )
    said = ({"order": "what colour is that"}, {"order": "poison"}, {"order": "shout it"})
    yield on(
        EDITED,
        Socket(EDITED.name, "rules-and-script", (*said, {"hear": True}, {"hear": True}, close)),
        "two rules and a script",
        check_edited,
    )
    for way in EVERY:
        yield on(
            way,
            Socket(way.name, "server-gone", ({"say": ["x"]}, {"ask": f"kill/{way.name}"})),
            "the server is killed: 1001" if way is not PERL_75 else "the server is killed: 1000",
            check_server_gone,
        )


CASES = list(cases())


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the visit has shown."""
    folder: Path = tmp_path_factory.mktemp("edits")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    edits = ("--rules", str(folder / "rules.toml"), "--script", str(folder / "script.py"))
    ways = {case.way.name: case.way for case in CASES}
    ways[EDITED.name] = EDITED._replace(options=(*_76, *edits))
    return perform(chromium, list(ways.values()), [case.socket for case in CASES])


@pytest.mark.parametrize("case", parameters(CASES))
def test_case(seen: Seen, case: Case) -> None:
    case.run(seen)
