"""Clients that are no browser through mitmdump with the addon to real servers, in each mode."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest

from .browser import PAGES
from .cases import ECHO_SERVERS, MIB, ORIGIN, PERL_CLIENT, PERL_CLIENT_SERVERS, RESOURCE, TEXTS
from .client import CLOSING, DIGEST, DrippingClient, RawClient, connected, perl_client
from .mitm import (
    Mitm,
    assert_verified,
    ending,
    mitmproxying,
    reversing,
    texts,
    the_session,
    told,
)
from .peer import Server, serving
from .process import PATIENCE

CLEAN = (1005, True)


def assert_session(client: RawClient, url: str, *, absolute: bool = False) -> None:
    """A handshake whose answer is as the client expects it, an echo of each text, a clean end."""
    answer = client.open(url, origin=ORIGIN, protocol="chat", absolute=absolute)
    assert answer.digest == DIGEST
    assert answer.fields["sec-websocket-location"] == url
    assert answer.fields["sec-websocket-origin"] == ORIGIN
    for text in TEXTS:
        client.send(text)
        assert client.receive() == text
    assert client.close() in (CLOSING, b"")


@contextmanager
def connected_to(mitm: Mitm, kind: type[RawClient] = RawClient) -> Iterator[RawClient]:
    """A client of a mitmproxy that is a proxy, and not the server itself."""
    with socket.create_connection(("127.0.0.1", mitm.port), timeout=PATIENCE) as plain:
        yield kind(plain)


@PERL_CLIENT
@PERL_CLIENT_SERVERS
@pytest.mark.parametrize("version", [75, 76])
# Without one, this client says that its origin is the host it connects to: mitmdump.
@pytest.mark.parametrize("origin", [ORIGIN, None])
def test_perl_client(
    server: Server, version: Literal[75, 76], origin: str | None, tmp_path: Path
) -> None:
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        url = f"{mitm.url}{RESOURCE}"
        events = perl_client(url, version=version, messages=TEXTS, origin=origin)
        flow = the_session(mitm.finish())
    assert events[0]["location"] == url
    assert events[0]["origin"] == (origin or f"http://{mitm.netloc}")
    assert [event["text"] for event in events[1:-1]] == list(TEXTS)
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
    # 76 has a closing handshake; in 75 a client that just goes has ended the session in order.
    assert ending(flow) == CLEAN
    if version == 76:
        assert_verified(flow)
    else:
        assert (told(flow)["dialect"], told(flow)["verdict"]) == ("hixie-75", None)
        assert flow.request.raw_content == b""
        assert flow.marked == ""


@ECHO_SERVERS
def test_raw_client_over_tls(server: Server, tmp_path: Path) -> None:
    """wss ends at mitmdump, whose own authority the client trusts."""
    large = "é" * (MIB // 2)
    with mitmproxying(tmp_path, reversing(server.url)) as mitm:
        url = f"wss://{mitm.netloc}{RESOURCE}"
        with connected(url, mitm.client_context()) as client:
            answer = client.open(url, origin="https://page.example", protocol="chat")
            assert answer.fields["sec-websocket-location"] == url
            assert answer.fields["sec-websocket-origin"] == "https://page.example"
            assert answer.digest == DIGEST
            for text in (*TEXTS, large):
                client.send(text)
                assert client.receive() == text
            assert client.close() in (CLOSING, b"")
        flow = the_session(mitm.finish())
    # This server takes the scheme of its location from the Origin, and is wrong behind a proxy that
    # ends TLS: worth a mark, though the client gets what it expects.
    guesses = server.name == "protocol-websocket"
    assert_verified(flow, marked=":warning:" if guesses else "")
    assert ("location-scheme-differs" in told(flow)["findings"]) is guesses
    assert ending(flow) == CLEAN
    assert flow.client_conn.tls_established
    assert texts(flow, "server") == [*TEXTS, large]


@ECHO_SERVERS
@pytest.mark.parametrize("absolute", [False, True], ids=["connect", "absolute"])
def test_regular_proxy(server: Server, absolute: bool, tmp_path: Path) -> None:
    url = f"{server.url}{RESOURCE}"
    with mitmproxying(tmp_path, "regular") as mitm:
        with connected_to(mitm) as client:
            if not absolute:
                client.connect_through(url)
            assert_session(client, url, absolute=absolute)
        flow = the_session(mitm.finish())
    assert_verified(flow)
    assert ending(flow) == CLEAN
    assert texts(flow, "client") == list(TEXTS)


@ECHO_SERVERS
def test_upstream_proxy(server: Server, tmp_path: Path) -> None:
    """The other proxy is a mitmdump that passes on bytes: its log shows what went through it."""
    url = f"{server.url}{RESOURCE}"
    other, ours = tmp_path / "other", tmp_path / "ours"
    with (
        mitmproxying(other, "regular", "--set", "tcp_hosts=.*", addon=False) as proxy,
        mitmproxying(ours, f"upstream:http://{proxy.netloc}") as mitm,
    ):
        with connected_to(mitm) as client:
            client.connect_through(url)
            assert_session(client, url)
        flow = the_session(mitm.finish())
        proxy.wait_for_line(rf"-> tcp -> {urlsplit(url).netloc}$")
    assert_verified(flow)
    assert texts(flow, "server") == list(TEXTS)


@ECHO_SERVERS
def test_upstream_proxy_that_knows_hixie_too(server: Server, tmp_path: Path) -> None:
    """Without CONNECT, each proxy on the way has to understand the handshake."""
    url = f"{server.url}{RESOURCE}"
    with (
        mitmproxying(tmp_path / "other", "regular") as proxy,
        mitmproxying(tmp_path / "ours", f"upstream:http://{proxy.netloc}") as mitm,
    ):
        with connected_to(mitm) as client:
            assert_session(client, url, absolute=True)
        flows = [the_session(mitm.finish()), the_session(proxy.finish())]
    for flow in flows:
        assert_verified(flow)
        assert texts(flow, "server") == list(TEXTS)


@pytest.mark.peer("eventlet")
def test_not_the_first_request_of_its_connection(tmp_path: Path) -> None:
    script = PAGES / "session.js"
    with (
        serving("eventlet", "--pages", PAGES) as server,
        mitmproxying(tmp_path, reversing(server.url)) as mitm,
    ):
        with connected(mitm.url) as client:
            for _ in range(2):
                fetched = client.fetch(f"http://{mitm.netloc}/{script.name}")
                assert fetched == script.read_bytes()
            assert_session(client, f"{mitm.url}{RESOURCE}")
        flows = mitm.finish()
    assert_verified(the_session(flows))
    assert len({flow.client_conn.id for flow in flows}) == 1
    assert len(flows) == 3


@ECHO_SERVERS
@pytest.mark.parametrize("tunnel", [False, True], ids=["reverse", "connect"])
def test_every_byte_in_a_segment_of_its_own(server: Server, tunnel: bool, tmp_path: Path) -> None:
    mode = "regular" if tunnel else reversing(server.url)
    with mitmproxying(tmp_path, mode) as mitm:
        url = f"{server.url if tunnel else mitm.url}{RESOURCE}"
        with connected_to(mitm, DrippingClient) as client:
            if tunnel:
                client.connect_through(url)
            assert_session(client, url)
        flow = the_session(mitm.finish())
    assert_verified(flow)
    assert ending(flow) == CLEAN
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
