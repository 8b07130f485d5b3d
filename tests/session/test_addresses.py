"""What a head must say otherwise because there is a proxy between: Host, Origin, Location."""

from __future__ import annotations

import pytest

from ws76proxy.endpoint import Endpoint, parse_upstream
from ws76proxy.record import AdjustmentRecord, RequestRecord, ResponseRecord

from .examples import DIGEST, KEY3, answer, answer_75, plain, request, request_75
from .playbook import Play

PAGE = "http://proxy.test:8076"
HOST = "proxy, to server: Host 'proxy.test:8076' -> 'server.test:9000'"
ORIGIN = f"proxy, to server: Origin '{PAGE}' -> 'http://server.test:9000'"
LOCATION = (
    "proxy, to client: Sec-WebSocket-Location "
    "'ws://server.test:9000/chat?room=1' -> 'ws://proxy.test:8076/chat?room=1'"
)
VERIFIED = "client's challenge, server's answer: verified"


def changes(play: Play) -> list[tuple[str, str | None, str | None]]:
    """What was adjusted for the proxy's own sake."""
    return [
        (record.what, record.before, record.after)
        for record in play.records
        if isinstance(record, AdjustmentRecord) and record.cause == "proxy"
    ]


def test_the_server_is_addressed_by_its_own_name() -> None:
    play = Play()
    play.client(request() + KEY3)
    play.to_server(request("server.test:9000") + KEY3)
    play.server(answer("server.test:9000") + DIGEST)
    play.to_client(answer() + DIGEST)
    play.told(
        "hixie-76 request /chat?room=1, changed",
        HOST,
        "response 101, changed",
        LOCATION,
        VERIFIED,
    )
    came = next(record for record in play.records if isinstance(record, RequestRecord))
    assert (came.head, came.sent) == (request().decode(), request("server.test:9000").decode())
    went = next(record for record in play.records if isinstance(record, ResponseRecord))
    assert (went.head, went.sent) == (answer("server.test:9000").decode(), answer().decode())


def test_a_page_through_the_proxy_is_the_servers_own() -> None:
    play = Play()
    play.client(request(origin=PAGE) + KEY3)
    play.to_server(request("server.test:9000", "http://server.test:9000") + KEY3)
    play.server(answer("server.test:9000", "http://server.test:9000") + DIGEST)
    play.to_client(answer(origin=PAGE) + DIGEST)
    play.told(
        "hixie-76 request /chat?room=1, changed",
        HOST,
        ORIGIN,
        "response 101, changed",
        LOCATION,
        f"proxy, to client: Sec-WebSocket-Origin 'http://server.test:9000' -> '{PAGE}'",
        VERIFIED,
    )


def test_hosts_compare_without_case_and_the_clients_spelling_comes_back() -> None:
    play = Play()
    play.client(request("Proxy.Test:8076", "http://proxy.test:8076") + KEY3)
    play.to_server(request("server.test:9000", "http://server.test:9000") + KEY3)
    play.server(answer("SERVER.test:9000", "http://server.test:9000") + DIGEST)
    play.to_client(answer("Proxy.Test:8076", "http://proxy.test:8076") + DIGEST)


@pytest.mark.parametrize("origin", ["null", "http://other.test:8076", "http://proxy.test", None])
def test_another_sites_origin_stays(origin: str | None) -> None:
    play = Play()
    play.client(request(origin=origin) + KEY3)
    play.to_server(request("server.test:9000", origin) + KEY3)
    play.server(answer("server.test:9000", str(origin)) + DIGEST)
    play.to_client(answer(origin=str(origin)) + DIGEST)
    assert [what for what, _, _ in changes(play)] == ["Host", "Sec-WebSocket-Location"]


def test_kept_host_changes_nothing() -> None:
    play = Play(host="keep")
    play.client(request(origin=PAGE) + KEY3)
    play.to_server(request(origin=PAGE) + KEY3)
    for_another = answer("PROXY.test:8076", "http://server.test:9000")
    play.server(for_another + DIGEST)
    play.to_client(for_another + DIGEST)
    assert changes(play) == []


def test_a_host_that_is_the_servers_already_changes_nothing() -> None:
    play = Play()
    play.client(request("server.test:9000") + KEY3)
    play.to_server(request("server.test:9000") + KEY3)
    play.server(answer("Server.test:9000") + DIGEST)
    play.to_client(answer("Server.test:9000") + DIGEST)
    assert changes(play) == []


def test_a_request_without_host_gets_none() -> None:
    head = plain("GET /chat?room=1 HTTP/1.1", "Upgrade: WebSocket", "Connection: Upgrade")
    play = Play()
    play.client(head)
    play.to_server(head)
    play.server(answer_75("server.test:9000"))
    play.to_client(answer_75("server.test:9000"))
    assert changes(play) == []


