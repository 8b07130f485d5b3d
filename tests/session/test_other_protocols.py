"""Clients that speak something else, or are not welcome: passed on or refused, never kept."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.session import Peer

from .examples import KEY3, plain, request, request_75
from .playbook import Play

FLASH = b"<policy-file-request/>\0"


def rfc6455(version: str = "13", host: str = "proxy.test:8076") -> bytes:
    return plain(
        "GET /chat HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        "Origin: http://proxy.test:8076",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Version: {version}",
    )


# Hixie-75


def test_hixie_75() -> None:
    play = Play(host="keep")
    play.client(request_75())
    play.to_server(request_75())
    head = plain("HTTP/1.1 101 Web Socket Protocol Handshake", "Upgrade: WebSocket")
    play.server(head[:9], head[9:] + b"\x00hi\xff")
    play.to_client(head + b"\x00hi\xff")
    play.client(b"\xff\x00")
    play.to_server(b"\xff\x00")
    play.client_ends()
    play.server_ends()
    end = play.over("open", *play.codes)
    assert (end.dialect, end.verdict, end.client.frames) == ("hixie-75", None, 1)
    assert "closing-handshake-in-75" in play.codes
    assert "closed-without-handshake" not in play.codes


def test_hixie_75_early_frames_wait() -> None:
    play = Play(host="keep")
    play.client(request_75() + b"\x00early\xff")
    play.to_server(request_75())
    play.did("connect", "pause client")
    play.server(plain("HTTP/1.1 101 x", "Upgrade: WebSocket"))
    play.to_server(b"\x00early\xff")
    play.did("resume client")


def test_no_own_challenge_in_hixie_75() -> None:
    play = Play(host="keep", challenge="own")
    play.client(request_75())
    play.to_server(request_75())


# Later WebSockets


@pytest.mark.parametrize(
    ("version", "dialect", "code"),
    [("13", "rfc6455", "rfc6455-client"), ("8", "hybi-04..12", "hybi-draft-client")],
)
def test_later_clients_pass_as_bytes_with_their_host_adjusted(
    version: str, dialect: str, code: str
) -> None:
    play = Play()
    play.client(rfc6455(version) + b"\x81\x80")
    origin = (b"http://proxy.test:8076", b"http://server.test:9000")
    expected = rfc6455(version, "server.test:9000").replace(*origin)
    play.to_server(expected + b"\x81\x80")
    play.told(
        f"{dialect} request /chat, changed",
        f"client: {code}",
        "proxy, to server: Host 'proxy.test:8076' -> 'server.test:9000'",
        "proxy, to server: Origin 'http://proxy.test:8076' -> 'http://server.test:9000'",
    )
    play.server(b"HTTP/1.1 101 Switching", b" Protocols\r\n\r\n\x81\x02hi")
    play.to_client(b"HTTP/1.1 101 Switching", b" Protocols\r\n\r\n\x81\x02hi")
    play.client(b"\x81\x82abcd\x0f")
    play.to_server(b"\x81\x82abcd\x0f")
    play.client_ends()
    play.server_ends()
    play.told("client: end-of-stream", "server: end-of-stream", "session-end passed-on")
    assert play.over("passed-on", code).dialect == dialect


# Not WebSocket at all


def test_flash_policy_request_is_passed_on() -> None:
    play = Play()
    play.client(FLASH[:5])
    play.did()
    play.client(FLASH[5:])
    play.to_server(FLASH)
    play.told("client: flash-policy-request")
    play.server(b"<cross-domain-policy/>\0")
    play.to_client(b"<cross-domain-policy/>\0")
    play.server_ends()
    play.client_ends()
    assert play.over("passed-on", "flash-policy-request").dialect == "flash-policy"


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_tls_on_a_plain_port_is_refused(cut: int) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    play = Play()
    play.client(hello[:cut], hello[cut:])
    play.did("close client")
    play.told("client: tls-on-plain-port", "session-end refused")
    play.client(hello)
    play.over("refused", "tls-on-plain-port")


@pytest.mark.parametrize("data", [b"\x00hello\xff", b"\x80\x46\x01\x03\x01", b"G" * 2000])
def test_unknown_protocols_are_passed_on(data: bytes) -> None:
    play = Play()
    play.client(data)
    play.to_server(data)
    play.told("client: unknown-protocol")
    play.server(b"what?")
    play.to_client(b"what?")
    play.server_ends()
    play.client_ends()
    play.over("passed-on", "unknown-protocol")


# Whom the user lets in


@pytest.mark.parametrize(
    ("options", "head", "code"),
    [
        ({"allow_origins": ("http://a.test", "http://b.*")}, request(), "origin-refused"),
        ({"allow_origins": ("*",)}, request(origin=None), "origin-refused"),
        ({"allow_origins": ("http://proxy.test",)}, rfc6455(), "origin-refused"),
        ({"allow_origins": ("http://a.test",)}, request_75(), "origin-refused"),
        ({"allow_hosts": ("localhost:*",)}, request(), "host-refused"),
        ({"allow_hosts": ("localhost:*",)}, plain("GET / HTTP/1.1", "Host: x"), "host-refused"),
        ({"allow_hosts": ("localhost:*",)}, plain("GET / HTTP/1.1"), "host-refused"),
        # The server may go by the other one.
        (
            {"allow_hosts": ("proxy.test:*",)},
            request(extra=["Host: evil.test"]),
            "host-refused",
        ),
        (
            {"allow_origins": ("http://site.test",)},
            request(extra=["Origin: http://evil.test"]),
            "origin-refused",
        ),
    ],
)
def test_the_unwelcome_get_a_403(options: dict[str, Any], head: bytes, code: str) -> None:
    play = Play(**options)
    play.client(head + KEY3)
    play.answered(403, "is not among those allowed here")
    play.did("close client")
    assert play.codes == [code]
    play.client(b"\x00hello\xff")
    play.over("refused", code)


@pytest.mark.parametrize(
    "options",
    [
        {"allow_origins": ("HTTP://site.*",)},
        {"allow_hosts": ("Proxy.Test:807?",)},
        {"allow_origins": ("http://x", "http://site.test"), "allow_hosts": ("*",)},
    ],
)
def test_the_welcome_pass(options: dict[str, Any]) -> None:
    play = Play(host="keep", **options)
    play.client(request() + KEY3)
    play.to_server(request() + KEY3)


def test_ordinary_requests_need_no_welcome_origin() -> None:
    page = plain("GET / HTTP/1.1", "Host: proxy.test:8076")
    play = Play(allow_origins=("http://a.test",))
    play.client(page)
    play.to_server(page)


# Heads above the limit


def test_a_head_above_the_limit_is_answered_431() -> None:
    play = Play()
    play.client(b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 40_000, b"a" * 40_000)
    play.answered(431, "larger than 65536 bytes")
    play.told("client: head-refused", "session-end refused")
    play.client(b"more\r\n\r\n")
    play.over("refused", "head-refused")


def test_too_many_fields_are_answered_431() -> None:
    play = Play()
    play.client(plain("GET / HTTP/1.1", *["X: 1"] * 300))
    play.answered(431, "more than 256 fields")
    play.over("refused", "head-refused")


# No connection to the server


@pytest.mark.parametrize(
    "said",
    [
        [request()],
        [request() + KEY3],
        [request(), KEY3 + b"\x00early\xff"],
        [request_75()],
        [rfc6455()],
        [plain("GET / HTTP/1.1", "Host: proxy.test:8076")],
        [plain("GET / HTTP/1.1", "Host: x"), plain("GET /2 HTTP/1.1", "Host: x")],
        [plain("POST / HTTP/1.1", "Content-Length: 10"), b"abc"],
        [plain("GET / HTTP/1.1", "Host: x") + request() + KEY3],
        [plain("GET / HTTP/1.1", "Host: x"), b"GET /2 HT"],
    ],
)
def test_a_waiting_client_gets_a_502_that_says_why(said: list[bytes]) -> None:
    play = Play(connects=False)
    play.client(*said)
    play.connect_fails()
    play.answered(502, "ws://server.test:9000: Connection refused")
    assert play.session.ended
    assert play.codes[-1] == "upstream-unreachable"
    play.to_server()
    play.connect_fails()
    play.client(b"more")
    end = play.over("failed", *dict.fromkeys(play.codes))
    assert end.client.bytes == sum(map(len, said))


def test_a_client_that_has_ended_its_side_gets_the_502_too() -> None:
    play = Play(connects=False)
    play.client(request() + KEY3)
    play.client_ends()
    play.connect_fails("unknown authority", "upstream-tls-failed")
    play.answered(502, "unknown authority")
    play.over("failed", "client-left-early", "upstream-tls-failed")


def test_nobody_is_left_to_be_told() -> None:
    play = Play(connects=False)
    play.client(request() + KEY3)
    play.lost(Peer.CLIENT)
    play.connect_fails()
    play.session.connected()
    play.to_client()
    play.over("failed", "client-left-early", "connection-reset")


def test_what_came_while_connecting_leaves_in_one_write() -> None:
    play = Play(connects=False, host="keep")
    play.client(request(), KEY3[:3], KEY3[3:])
    play.did("connect")
    play.to_server()
    play.connects()
    play.to_server(request() + KEY3)


def test_the_end_of_a_client_waits_for_the_connection() -> None:
    play = Play(connects=False, host="keep")
    play.client(request() + KEY3)
    play.client_ends()
    play.did("connect")
    play.connects()
    play.to_server(request() + KEY3)
    play.did("end to server")
