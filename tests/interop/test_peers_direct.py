"""The harness itself, without the relay: the peers with each other, as a reference."""

from __future__ import annotations

from . import browser
from .cases import (
    BROWSER,
    ECHO_SERVERS,
    MIB,
    ORIGIN,
    PERL_CLIENT,
    PERL_CLIENT_SERVERS,
    RESOURCE,
    TEXTS,
    WRONG_DIGEST_SERVER,
)
from .client import CLOSING, DIGEST, connected, perl_client
from .peer import Server


@BROWSER
@ECHO_SERVERS
def test_browser_exchanges_text(server: Server, pages: str) -> None:
    visit = browser.visit(pages, f"{server.url}{RESOURCE}", messages=TEXTS)
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    assert all(message["equal"] for message in visit.messages())
    assert visit.complaints == []


@BROWSER
@ECHO_SERVERS
def test_browser_exchanges_a_large_message_in_a_subprotocol(server: Server, pages: str) -> None:
    visit = browser.visit(pages, f"{server.url}/", size=MIB, protocol="chat")
    assert visit.names == ["open", "message", "close"]
    assert [message["equal"] for message in visit.messages()] == [True]
    assert visit.complaints == []


@BROWSER
@WRONG_DIGEST_SERVER
def test_browser_never_opens_and_says_nothing_when_the_digest_is_wrong(
    server: Server, pages: str
) -> None:
    visit = browser.visit(pages, f"{server.url}/", messages=TEXTS)
    assert visit.names == ["close"]
    assert visit.complaints == []


@PERL_CLIENT
@PERL_CLIENT_SERVERS
def test_perl_client_76(server: Server) -> None:
    url = f"{server.url}{RESOURCE}"
    events = perl_client(url, version=76, messages=TEXTS, origin=ORIGIN, subprotocol="chat")
    assert events[0] == {
        "event": "open",
        "location": url,
        "origin": ORIGIN,
        "subprotocol": "chat",
    }
    assert [event["text"] for event in events[1:-1]] == list(TEXTS)
    assert events[-1]["event"] == "close"


@PERL_CLIENT
@PERL_CLIENT_SERVERS
def test_perl_client_75(server: Server) -> None:
    url = f"{server.url}{RESOURCE}"
    events = perl_client(url, version=75, messages=TEXTS, origin=ORIGIN)
    assert events[0] == {
        "event": "open",
        "location": url,
        "origin": ORIGIN,
        "subprotocol": None,
    }
    assert [event["text"] for event in events[1:-1]] == list(TEXTS)
    assert events[-1]["event"] == "close"


@ECHO_SERVERS
def test_raw_client(server: Server) -> None:
    url = f"{server.url}{RESOURCE}"
    with connected(url) as client:
        answer = client.open(url, origin=ORIGIN, protocol="chat")
        assert answer.digest == DIGEST
        assert answer.fields["sec-websocket-location"] == url
        assert answer.fields["sec-websocket-origin"] == ORIGIN
        assert answer.fields["sec-websocket-protocol"] == "chat"
        for text in (*TEXTS, "é" * (MIB // 2)):
            client.send(text)
            assert client.receive() == text
        # Those that answer the closing handshake answer it with nothing else.
        assert client.close() in (CLOSING, b"")
