"""Clients that are no browser through the relay: one of ours in TLS, and Protocol::WebSocket."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import pytest

from .cases import (
    ECHO_SERVERS,
    MIB,
    ORIGIN,
    PERL_CLIENT,
    PERL_CLIENT_SERVERS,
    RESOURCE,
    TEXTS,
)
from .client import CLOSING, DIGEST, connected, perl_client
from .peer import Server
from .relay import (
    adjustments,
    assert_verified,
    of_type,
    only,
    relaying,
    texts,
)
from .tls import Certificate


@ECHO_SERVERS
@pytest.mark.parametrize("origin", ["http://page.example", "https://page.example"])
def test_raw_client_over_tls(server: Server, certificate: Certificate, origin: str) -> None:
    arguments = ["--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)]
    large = "é" * (MIB // 2)
    with relaying(server.url, *arguments) as relay:
        assert relay.url.startswith("wss://")
        url = f"{relay.url}{RESOURCE}"
        with connected(url, certificate.client_context()) as client:
            answer = client.open(url, origin=origin, protocol="chat")
            # The server spoke of itself; what the client checks is where it went.
            assert answer.fields["sec-websocket-location"] == url
            assert answer.fields["sec-websocket-origin"] == origin
            assert answer.fields["sec-websocket-protocol"] == "chat"
            assert answer.digest == DIGEST
            for text in (*TEXTS, large):
                client.send(text)
                assert client.receive() == text
            assert client.close() in (CLOSING, b"")
        records = relay.finish()
    assert_verified(records)
    (location,) = [
        change
        for change in adjustments(records, "proxy")
        if change.what == "Sec-WebSocket-Location"
    ]
    assert location.before is not None
    assert urlsplit(location.before).netloc == urlsplit(server.url).netloc
    assert location.after == url
    assert texts(records, "client") == [*TEXTS, large]
    assert texts(records, "server") == [*TEXTS, large]


@ECHO_SERVERS
def test_each_of_many_tls_clients_is_served(server: Server, certificate: Certificate) -> None:
    """A hello that comes with the connection, or right after it, is never lost."""
    arguments = ["--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)]
    clients = 20
    with relaying(server.url, *arguments) as relay:
        for _ in range(clients):
            with connected(relay.url, certificate.client_context()) as client:
                assert client.open(relay.url, origin=ORIGIN).digest == DIGEST
        records = relay.finish(clients)
    assert [one["verdict"] for one in of_type(records, "challenge")] == ["verified"] * clients


@PERL_CLIENT
@PERL_CLIENT_SERVERS
@pytest.mark.parametrize("version", [75, 76])
# Without one, this client says that its origin is the host it connects to: the relay.
@pytest.mark.parametrize("origin", [ORIGIN, None])
def test_perl_client(server: Server, version: Literal[75, 76], origin: str | None) -> None:
    with relaying(server.url) as relay:
        url = f"{relay.url}{RESOURCE}"
        events = perl_client(url, version=version, messages=TEXTS, origin=origin)
        records = relay.finish()
    assert events[0]["location"] == url
    assert events[0]["origin"] == (origin or f"http://{relay.netloc}")
    assert [event["text"] for event in events[1:-1]] == list(TEXTS)
    changed = {(change.toward, change.what): change for change in adjustments(records, "proxy")}
    assert changed["server", "Host"][2:] == (relay.netloc, urlsplit(server.url).netloc)
    location = "WebSocket-Location" if version == 75 else "Sec-WebSocket-Location"
    assert changed["client", location][2:] == (f"{server.url}{RESOURCE}", url)
    assert texts(records, "client") == list(TEXTS)
    assert texts(records, "server") == list(TEXTS)
    if version == 76:
        assert_verified(records)
    else:
        assert of_type(records, "challenge") == []
    assert only(records, "session-end")["outcome"] == "open"


@PERL_CLIENT
@PERL_CLIENT_SERVERS
def test_perl_client_in_a_subprotocol(server: Server) -> None:
    with relaying(server.url) as relay:
        url = f"{relay.url}/"
        events = perl_client(url, version=76, messages=TEXTS, subprotocol="chat")
        relay.finish()
    assert events[0]["subprotocol"] == "chat"
