"""Whose page gets whose session, and what the addresses say."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import Stream, check_request, check_response
from ws76proxy.diagnosis.checks.security import http_in
from ws76proxy.diagnosis.checks.sites import host_in, same_site
from ws76proxy.endpoint import Endpoint
from ws76proxy.wire import RequestHead
from ws76proxy.wire.dialect import Dialect

from .heads import answer, request

D76 = Dialect.HIXIE_76


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (b"Example.COM", "example.com"),
        (b"example.com:8080", "example.com"),
        (b"https://example.com:8080/x:1", "example.com"),
        (b"[::1]:80", "::1"),
        (b"http://[2001:DB8::1]", "2001:db8::1"),
        (b"example.com.", "example.com"),
        (b"", ""),
        (b"file://", ""),
    ],
)
def test_the_host_of_an_address(address: bytes, host: str) -> None:
    assert host_in(address) == host


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("example.com", "example.com", True),
        ("www.example.com", "chat.example.com", True),
        ("example.com", "example.org", False),
        ("a.co.uk", "b.co.uk", False),
        ("www.a.co.uk", "a.co.uk", True),
        ("a.b.uk", "c.b.uk", True),
        ("localhost", "127.0.0.1", True),
        ("::1", "127.0.0.2", True),
        ("192.168.1.1", "192.168.2.1", False),
        ("10.0.0.1", "0.0.1", False),
        ("wiki", "chat", False),
        ("", "example.com", False),
    ],
)
def test_what_is_one_site(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same
    assert same_site(other, one) is same


def accepted(origin: bytes, host: bytes, went_to: bytes | None = None) -> list[str]:
    """Codes about a session that a page of this origin has got, with a cookie."""
    came = request((b"http://example.com", origin), (b"Host: example.com", b"Host: " + host))
    came = came.add_field(b"Cookie", b"a=b")
    field = came.get(b"host")
    assert field is not None
    went = came if went_to is None else came.replace_field(field, went_to)
    response = answer((b"http://example.com", origin))
    found = check_response(went, response, D76, secure=False, came=came, came_base=50)
    for one in found:
        if one.stream is Stream.CLIENT:
            assert one.offset == 50 + came.raw.index(b"Origin:")
            assert came.raw[one.offset - 50 :].startswith(one.evidence)
    return [one.finding.code for one in found if one.finding.code.startswith("cross")]


def test_another_site_is_told_wherever_the_request_went() -> None:
    crossed = ["cross-site-accepted"]
    assert accepted(b"http://evil.com", b"example.com") == crossed
    assert accepted(b"http://evil.com", b"localhost:8076", b"example.com") == crossed
    # The page is the server's own, and came to the socket by way of the relay.
    assert accepted(b"http://example.com", b"localhost:8076", b"example.com") == []
    assert accepted(b"http://localhost:3000", b"localhost:8076", b"example.com") == []
    assert accepted(b"chrome-extension://abc", b"example.com") == []


def test_an_origin_that_the_client_will_refuse_is_not_accepted() -> None:
    came = request((b"http://example.com", b"http://evil.com")).add_field(b"Cookie", b"a=b")
    codes = [one.finding.code for one in check_response(came, answer(), D76, secure=False)]
    assert "origin-of-backend" in codes
    assert "cross-site-accepted" not in codes


def address_codes(head: RequestHead, listener: str) -> list[str]:
    """Codes about the address that a request has reached."""
    where = Endpoint(False, listener, 8076)
    return [one.finding.code for one in check_request(head, D76, good=False, listener=where)]


@pytest.mark.parametrize(
    ("host", "listener", "codes"),
    [
        (b"192.168.1.7", "127.0.0.1", ["host-private-address"]),
        (b"127.0.0.1", "192.168.1.7", ["host-private-address"]),
        (b"[fd00::1]:8076", "::1", ["host-private-address"]),
        (b"192.168.1.7", "192.168.1.7", []),
        (b"192.168.1.7", "0.0.0.0", []),
        (b"192.168.1.7", "", []),
        (b"192.168.1.7", "relay.test", []),
        (b"127.0.0.1:8076", "localhost", []),
        (b"localhost", "::1", []),
        (b"93.184.216.34", "127.0.0.1", []),
        (b"a.rbndr.us", "127.0.0.1", ["host-name-for-loopback"]),
        # Servers with a public name often are in a network of their own.
        (b"a.rbndr.us", "192.168.1.7", []),
        (b"a.rbndr.us", "93.184.216.34", []),
        (b"a.localhost", "127.0.0.1", []),
        (b"www.example.com", "127.0.0.1", []),
        (b"machine", "127.0.0.1", []),
        (b"[fe80::1%\x1b]", "127.0.0.1", ["host-private-address"]),
        (b"9" * 5000, "127.0.0.1", []),
    ],
)
def test_an_address_that_the_listener_is_not(host: bytes, listener: str, codes: list[str]) -> None:
    name = host.partition(b":")[0] if host[:1] != b"[" else host
    head = request(
        (b"Host: example.com", b"Host: " + host), (b"http://example.com", b"http://" + name)
    )
    assert address_codes(head, listener) == codes


def test_a_page_from_elsewhere_is_not_rebound() -> None:
    head = request((b"Host: example.com", b"Host: a.rbndr.us"))
    assert address_codes(head, "127.0.0.1") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"\x00GET / HTTP/1.1\r\nHost: x\xff", (1, b"GET / HTTP/1.1\r\nHost:")),
        (b"\x00a\xff\x00HTTP/1.0 404 Not Found\n\n\xff", (4, b"HTTP/1.0 404 Not Found\n\n")),
        (b"\x00POST http://a/ HTTP/1.1\r\n\r\n\xff", (1, b"POST http://a/ HTTP/1.1\r\n\r\n")),
        (b"\x00see GET / HTTP/1.1\r\nHost: x\xff", None),
        (b"\x00GET / HTTP/1.1\xff", None),
        (b"\x00get / HTTP/1.1\r\nHost: x\xff", None),
        (b"\x00GET / HTTP/2\r\nHost: x\xff", None),
    ],
)
def test_http_in_a_message(text: bytes, found: tuple[int, bytes] | None) -> None:
    assert http_in(text) == found
