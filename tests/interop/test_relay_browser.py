"""QtWebKit through the relay to each real server: it opens, talks, and the log says why."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from . import browser
from .cases import BROWSER, ECHO_SERVERS, MIB, RESOURCE, TEXTS, WRONG_DIGEST_SERVER
from .peer import Server, serving
from .relay import (
    Adjustment,
    adjustments,
    assert_verified,
    of_type,
    only,
    relaying,
    texts,
)


def assert_talked(visit: browser.Visit) -> None:
    """The page opened its socket, had each of its texts echoed, and closed."""
    assert visit.complaints == []
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    assert all(message["equal"] for message in visit.messages())


@BROWSER
@ECHO_SERVERS
def test_text(server: Server, pages: str) -> None:
    with relaying(server.url) as relay:
        visit = browser.visit(pages, f"{relay.url}{RESOURCE}", messages=TEXTS)
        records = relay.finish()
    assert_talked(visit)
    assert_verified(records)
    assert texts(records, "client") == list(TEXTS)
    assert texts(records, "server") == list(TEXTS)
    # Asked under its own name, the server answers under it; the browser needs the one it used.
    ours, theirs = relay.url + RESOURCE, server.url + RESOURCE
    assert adjustments(records, "proxy") == [
        Adjustment("server", "Host", urlsplit(ours).netloc, urlsplit(theirs).netloc),
        Adjustment("client", "Sec-WebSocket-Location", theirs, ours),
    ]
    assert only(records, "session-end")["outcome"] == "open"


@BROWSER
@ECHO_SERVERS
def test_text_on_the_console(server: Server, pages: str) -> None:
    with relaying(server.url, json_lines=False) as relay:
        visit = browser.visit(pages, f"{relay.url}{RESOURCE}", messages=TEXTS)
        printed = relay.printed()
    assert_talked(visit)
    assert "digest verified" in printed
    assert server.url + RESOURCE in printed
    assert relay.url + RESOURCE in printed
    for text in TEXTS:
        assert text in printed


@BROWSER
@ECHO_SERVERS
def test_large_message_in_a_subprotocol(server: Server, pages: str) -> None:
    with relaying(server.url) as relay:
        visit = browser.visit(pages, f"{relay.url}/", size=MIB, protocol="chat")
        records = relay.finish()
    assert visit.complaints == []
    assert visit.names == ["open", "message", "close"]
    assert [message["equal"] for message in visit.messages()] == [True]
    assert_verified(records)
    assert "\r\nSec-WebSocket-Protocol: chat\r\n" in only(records, "request")["head"]
    assert "\r\nsec-websocket-protocol: chat\r\n" in only(records, "response")["head"].lower()
    messages = of_type(records, "message")
    assert [(message["direction"], message["size"]) for message in messages] == [
        ("client", MIB),
        ("server", MIB),
    ]
    assert messages[0]["text"] == messages[1]["text"]


@BROWSER
@ECHO_SERVERS
def test_host_kept_needs_no_compensation(server: Server, pages: str) -> None:
    with relaying(server.url, "--host", "keep") as relay:
        visit = browser.visit(pages, f"{relay.url}{RESOURCE}", messages=TEXTS)
        records = relay.finish()
    assert_talked(visit)
    assert_verified(records)
    assert of_type(records, "adjustment") == []


@BROWSER
@ECHO_SERVERS
def test_challenge_of_the_relay_itself(server: Server, pages: str) -> None:
    with relaying(server.url, "--challenge", "own") as relay:
        visit = browser.visit(pages, f"{relay.url}{RESOURCE}", messages=TEXTS)
        records = relay.finish()
    assert_talked(visit)
    challenges = {
        (record["asked_by"], record["answered_by"]): record
        for record in of_type(records, "challenge")
    }
    # The server answers the relay's challenge; the browser accepted the relay's answer to its own.
    upstream = challenges["relay", "server"]
    assert upstream["verdict"] == "verified"
    assert upstream["key1"]["text"] not in only(records, "request")["head"]
    assert [change.what for change in adjustments(records, "challenge")]


@BROWSER
@pytest.mark.peer("eventlet")
def test_page_and_socket_on_one_port() -> None:
    """The page comes through the relay too, so that its origin is the relay's address."""
    with serving("eventlet", "--pages", browser.PAGES) as server, relaying(server.url) as relay:
        visit = browser.visit(f"http://{relay.netloc}", f"{relay.url}/", messages=TEXTS)
        records = relay.finish()
    assert_talked(visit)
    assert_verified(records)
    assert ("GET", 200) in {(one["method"], one["status"]) for one in of_type(records, "http")}
    ours, theirs = urlsplit(relay.url).netloc, urlsplit(server.url).netloc
    changed = {(change.toward, change.what): change for change in adjustments(records, "proxy")}
    assert changed["server", "Origin"][2:] == (f"http://{ours}", f"http://{theirs}")
    assert changed["client", "Sec-WebSocket-Origin"][2:] == (f"http://{theirs}", f"http://{ours}")


@BROWSER
@WRONG_DIGEST_SERVER
def test_wrong_digest_is_shown_where_the_browser_is_silent(server: Server, pages: str) -> None:
    with relaying(server.url) as relay:
        visit = browser.visit(pages, f"{relay.url}/", messages=TEXTS)
        records = relay.finish()
    assert visit.names == ["close"]
    assert visit.complaints == []
    challenge = only(records, "challenge")
    assert challenge["verdict"] == "wrong"
    assert len(bytes.fromhex(challenge["received"])) == 16
    assert len(bytes.fromhex(challenge["expected"])) == 16
    assert challenge["received"] != challenge["expected"]
    assert "error" in {finding["severity"] for finding in of_type(records, "finding")}


@BROWSER
@WRONG_DIGEST_SERVER
def test_wrong_digest_repaired(server: Server, pages: str) -> None:
    with relaying(server.url, "--repair") as relay:
        visit = browser.visit(pages, f"{relay.url}/", messages=TEXTS)
        records = relay.finish()
    assert_talked(visit)
    challenge = only(records, "challenge")
    assert challenge["verdict"] == "wrong"
    assert challenge["sent"] == challenge["expected"]
    assert [
        (change.toward, change.before, change.after) for change in adjustments(records, "repair")
    ]
