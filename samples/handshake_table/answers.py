"""Samples with something odd about the status line or the rest of the answer."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND_75,
    CLIENT_75,
    DIGEST,
    HEAD,
    SEEN,
    SERVER,
    SERVER_75,
    Sample,
    about_answer,
    edit,
    refused,
    server,
    with_field,
)

__all__ = ["ANSWERS", "STATUS"]

STATUS = {
    "status-line-malformed": about_answer(
        "status-line-malformed",
        "No code in the first line",
        server((b"HTTP/1.1 101 WebSocket Protocol Handshake", b"HTTP/1.1 OK")),
    ),
    "status-without-text": about_answer(
        "status-text-missing",
        "Nothing behind the code, not even a space",
        server((b"101 WebSocket Protocol Handshake", b"101")),
    ),
    "status-http-1-0": about_answer(
        "response-version-not-1-1", "HTTP/1.0", server((b"HTTP/1.1", b"HTTP/1.0"))
    ),
    "status-text-of-76-in-75": Sample(
        "Draft-76's status text in a draft-75 answer",
        BY_HAND_75,
        ("status-text-not-of-75",),
        client=CLIENT_75,
        server=edit(SERVER_75, (b"Web Socket Protocol", b"WebSocket Protocol")),
    ),
    "answered-400": refused("answered-bad-request", "400", b"HTTP/1.1 400 Bad Request"),
    "answered-401": refused(
        "answered-unauthorized", "401", b"HTTP/1.1 401 Unauthorized", b"WWW-Authenticate: Basic"
    ),
    "answered-403": refused("answered-forbidden", "403", b"HTTP/1.1 403 Forbidden"),
    "answered-408": refused(
        "answered-request-timeout", "408", b"HTTP/1.1 408 Request Timeout", b"Server: nginx/0.8.54"
    ),
    "answered-404": refused("answered-not-found", "404", b"HTTP/1.1 404 Not Found"),
    "answered-407": refused(
        "answered-proxy-authentication",
        "407",
        b"HTTP/1.1 407 Proxy Authentication Required",
        b"Proxy-Authenticate: Basic",
    ),
    "answered-426": refused(
        "answered-rfc6455-only",
        "426 with a version",
        b"HTTP/1.1 426 Upgrade Required",
        b"Sec-WebSocket-Version: 13",
    ),
    "answered-400-version-13": refused(
        "answered-rfc6455-only",
        "400, but a version says why",
        b"HTTP/1.1 400 Bad Request",
        b"Sec-WebSocket-Version: 13",
    ),
    "answered-302": refused(
        "answered-redirect", "302", b"HTTP/1.1 302 Found", b"Location: https://example.com/login"
    ),
    "answered-301-to-tls": refused(
        "answered-redirect",
        "301: TLS is forced",
        b"HTTP/1.1 301 Moved Permanently",
        b"Location: https://example.com/demo?room=1",
    ),
    "answered-301-slash": refused(
        "answered-redirect",
        "301: a slash is missing",
        b"HTTP/1.1 301 Moved Permanently",
        b"Location: /demo/?room=1",
    ),
    "answered-200": refused("answered-ordinary-page", "200", b"HTTP/1.1 200 OK"),
    "answered-502": refused("answered-server-error", "502", b"HTTP/1.1 502 Bad Gateway"),
    "answered-418": refused("answered-other-status", "418", b"HTTP/1.1 418 I'm a teapot"),
}

UPGRADE_LINE, CONNECTION_LINE = b"Upgrade: WebSocket\r\n", b"Connection: Upgrade\r\n"
ANSWERS = {
    "answer-without-both": about_answer(
        "switch-without-upgrade",
        "101 stripped of its hop-by-hop fields",
        server((UPGRADE_LINE + CONNECTION_LINE, b"")),
    ),
    "answer-without-upgrade": about_answer(
        "upgrade-missing", "No Upgrade", server((UPGRADE_LINE, b""))
    ),
    "answer-lower-case-upgrade": about_answer(
        "upgrade-not-exact",
        "Upgrade: websocket",
        server((b"Upgrade: WebSocket", b"Upgrade: websocket")),
        source=SEEN,
    ),
    "answer-other-upgrade": about_answer(
        "upgrade-differs", "Upgrade: h2c", server((b": WebSocket\r", b": h2c\r"))
    ),
    "answer-without-connection": about_answer(
        "connection-missing", "No Connection", server((CONNECTION_LINE, b""))
    ),
    "answer-connection-list": about_answer(
        "connection-list",
        "keep-alive, Upgrade",
        server((b"Connection: Upgrade", b"Connection: keep-alive, Upgrade")),
        source=SEEN,
    ),
    "answer-connection-close": about_answer(
        "connection-differs",
        "Connection: close",
        server((b"Connection: Upgrade", b"Connection: close")),
    ),
    "answer-75-other-order": Sample(
        "Draft-75 with the fixed lines exchanged",
        BY_HAND_75,
        ("first-fields-not-exact",),
        client=CLIENT_75,
        server=edit(SERVER_75, (UPGRADE_LINE + CONNECTION_LINE, CONNECTION_LINE + UPGRADE_LINE)),
    ),
    "answer-two-spaces": about_answer(
        "response-value-leading-space",
        "Two spaces behind a colon: the draft's client refuses, WebKit does not",
        server((b"Upgrade: WebSocket", b"Upgrade:  WebSocket")),
    ),
    "answer-trailing-space": about_answer(
        "response-value-trailing-space",
        "A space behind the location",
        server((b"room=1\r\n", b"room=1 \r\n")),
    ),
    "answer-tab": about_answer(
        "response-value-trailing-space",
        "A tab in front of Upgrade",
        server((b"Connection: Upgrade", b"Connection:\tUpgrade")),
    ),
    "answer-two-origins": about_answer(
        "response-field-twice",
        "Sec-WebSocket-Origin twice",
        with_field(SERVER, b"Sec-WebSocket-Origin: http://example.com"),
    ),
    "answer-76-with-names-of-75": about_answer(
        "response-names-of-75",
        "Draft-75's names and a digest",
        SERVER.replace(b"Sec-WebSocket", b"WebSocket"),
        "digest-verified",
    ),
    "answer-75-with-names-of-76": Sample(
        "Draft-76's names for a client without keys",
        BY_HAND_75,
        ("response-names-of-76",),
        client=CLIENT_75,
        server=SERVER_75.replace(b"WebSocket-", b"Sec-WebSocket-"),
    ),
    "answer-of-rfc6455": Sample(
        "Answered as RFC 6455; then silence",
        SEEN,
        ("response-of-rfc6455", "upgrade-not-exact", "digest-missing"),
        server=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        forbid=("origin-not-echoed", "location-missing"),
        steps=("client", "server", "timeout"),
    ),
    "answer-content-length": about_answer(
        "response-content-length",
        "Content-Length: 16",
        with_field(SERVER, b"Content-Length: 16"),
        "digest-verified",
        source=SEEN,
    ),
    "answer-chunked": about_answer(
        "response-transfer-encoding",
        "The digest as a chunk",
        with_field(HEAD, b"Transfer-Encoding: chunked") + b"10\r\n" + DIGEST + b"\r\n",
        "digest-wrong",
        "digest-chunked",
        "frame-unfinished",
        source=SEEN,
    ),
    "answer-empty-field-name": about_answer(
        "response-field-name-empty", "A field without name", with_field(SERVER, b": x")
    ),
    "answer-line-without-colon": about_answer(
        "response-line-without-colon", "A line without colon", with_field(SERVER, b"garbage")
    ),
    "answer-space-before-colon": about_answer(
        "response-field-name-spaced",
        "A space between name and colon hides the field",
        server((b"Location:", b"Location :")),
        "location-missing",
    ),
    "answer-bare-line-feeds": about_answer(
        "response-bare-line-feed", "LF instead of CR LF", HEAD.replace(b"\r\n", b"\n") + DIGEST
    ),
    "answer-after-empty-line": about_answer(
        "response-empty-line-first", "An empty line first", b"\r\n" + SERVER
    ),
}