@pytest.mark.parametrize(
    ("listener", "upstream", "client_host", "server_host", "location_before", "location_after"),
    [
        ("ws://p.test:8076", "ws://s.test:80", "p.test:8076", "s.test", "ws://s.test", ""),
        ("ws://p.test:80", "ws://s.test:9000", "p.test", "s.test:9000", "ws://s.test:9000", ""),
        ("wss://p.test:8443", "ws://s.test:80", "p.test:8443", "s.test", "ws://s.test", ""),
        ("wss://p.test:443", "ws://s.test:81", "p.test", "s.test:81", "ws://s.test:81", ""),
        ("ws://p.test:8076", "wss://s.test:443", "p.test:8076", "s.test", "wss://s.test", ""),
        ("ws://p.test:80", "wss://s.test:444", "p.test", "s.test:444", "wss://s.test:444", ""),
        ("wss://p.test:443", "wss://s.test:443", "p.test", "s.test", "wss://s.test", ""),
        ("ws://[::1]:8076", "ws://[::2]:80", "[::1]:8076", "[::2]", "ws://[::2]", ""),
        # A client that leaves the port out of Host gets back what it said.
        ("ws://p.test:8076", "ws://s.test:9000", "p.test", "s.test:9000", "ws://s.test:9000", ""),
        # What a server gets wrong about itself stays wrong.
        (
            "wss://p.test:8443",
            "wss://s.test:443",
            "p.test:8443",
            "s.test",
            "ws://s.test",
            "ws://p.test:8443",
        ),
        (
            "ws://p.test:8076",
            "ws://s.test:9000",
            "p.test:8076",
            "s.test:9000",
            "ws://inner.test:1234",
            "ws://inner.test:1234",
        ),
        (
            "ws://p.test:8076",
            "ws://s.test:80",
            "p.test:8076",
            "s.test",
            "ws://s.test:80",
            "ws://s.test:80",
        ),
        ("ws://p.test:8076", "ws://s.test:80", "p.test:8076", "s.test", "none", "none"),
    ],
)
def test_schemes_and_ports(
    listener: str,
    upstream: str,
    client_host: str,
    server_host: str,
    location_before: str,
    location_after: str,
) -> None:
    ours, theirs = parse_upstream(listener), parse_upstream(upstream)
    play = Play(listener=ours, upstream=theirs)
    page = f"http{'s' if ours.secure else ''}://{client_host}"
    page_there = f"http{'s' if theirs.secure else ''}://{server_host}"
    play.client(request(client_host, page) + KEY3)
    play.to_server(request(server_host, page_there) + KEY3)
    expected = location_after or f"{ours.scheme}://{client_host}"
    suffix = "" if location_before == "none" else "/chat?room=1"
    play.server(answer(origin=page_there, location=location_before + suffix) + DIGEST)
    play.to_client(answer(origin=page, location=expected + suffix) + DIGEST)


@pytest.mark.parametrize(
    ("listener", "upstream"),
    [
        (Endpoint(True, "p.test", 443), Endpoint(False, "s.test", 80)),
        (Endpoint(False, "p.test", 80), Endpoint(True, "s.test", 443)),
    ],
)
def test_kept_host_and_another_scheme(listener: Endpoint, upstream: Endpoint) -> None:
    play = Play(listener=listener, upstream=upstream, host="keep")
    play.client(request("p.test") + KEY3)
    play.to_server(request("p.test") + KEY3)
    there = f"{upstream.scheme}://p.test/chat?room=1"
    here = f"{listener.scheme}://p.test/chat?room=1"
    play.server(answer(location=there) + DIGEST)
    play.to_client(answer(location=here) + DIGEST)
    assert changes(play) == [("Sec-WebSocket-Location", there, here)]
    assert play.codes == []


def test_fields_of_hixie_75_too() -> None:
    play = Play()
    play.client(request_75(origin=PAGE))
    play.to_server(request_75("server.test:9000", "http://server.test:9000"))
    play.server(answer_75("server.test:9000", "http://server.test:9000") + b"\x00hi\xff")
    play.to_client(answer_75(origin=PAGE) + b"\x00hi\xff")
    assert [what for what, _, _ in changes(play)] == [
        "Host",
        "Origin",
        "WebSocket-Location",
        "WebSocket-Origin",
    ]
    assert play.codes == []


def test_each_location_is_compensated() -> None:
    twice = "Sec-WebSocket-Location: ws://server.test:9000/chat?room=1"
    play = Play()
    play.client(request() + KEY3)
    play.sent("server")
    play.server(answer("server.test:9000", extra=[twice]) + DIGEST)
    again = twice.replace("server.test:9000", "proxy.test:8076")
    play.to_client(answer(extra=[again]) + DIGEST)
    assert len(changes(play)) == 3


def test_odd_spelling_stays_around_the_changed_value() -> None:
    head = b"GET /x HTTP/1.1\nuPGRADE:WebSocket\r\nConnection: Upgrade\nHOST:proxy.test:8076\n\n"
    play = Play()
    play.client(head)
    play.to_server(head.replace(b"proxy.test:8076", b"server.test:9000"))
    came = b"HTTP/1.1 101 .\nWEBSOCKET-location:ws://server.test:9000/x\r\n\n\x00"
    play.server(came)
    play.to_client(came.replace(b"server.test:9000", b"proxy.test:8076"))


def test_an_answer_that_is_not_101_keeps_its_own_location() -> None:
    redirect = plain("HTTP/1.1 302 Found", "Location: ws://server.test:9000/there")
    play = Play()
    play.client(request() + KEY3)
    play.sent("server")
    play.server(redirect)
    play.to_client(redirect)
