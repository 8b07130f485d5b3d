"""Today's Chromium through mitmproxy to old servers, and QtWebKit to a server of today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

from . import browser
from .browser import PAGE_EVENT, Visit
from .cases import BROWSER, ECHO_SERVERS, MIB, RESOURCE, TEXTS
from .chromium import chromium_running
from .mitm import ending, filtered, mitmproxying, reversing, run_mitmdump, texts, the_session, told
from .peer import Server, serving
from .process import PATIENCE
from .test_relay_browser import assert_talked

CHROMIUM = pytest.mark.peer("chromium")
TO_OLD = ("--set", "ws76_server_dialect=hixie-76")
TO_MODERN = ("--set", "ws76_server_dialect=rfc6455")
LIMIT = 20_000


def visit(
    origin: str,
    url: str,
    *,
    messages: Sequence[str] = (),
    size: int | None = None,
    protocol: str | None = None,
    proxy: str | None = None,
) -> Visit:
    """What headless Chromium does with the page that holds one session and closes it."""
    query: list[tuple[str, str]] = [("url", url), *(("message", text) for text in messages)]
    query += [("close", "client"), ("limit", str(LIMIT))]
    if size is not None:
        query.append(("size", str(size)))
    if protocol is not None:
        query.append(("protocol", protocol))
    arguments: list[str] = []
    if proxy is not None:
        # Without the second one, what is on this machine is asked for directly.
        arguments = [f"--proxy-server={proxy}", "--proxy-bypass-list=<-loopback>"]
    lines: list[str] = []
    with chromium_running(arguments) as context:
        page = context.new_page()
        page.on("console", lambda message: lines.append(message.text))
        page.goto(f"{origin}/session.html?{urlencode(query, quote_via=quote)}")
        page.wait_for_function("window.status === 'done'", timeout=LIMIT + PATIENCE * 1000)
    return Visit(tuple(line for line in lines if line.startswith(PAGE_EVENT)), origin)


@CHROMIUM
@ECHO_SERVERS
def test_chromium_and_an_old_server(server: Server, pages: str, tmp_path: Path) -> None:
    with mitmproxying(tmp_path, reversing(server.url), *TO_OLD) as mitm:
        seen = visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(seen)
    assert seen.events[-1]["wasClean"]
    values = told(flow)
    assert (values["dialect"], values["server_dialect"]) == ("rfc6455", "hixie-76")
    assert values["verdict"] == "verified"
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
    assert ending(flow) == (1005, True)
    # The server knows itself by its own name, and the flow has its request.
    assert flow.request.headers["Host"] == urlsplit(server.url).netloc
    assert "Sec-WebSocket-Key1" in flow.request.headers
    assert len(flow.request.raw_content or b"") == 8
    assert flow.response is not None
    assert "Sec-WebSocket-Accept" in flow.response.headers
    assert flow.marked in ("", ":warning:")


@CHROMIUM
@ECHO_SERVERS
def test_large_message_in_a_subprotocol(server: Server, pages: str, tmp_path: Path) -> None:
    with mitmproxying(tmp_path, reversing(server.url), *TO_OLD) as mitm:
        seen = visit(pages, f"{mitm.url}/", size=MIB, protocol="chat")
        flow = the_session(mitm.finish())
    assert seen.names == ["open", "message", "close"]
    assert [message["equal"] for message in seen.messages()] == [True]
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Protocol"] == "chat"
    # The browser offers to compress, and may.
    assert "permessage-deflate" in flow.response.headers["Sec-WebSocket-Extensions"]
    assert texts(flow, "client") == texts(flow, "server")


@CHROMIUM
@pytest.mark.peer("protocol-websocket")
def test_chromium_and_a_server_of_hixie_75(pages: str, tmp_path: Path) -> None:
    option = "ws76_server_dialect=hixie-75"
    with (
        serving("protocol-websocket") as server,
        mitmproxying(tmp_path, reversing(server.url), "--set", option) as mitm,
    ):
        seen = visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(seen)
    assert told(flow)["server_dialect"] == "hixie-75"
    assert texts(flow, "server") == list(TEXTS)


@CHROMIUM
@pytest.mark.peer("eventlet")
def test_chromium_with_mitmproxy_for_its_proxy(pages: str, tmp_path: Path) -> None:
    """The page too comes through it; the socket comes in a tunnel."""
    with (
        serving("eventlet") as server,
        mitmproxying(tmp_path, "regular", *TO_OLD) as mitm,
    ):
        seen = visit(pages, f"{server.url}{RESOURCE}", messages=TEXTS, proxy=mitm.netloc)
        flow = the_session(mitm.finish())
    assert_talked(seen)
    assert told(flow)["server_dialect"] == "hixie-76"
    assert texts(flow, "server") == list(TEXTS)
    assert flow.request.headers["Host"] == urlsplit(server.url).netloc


@BROWSER
@pytest.mark.peer("websockets")
def test_qtwebkit_and_a_server_of_today(pages: str, tmp_path: Path) -> None:
    with (
        serving("websockets") as server,
        mitmproxying(tmp_path, reversing(server.url), *TO_MODERN) as mitm,
    ):
        seen = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
        # The old browser leaves without a word; the server is told that it has gone.
        server.process.wait_for_line("stdout", "^closed 1001 ")
    assert_talked(seen)
    values = told(flow)
    assert (values["dialect"], values["server_dialect"]) == ("hixie-76", "rfc6455")
    assert values["verdict"] == "verified"
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
    assert ending(flow) == (1006, True)
    assert flow.request.headers["Sec-WebSocket-Version"] == "13"
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Location"] == mitm.url + RESOURCE
    assert len(flow.response.raw_content or b"") == 16


@BROWSER
@pytest.mark.peer("websockets")
def test_a_large_message_of_qtwebkit(pages: str, tmp_path: Path) -> None:
    with (
        serving("websockets") as server,
        mitmproxying(tmp_path, reversing(server.url), *TO_MODERN) as mitm,
    ):
        seen = browser.visit(pages, f"{mitm.url}/", size=MIB, protocol="chat")
        flow = the_session(mitm.finish())
    assert seen.complaints == []
    assert [message["equal"] for message in seen.messages()] == [True]
    assert texts(flow, "client") == texts(flow, "server")


@CHROMIUM
@pytest.mark.peer("eventlet")
def test_exported_and_read_by_mitmproxy_alone(pages: str, tmp_path: Path) -> None:
    """What was saved needs this project no longer."""
    with (
        serving("eventlet") as server,
        mitmproxying(tmp_path, reversing(server.url), *TO_OLD) as mitm,
    ):
        visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        mitm.finish()
    har, flows = tmp_path / "session.har", tmp_path / "flows"
    run_mitmdump(tmp_path, "-r", str(flows), "--set", f"hardump={har}")
    entries = json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]
    (messages,) = [one["_webSocketMessages"] for one in entries if "_webSocketMessages" in one]
    assert [one["data"] for one in messages if one["type"] == "send"] == list(TEXTS)
    for wanted in ("~websocket", r'~meta "\'server_dialect\': \'hixie-76\'"'):
        assert [flow.request.path for flow in filtered(flows, wanted)] == [RESOURCE]
    # With the addon, the handshake's report is there again.
    shown = run_mitmdump(tmp_path, "-r", str(flows), "--set", "flow_detail=3", addon=True)
    assert "rfc6455" in shown
    assert "the server got" in shown
