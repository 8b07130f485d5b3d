"""Samples of answers that a real browser takes in a way of its own."""

from __future__ import annotations

from handshake_table.base import (
    CLIENT,
    DIGEST,
    HEAD,
    Sample,
    about_answer,
    ended,
    server,
    with_field,
)
from handshake_table.echoes import LOCATION

__all__ = ["IN_BROWSERS"]

ORIGIN = b"Sec-WebSocket-Origin: http://example.com"
OTHER_ORIGIN = b"Sec-WebSocket-Origin: http://localhost:3000"
LOCATION_LINE = b"Sec-WebSocket-Location: " + LOCATION + b"\r\n"
OTHER_UPGRADE = (b"Upgrade: WebSocket", b"Upgrade: h2c")
OTHER_CONNECTION = (b"Connection: Upgrade", b"Connection: close")
OTHER_PATH = (b"/demo?", b"/other?")

IN_BROWSERS: dict[str, Sample] = {
    "status-code-too-short": about_answer(
        "status-line-malformed", "A code of two digits", server((b" 101 ", b" 10 "))
    ),
    "status-code-with-letter": about_answer(
        "status-line-malformed", "A letter in the code", server((b" 101 ", b" 1O1 "))
    ),
    "answer-line-feed-behind-field": about_answer(
        "response-bare-line-feed",
        "LF behind one field only",
        server((b"Upgrade: WebSocket\r\n", b"Upgrade: WebSocket\n")),
    ),
    "answer-line-feed-in-blank-line": about_answer(
        "response-bare-line-feed",
        "LF in the blank line only",
        HEAD.removesuffix(b"\r\n") + b"\n" + DIGEST,
    ),
    "answer-second-origin-differs": about_answer(
        "response-field-twice",
        "Two origins, the first is right",
        server((ORIGIN, ORIGIN + b"\r\n" + OTHER_ORIGIN)),
    ),
    "answer-first-origin-differs": about_answer(
        "response-field-twice",
        "Two origins, the second is right",
        server((ORIGIN, OTHER_ORIGIN + b"\r\n" + ORIGIN)),
        "origin-differs",
    ),
    "answer-empty-value": about_answer(
        "response-value-not-text",
        "A field without value that nobody asked for",
        with_field(HEAD + DIGEST, b"Sec-WebSocket-Protocol:"),
        "protocol-unasked",
    ),
    "answer-latin-1": about_answer(
        "response-value-not-text",
        "An umlaut in Latin-1",
        with_field(HEAD + DIGEST, b"Server: gespr\xe4ch"),
    ),
    "answer-without-origin-and-location": about_answer(
        "origin-not-echoed",
        "Neither origin nor location",
        server((ORIGIN + b"\r\n" + LOCATION_LINE, b"")),
        "location-missing",
    ),
    "answer-without-location-and-other-upgrade": about_answer(
        "location-missing",
        "No location, and Upgrade: h2c",
        server((LOCATION_LINE, b""), OTHER_UPGRADE),
        "upgrade-differs",
    ),
    "answer-other-upgrade-and-connection": about_answer(
        "upgrade-differs",
        "Upgrade: h2c, and Connection: close",
        server(OTHER_UPGRADE, OTHER_CONNECTION),
        "connection-differs",
    ),
    "answer-other-connection-and-origin": about_answer(
        "connection-differs",
        "Connection: close, and a fixed origin",
        server(OTHER_CONNECTION, (ORIGIN, OTHER_ORIGIN)),
        "origin-differs",
    ),
    "answer-other-origin-and-location": about_answer(
        "origin-differs",
        "A fixed origin, and another path",
        server((ORIGIN, OTHER_ORIGIN), OTHER_PATH),
        "location-path-differs",
    ),
    "answer-other-location-and-digest": about_answer(
        "location-path-differs",
        "Another path, and another digest",
        server(OTHER_PATH, (DIGEST, b"0123456789abcdef")),
        "digest-wrong",
    ),
    "unfinished-ssh": ended(
        ("response-not-http",),
        "SSH listens at this port",
        CLIENT,
        b"SSH-2.0-OpenSSH_5.8\r\n",
        "server eof",
    ),
}
