"""QtWebKit through mitmdump with the addon to each real server, and the flows that it saves."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from . import browser
from .cases import BROWSER, ECHO_SERVERS, MIB, RESOURCE, TEXTS, WRONG_DIGEST_SERVER
from .mitm import (
    assert_verified,
    ending,
    filtered,
    mitmproxying,
    reversing,
    run_mitmdump,
    texts,
    the_session,
    told,
)
from .peer import Server, serving
from .relay import relaying
from .test_relay_browser import assert_talked
from .tls import Certificate

ABRUPT = (1006, True)
"""This engine's normal end: it closes TCP and never sends the two closing bytes."""


@BROWSER
@ECHO_SERVERS
def test_text(server: Server, pages: str, tmp_path: Path) -> None:
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        visit = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(visit)
    assert_verified(flow)
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
    assert ending(flow) == ABRUPT
    # Asked under its own name, the server answers under it; the browser needs the one it used.
    assert flow.request.headers["Host"] == urlsplit(server.url).netloc
    assert flow.request.raw_content is not None
    assert len(flow.request.raw_content) == 8
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Location"] == mitm.url + RESOURCE
    assert flow.comment == ""


@BROWSER
@ECHO_SERVERS
def test_large_message_in_a_subprotocol(server: Server, pages: str, tmp_path: Path) -> None:
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        visit = browser.visit(pages, f"{mitm.url}/", size=MIB, protocol="chat")
        flow = the_session(mitm.finish())
    assert visit.complaints == []
    assert visit.names == ["open", "message", "close"]
    assert [message["equal"] for message in visit.messages()] == [True]
    assert_verified(flow)
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Protocol"] == "chat"
    assert flow.websocket is not None
    assert [len(message.content) for message in flow.websocket.messages] == [MIB, MIB]
    assert texts(flow, "client") == texts(flow, "server")


@BROWSER
@ECHO_SERVERS
def test_a_server_behind_tls(
    server: Server, pages: str, tmp_path: Path, certificate: Certificate
) -> None:
    """wss towards the server: this engine has no TLS of its own that works on a current system."""
    terminator = ["--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)]
    with (
        relaying(server.url, *terminator) as tls,
        mitmproxying(tmp_path, reversing(tls.url), "--ssl-insecure") as mitm,
    ):
        visit = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(visit)
    assert_verified(flow)
    assert flow.request.scheme == "https"
    assert texts(flow, "server") == list(TEXTS)
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Location"] == mitm.url + RESOURCE


@BROWSER
@ECHO_SERVERS
@pytest.mark.parametrize("option", ["keep_host_header=true", "ws76_challenge=own"])
def test_other_ways_to_ask(server: Server, pages: str, tmp_path: Path, option: str) -> None:
    with mitmproxying(tmp_path, reversing(server.url), "--set", option) as mitm:
        visit = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(visit)
    assert_verified(flow)
    assert texts(flow, "server") == list(TEXTS)
    (request,) = [one for one in told(flow)["records"] if one["type"] == "request"]
    if option.startswith("keep_host"):
        assert flow.request.headers["Host"] == mitm.netloc
    else:
        # The browser's keys are in the record of what came; the flow has what the server was asked.
        assert flow.request.headers["Sec-WebSocket-Key1"] not in request["head"]


@BROWSER
@pytest.mark.peer("eventlet")
def test_page_and_socket_on_one_port(tmp_path: Path) -> None:
    """The page comes through mitmdump too, so that its origin is mitmdump's address."""
    with (
        serving("eventlet", "--pages", browser.PAGES) as server,
        mitmproxying(tmp_path, reversing(server.url)) as mitm,
    ):
        visit = browser.visit(f"http://{mitm.netloc}", f"{mitm.url}/", messages=TEXTS)
        flows = mitm.finish()
    assert_talked(visit)
    flow = the_session(flows)
    assert_verified(flow)
    paths = [one.request.path.partition("?")[0] for one in flows if one is not flow]
    assert paths[:2] == ["/session.html", "/session.js"]
    assert flow.request.headers["Origin"] == f"http://{urlsplit(server.url).netloc}"
    assert flow.response is not None
    assert flow.response.headers["Sec-WebSocket-Origin"] == f"http://{mitm.netloc}"


@BROWSER
@WRONG_DIGEST_SERVER
def test_wrong_digest_is_marked_where_the_browser_is_silent(
    server: Server, pages: str, tmp_path: Path
) -> None:
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        visit = browser.visit(pages, f"{mitm.url}/", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert visit.names == ["close"]
    assert visit.complaints == []
    values = told(flow)
    assert values["verdict"] == "wrong"
    assert len(bytes.fromhex(values["challenge"]["expected"])) == 16
    assert values["challenge"]["received"] != values["challenge"]["expected"]
    assert flow.marked == ":x:"
    assert flow.comment.startswith("ws76: digest-")
    assert flow.response is not None
    assert flow.response.raw_content == bytes.fromhex(values["challenge"]["received"])


@BROWSER
@WRONG_DIGEST_SERVER
def test_wrong_digest_repaired(server: Server, pages: str, tmp_path: Path) -> None:
    with mitmproxying(tmp_path, reversing(server.url), "--set", "ws76_repair=true") as mitm:
        visit = browser.visit(pages, f"{mitm.url}/", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(visit)
    values = told(flow)
    assert values["verdict"] == "wrong"
    assert flow.response is not None
    assert flow.response.raw_content == bytes.fromhex(values["challenge"]["expected"])
    assert flow.marked == ":x:"


@BROWSER
@ECHO_SERVERS
def test_exported_and_read_by_mitmproxy_alone(server: Server, pages: str, tmp_path: Path) -> None:
    """What was saved needs this project no longer: a mitmproxy without the addon exports it."""
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        mitm.finish()
    har = tmp_path / "session.har"
    flows = tmp_path / "flows"
    run_mitmdump(tmp_path, "-r", str(flows), "--set", f"hardump={har}")
    (entry,) = json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]
    sent = [one["data"] for one in entry["_webSocketMessages"] if one["type"] == "send"]
    assert sent == list(TEXTS)
    # The same filters as for RFC 6455, and what the addon wrote into the flow.
    for wanted in ("~websocket", r'~meta "\'verdict\': \'verified\'"', "!~marked"):
        assert [flow.request.path for flow in filtered(flows, wanted)] == [RESOURCE]
    assert filtered(flows, "~marked") == []
