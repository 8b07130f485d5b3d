"""Samples with something odd about the request or its keys."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND,
    BY_HAND_75,
    CLIENT,
    CLIENT_75,
    GOOD_76,
    HEAD,
    KEY1,
    KEY2,
    KEY3,
    NO_FAULT,
    REQUEST,
    SEEN,
    SERVER,
    SERVER_75,
    Sample,
    about_answer,
    about_key,
    about_request,
    answer,
    client,
    server,
    with_field,
)

__all__ = ["KEYS", "REQUESTS"]

REQUESTS = {
    "request-post": about_request(
        "request-method-not-get", "POST instead of GET", client((b"GET ", b"POST "))
    ),
    "request-http-1-0": about_request(
        "request-version-not-1-1", "HTTP/1.0", client((b" HTTP/1.1", b" HTTP/1.0"))
    ),
    "request-target-star": about_request(
        "request-target-odd",
        "The target is *",
        client((b"/demo?room=1", b"*")),
        "location-path-differs",
        "location-query-differs",
    ),
    "request-after-empty-line": about_request(
        "request-empty-line-first", "A line end left over from before", b"\r\n" + CLIENT
    ),
    "request-bare-line-feeds": about_request(
        "request-bare-line-feed", "LF instead of CR LF", REQUEST.replace(b"\r\n", b"\n") + KEY3
    ),
    "request-empty-field-name": about_request(
        "request-field-name-empty", "A field without name", with_field(CLIENT, b": x")
    ),
    "request-line-without-colon": about_request(
        "request-line-without-colon", "A line without colon", with_field(CLIENT, b"garbage")
    ),
    "request-space-before-colon": about_request(
        "request-field-name-spaced",
        "A space between name and colon hides the field",
        client((b"Origin:", b"Origin :")),
        "origin-missing",
        "origin-invented",
    ),
    "request-without-upgrade": about_request(
        "request-upgrade-missing",
        "No Upgrade, answered all the same",
        client((b"Upgrade: WebSocket\r\n", b"")),
        "switch-unasked",
    ),
    "request-lower-case-upgrade": about_request(
        "request-upgrade-not-exact",
        "Upgrade in lower case",
        client((b"Upgrade: WebSocket", b"Upgrade: websocket")),
        source=SEEN,
    ),
    "request-other-upgrade": about_request(
        "request-upgrade-differs",
        "Upgrade: h2c, answered all the same",
        client((b": WebSocket", b": h2c")),
        "switch-unasked",
    ),
    "request-without-connection": about_request(
        "request-connection-missing", "No Connection", client((b"Connection: Upgrade\r\n", b""))
    ),
    "request-connection-list": about_request(
        "request-connection-list",
        "An HTTP library has added keep-alive",
        client((b"Connection: Upgrade", b"Connection: keep-alive, Upgrade")),
        source=SEEN,
    ),
    "request-connection-close": about_request(
        "request-connection-differs",
        "A proxy has replaced Connection",
        client((b"Connection: Upgrade", b"Connection: close")),
    ),
    "request-upgrade-twice": about_request(
        "request-field-twice", "Upgrade twice", with_field(CLIENT, b"Upgrade: WebSocket")
    ),
    "request-without-host": about_request(
        "host-missing", "No Host", client((b"Host: example.com\r\n", b""))
    ),
    "request-two-hosts": about_request(
        "host-twice", "Host twice", with_field(CLIENT, b"Host: example.org")
    ),
    "request-without-origin": Sample(
        "A client that is not a browser; the server leaves the origin out",
        SEEN,
        ("origin-missing", "digest-verified"),
        client=client((b"Origin: http://example.com\r\n", b"")),
        server=server((b"Sec-WebSocket-Origin: http://example.com\r\n", b"")),
        forbid=NO_FAULT,
    ),
    "request-without-origin-undefined": Sample(
        "No Origin, answered with undefined",
        SEEN,
        ("origin-missing", "origin-invented"),
        client=client((b"Origin: http://example.com\r\n", b"")),
        server=server((b"Origin: http://example.com", b"Origin: undefined")),
        forbid=NO_FAULT,
    ),
    "request-two-origins": about_request(
        "origin-twice", "Origin twice", with_field(CLIENT, b"Origin: null"), source=SEEN
    ),
    "request-empty-origin": Sample(
        "Origin without value, echoed",
        SEEN,
        ("origin-empty", "origin-matches"),
        client=client((b"Origin: http://example.com", b"Origin:")),
        server=server((b"Origin: http://example.com", b"Origin:")),
    ),
    "request-origin-capitals": Sample(
        "Origin with capitals, echoed in lower case as the draft's client wants",
        BY_HAND,
        ("origin-not-lower-case", "origin-matches"),
        client=client((b"Origin: http://example.com", b"Origin: http://Example.com")),
    ),
    "request-origin-host-only": Sample(
        "Origin without a scheme",
        SEEN,
        ("origin-without-scheme", "origin-matches"),
        client=client((b"Origin: http://example.com", b"Origin: example.com")),
        server=server((b"Origin: http://example.com", b"Origin: example.com")),
    ),
    "request-content-length": about_request(
        "request-content-length",
        "Content-Length: 8, as Protocol::WebSocket's client sends it",
        with_field(CLIENT, b"Content-Length: 8"),
        "digest-verified",
        source=SEEN,
    ),
    "request-transfer-encoding": about_request(
        "request-transfer-encoding",
        "An HTTP library announces a body in chunks",
        with_field(CLIENT, b"Transfer-Encoding: chunked"),
        "digest-verified",
    ),
    "request-76-with-name-of-75": about_request(
        "request-names-of-75",
        "WebSocket-Protocol beside keys",
        with_field(CLIENT, b"WebSocket-Protocol: chat"),
    ),
    "request-75-with-name-of-76": Sample(
        "Sec-WebSocket-Protocol without keys",
        BY_HAND_75,
        ("request-names-of-76",),
        client=with_field(CLIENT_75, b"Sec-WebSocket-Protocol: chat"),
        server=SERVER_75,
    ),
    "request-with-version-13": about_request(
        "request-rfc6455-fields",
        "Keys of hixie-76 and a version of RFC 6455",
        with_field(CLIENT, b"Sec-WebSocket-Version: 13"),
    ),
    "request-empty-protocol": about_request(
        "protocol-empty",
        "A subprotocol without name",
        with_field(CLIENT, b"Sec-WebSocket-Protocol: "),
    ),
    "request-protocol-not-ascii": Sample(
        "A subprotocol with an umlaut in Latin-1",
        BY_HAND,
        ("protocol-odd-characters", "protocol-matches"),
        client=with_field(CLIENT, b"Sec-WebSocket-Protocol: gespr\xe4ch"),
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: gespr\xe4ch"),
    ),
    "request-two-protocols": Sample(
        "The subprotocol field twice",
        BY_HAND,
        ("protocol-asked-twice", "protocol-matches"),
        client=with_field(CLIENT, b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: news"),
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: chat"),
    ),
}

KEYS = {
    "key1-missing": about_request(
        "key-missing",
        "Only the second key",
        client((b"Sec-WebSocket-Key1: " + KEY1 + b"\r\n", b"")),
        "faulty-keys-accepted",
    ),
    "key2-missing": about_request(
        "key-missing",
        "Only the first key",
        client((b"Sec-WebSocket-Key2: " + KEY2 + b"\r\n", b"")),
        "faulty-keys-accepted",
    ),
    "key1-twice": about_request(
        "key-twice", "The first key twice", with_field(CLIENT, b"Sec-WebSocket-Key1: 1 2x")
    ),
    "key1-without-digits": about_key(
        "key-no-digits",
        "No digits, yet accepted",
        b"a b c",
        "faulty-keys-accepted",
        "digest-zeros",
        digest=bytes(16),
    ),
    "key1-without-spaces": about_key(
        "key-no-spaces",
        "All spaces removed on the way, yet accepted",
        KEY1.replace(b" ", b""),
        "faulty-keys-accepted",
        "digest-zeros",
        digest=bytes(16),
    ),
    "key1-without-spaces-refused": Sample(
        "All spaces removed on the way: the server refuses",
        BY_HAND,
        ("key-no-spaces", "faulty-keys-refused"),
        client=client((KEY1, KEY1.replace(b" ", b""))),
        server=b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        forbid=("faulty-keys-accepted", "answered-bad-request"),
    ),
    "key1-number-too-large": about_key(
        "key-number-too-large",
        "4294967296, one too many, cut to 32 bits by the server",
        b"4294967296 x",
        "faulty-keys-accepted",
        "digest-keys-unchecked",
    ),
    "key1-collapsed-spaces": about_key(
        "key-not-divisible",
        "A run of spaces collapsed on the way: the server rounds down",
        KEY1.replace(b"  ", b" "),
        "faulty-keys-accepted",
        "digest-keys-unchecked",
    ),
    "key1-leading-space": about_key(
        "key-leading-space",
        "A leading space that counts, as early Chrome sent it",
        b" 4 @1  46546xW%0l 15",
        "digest-verified",
    ),
    "key1-trailing-space": about_key(
        "key-trailing-space",
        "A trailing space that counts",
        b"4 @1  46546xW%0l 15 ",
        "digest-verified",
    ),
    "key1-13-spaces": about_key(
        "key-too-many-spaces", "13 spaces", b"1 3" + b" " * 12 + b"x", "digest-verified"
    ),
    "key1-tab": about_key(
        "key-odd-characters", "A tab", KEY1.replace(b"@", b"\t"), "digest-verified"
    ),
    "key3-begins-with-line-end": Sample(
        "key3 begins with CR LF, as any byte may",
        BY_HAND,
        GOOD_76,
        client=REQUEST + b"\r\n\r\n\x00\xffab",
        server=HEAD + answer(KEY1, KEY2, b"\r\n\r\n\x00\xffab"),
        forbid=NO_FAULT,
    ),
    "digest-wrong": about_answer("digest-wrong", "Another digest", HEAD + b"0123456789abcdef"),
}
