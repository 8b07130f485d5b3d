"""Which location a client expects, and how another one differs."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import check_response, expected_location
from ws76proxy.wire.dialect import Dialect

from .heads import answer, request


@pytest.mark.parametrize(
    ("host", "target", "secure", "expected"),
    [
        (b"example.com", b"/", False, b"ws://example.com/"),
        (b"example.com", b"/a?b=c", True, b"wss://example.com/a?b=c"),
        (b"Example.COM:8080", b"/", False, b"ws://example.com:8080/"),
        (b"example.com:80", b"/", False, b"ws://example.com/"),
        (b"example.com:443", b"/", False, b"ws://example.com:443/"),
        (b"example.com:443", b"/", True, b"wss://example.com/"),
        (b"example.com:8080", b"/", False, b"ws://example.com:8080/"),
        (b"[::1]", b"/", False, b"ws://[::1]/"),
        (b"[::1]:80", b"/", False, b"ws://[::1]/"),
        (b"other", b"ws://example.com:81/x", False, b"ws://example.com:81/x"),
        (b"other", b"ws://example.com", False, b"ws://example.com/"),
    ],
)
def test_expected_location(host: bytes, target: bytes, secure: bool, expected: bytes) -> None:
    head = request((b"Host: example.com", b"Host: " + host), (b"/demo?x=1", target))
    assert expected_location(head, secure) == expected


def test_without_host_the_expected_location_has_none() -> None:
    head = request((b"Host: example.com\r\n", b""))
    assert expected_location(head, False) == b"ws:///demo?x=1"


@pytest.mark.parametrize(
    ("received", "codes"),
    [
        (b"ws://example.com/demo?x=1", ["location-matches"]),
        (b"wss://example.com/demo?x=1", ["location-scheme-differs"]),
        (b"ws://example.org/demo?x=1", ["location-host-differs"]),
        (b"ws://EXAMPLE.com/demo?x=1", ["location-host-case-differs"]),
        (b"ws://example.com:80/demo?x=1", ["location-default-port"]),
        (b"ws://example.com:8080/demo?x=1", ["location-port-differs"]),
        (b"ws://example.com:/demo?x=1", ["location-port-differs"]),
        (b"wss://example.com:443/demo?x=1", ["location-scheme-differs", "location-default-port"]),
        (b"ws://example.com/?x=1", ["location-path-differs"]),
        (b"ws://example.com?x=1", ["location-path-differs"]),
        (b"ws://example.com/demo", ["location-query-missing"]),
        (b"ws://example.com/demo?", ["location-query-differs"]),
        (b"http://example.com/demo?x=1", ["location-not-a-url"]),
        (b"WS://example.com/demo?x=1", ["location-not-a-url"]),
        (b"/demo?x=1", ["location-not-a-url"]),
        (b"", ["location-not-a-url"]),
        (b"ws://[::1]:80/demo?x=1", ["location-host-differs", "location-default-port"]),
    ],
)
def test_each_part_that_differs_is_named(received: bytes, codes: list[str]) -> None:
    response = answer((b"ws://example.com/demo?x=1", received))
    diagnoses = check_response(request(), response, Dialect.HIXIE_76, secure=False, base=3)
    found = [one for one in diagnoses if one.finding.code.startswith("location-")]
    assert [one.finding.code for one in found] == codes
    assert {one.evidence for one in found} == {b"Sec-WebSocket-Location: " + received}
    assert {one.offset for one in found} == {3 + response.raw.index(b"Sec-WebSocket-Location")}


def test_a_port_that_the_client_named_must_come_back() -> None:
    head = request((b"Host: example.com", b"Host: example.com:8080"))
    diagnoses = check_response(head, answer(), Dialect.HIXIE_76, secure=False, good=False)
    assert [one.finding.code for one in diagnoses] == ["location-port-differs"]
    assert diagnoses[0].detail == (
        'expected "ws://example.com:8080/demo?x=1", found "ws://example.com/demo?x=1"'
    )


def test_host_as_a_lax_client_sends_it_may_be_echoed() -> None:
    head = request((b"Host: example.com", b"Host: Example.com"))
    response = answer((b"ws://example.com", b"ws://Example.com"))
    assert check_response(head, response, Dialect.HIXIE_76, secure=False, good=False) == []


def test_without_host_only_the_rest_is_compared() -> None:
    head = request((b"Host: example.com\r\n", b""))
    response = answer((b"/demo?x=1", b"/other?x=1"))
    diagnoses = check_response(head, response, Dialect.HIXIE_76, secure=False, good=False)
    assert [one.finding.code for one in diagnoses] == ["location-path-differs"]
