"""What a user types for an address: read, or refused with what was expected and found."""

from __future__ import annotations

import pytest

from ws76proxy.endpoint import Endpoint, in_text, parse_address, parse_upstream, parse_url
from ws76proxy.errors import UsageError


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("ws://localhost:9000", Endpoint(False, "localhost", 9000)),
        ("ws://localhost:9000/", Endpoint(False, "localhost", 9000)),
        ("ws://localhost", Endpoint(False, "localhost", 80)),
        ("ws://localhost:", Endpoint(False, "localhost", 80)),
        ("wss://localhost", Endpoint(True, "localhost", 443)),
        ("wss://localhost:80", Endpoint(True, "localhost", 80)),
        ("WSS://Example.COM:65535", Endpoint(True, "example.com", 65535)),
        ("ws://[::1]", Endpoint(False, "::1", 80)),
        ("ws://[2001:DB8::1]:9000/", Endpoint(False, "2001:db8::1", 9000)),
        ("ws://192.0.2.1:1", Endpoint(False, "192.0.2.1", 1)),
    ],
)
def test_upstream(text: str, endpoint: Endpoint) -> None:
    assert parse_upstream(text) == endpoint
    assert parse_upstream(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found no scheme"),
        ("localhost:9000", "found no scheme"),
        ("localhost", "found no scheme"),
        ("//localhost", "found no scheme"),
        ("http://localhost:9000", "found the scheme 'http'"),
        ("ws://", "found no host"),
        ("ws:localhost", "found no host"),
        ("ws://:9000", "found no host"),
        ("ws://local host", "found a space"),
        ("ws://localhost:0", "found port 0"),
        ("ws://localhost:65536", "Port out of range"),
        ("ws://localhost:-1", "Port"),
        ("ws://localhost:http", "Port could not be cast"),
        ("ws://me@localhost", "found user information"),
        ("ws://me:secret@localhost", "found user information"),
        ("ws://localhost/chat", "found the path '/chat'"),
        ("ws://localhost/?room=1", "found the path '/?room=1'"),
        ("ws://localhost?room=1", "found the path '?room=1'"),
        ("ws://localhost#top", "found the path '#top'"),
        ("ws://[::1", "Invalid IPv6 URL"),
    ],
)
def test_no_upstream(text: str, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_upstream(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r}: ")
    assert found in message
    assert message.endswith("expected ws://HOST[:PORT] or wss://HOST[:PORT]")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "endpoint", "resource"),
    [
        ("ws://localhost:9000", Endpoint(False, "localhost", 9000), "/"),
        ("ws://localhost/", Endpoint(False, "localhost", 80), "/"),
        ("wss://localhost/chat", Endpoint(True, "localhost", 443), "/chat"),
        ("ws://localhost?a=b", Endpoint(False, "localhost", 80), "/?a=b"),
        ("ws://localhost/a//b/../c?d=%20&e=?/:@", Endpoint(False, "localhost", 80), None),
        ("ws://[::1]:9000/x", Endpoint(False, "::1", 9000), "/x"),
        ("WS://Example.COM/Chat", Endpoint(False, "example.com", 80), "/Chat"),
        ("ws://localhost/?", Endpoint(False, "localhost", 80), "/?"),
    ],
)
def test_url(text: str, endpoint: Endpoint, resource: str | None) -> None:
    expected = "/a//b/../c?d=%20&e=?/:@" if resource is None else resource
    assert parse_url(text) == (endpoint, expected)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("localhost/chat", "found no scheme"),
        ("http://localhost/chat", "found the scheme 'http'"),
        ("ws:///chat", "found no host"),
        ("ws://localhost:0/chat", "found port 0"),
        ("ws://me@localhost/chat", "found user information"),
        ("ws://localhost/chat#top", "found a fragment"),
        ("ws://localhost/#", "found a fragment"),
        ("ws://localhost/gr\u00fc\u00dfe", "outside printable ASCII"),
        ("ws://localhost/a\x7f", "outside printable ASCII"),
        ("ws://localhost/a b", "found a space"),
    ],
)
def test_no_url(text: str, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r}: ")
    assert found in message
    assert "expected ws://HOST[:PORT][/PATH] or wss://HOST[:PORT][/PATH]" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8076", ("127.0.0.1", 8076)),
        ("localhost:0", ("localhost", 0)),
        (":8076", ("", 8076)),
        ("[::1]:8076", ("::1", 8076)),
        ("[::]:65535", ("::", 65535)),
    ],
)
def test_address(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert parse_address(in_text(*address)) == address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found no port"),
        ("localhost", "found no port"),
        ("8076", "found no port"),
        ("[::1]", "found no port"),
        ("::1:8076", "an IPv6 address needs brackets"),
        ("localhost:", "found the port ''"),
        ("localhost:http", "found the port 'http'"),
        ("localhost:65536", "found the port '65536'"),
        ("localhost:-1", "found the port '-1'"),
        ("localhost:٣", "found the port '٣'"),
    ],
)
def test_no_address(text: str, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r}: ")
    assert found in message
    assert "expected HOST:PORT, such as 127.0.0.1:8076 or [::1]:8076" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("endpoint", "authority", "origin", "text"),
    [
        (Endpoint(False, "a.test", 80), "a.test", "http://a.test", "ws://a.test:80"),
        (Endpoint(False, "a.test", 443), "a.test:443", "http://a.test:443", "ws://a.test:443"),
        (Endpoint(True, "a.test", 443), "a.test", "https://a.test", "wss://a.test:443"),
        (Endpoint(True, "a.test", 80), "a.test:80", "https://a.test:80", "wss://a.test:80"),
        (Endpoint(False, "::1", 80), "[::1]", "http://[::1]", "ws://[::1]:80"),
        (Endpoint(True, "::1", 8443), "[::1]:8443", "https://[::1]:8443", "wss://[::1]:8443"),
    ],
)
def test_what_an_endpoint_is_called(
    endpoint: Endpoint, authority: str, origin: str, text: str
) -> None:
    assert (endpoint.authority, endpoint.web_origin, str(endpoint)) == (authority, origin, text)
