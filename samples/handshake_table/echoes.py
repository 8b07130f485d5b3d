"""Samples of what a server must echo: Origin, Location and Protocol."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND,
    CLIENT,
    GOOD_76,
    NO_FAULT,
    SEEN,
    SERVER,
    Sample,
    about_answer,
    client,
    server,
    with_field,
)

__all__ = ["ASKED", "ECHOES", "LOCATION"]

ORIGIN_LINE = b"Sec-WebSocket-Origin: http://example.com\r\n"
LOCATION = b"ws://example.com/demo?room=1"
ASKED = with_field(CLIENT, b"Sec-WebSocket-Protocol: chat")
ASKED_LIST = with_field(CLIENT, b"Sec-WebSocket-Protocol: chat, news")


def about_origin(code: str, title: str, origin: bytes) -> Sample:
    """An answer with another origin."""
    line = b"Sec-WebSocket-Origin: " + origin + b"\r\n"
    return about_answer(code, title, server((ORIGIN_LINE, line)))


def about_location(code: str, title: str, location: bytes, *more: str) -> Sample:
    """An answer with another location."""
    return about_answer(code, title, server((LOCATION, location)), *more)


ECHOES = {
    "origin-missing-in-answer": about_answer(
        "origin-not-echoed", "No origin in the answer", server((ORIGIN_LINE, b"")), source=SEEN
    ),
    "origin-other": about_origin("origin-differs", "A fixed origin", b"http://localhost:3000"),
    "origin-capitals": about_origin(
        "origin-case-differs", "The host in capitals", b"http://EXAMPLE.com"
    ),
    "origin-null": about_origin("origin-answered-null", "null", b"null"),
    "origin-of-backend": Sample(
        "The server's own address instead of the page's",
        BY_HAND,
        ("origin-of-backend",),
        client=client((b"Origin: http://example.com", b"Origin: http://www.example.com")),
    ),
    "location-missing": about_answer(
        "location-missing",
        "No location",
        server((b"Sec-WebSocket-Location: " + LOCATION + b"\r\n", b"")),
    ),
    "location-http": about_location(
        "location-not-a-url", "http instead of ws", b"http://example.com/demo?room=1"
    ),
    "location-ws-for-wss": Sample(
        "ws for a wss client, behind a TLS terminator",
        BY_HAND,
        ("location-scheme-differs",),
        secure=True,
    ),
    "location-other-host": about_location(
        "location-host-differs", "The backend's name", b"ws://backend.internal/demo?room=1"
    ),
    "location-host-capitals": about_location(
        "location-host-case-differs", "The host in capitals", b"ws://Example.com/demo?room=1"
    ),
    "location-other-port": about_location(
        "location-port-differs", "The backend's port", b"ws://example.com:8080/demo?room=1"
    ),
    "location-default-port": about_location(
        "location-default-port", "Port 80 spelled out", b"ws://example.com:80/demo?room=1"
    ),
    "location-other-path": about_location(
        "location-path-differs", "A slash added", b"ws://example.com/demo/?room=1"
    ),
    "location-without-query": about_location(
        "location-query-missing", "The query is missing", b"ws://example.com/demo"
    ),
    "location-other-query": about_location(
        "location-query-differs", "Another query", b"ws://example.com/demo?room=2"
    ),
    "location-all-differs": about_location(
        "location-host-differs",
        "Nothing is right",
        b"wss://localhost:9000/",
        "location-scheme-differs",
        "location-port-differs",
        "location-path-differs",
        "location-query-missing",
    ),
    "protocol-not-echoed": Sample(
        "Asked for, not answered", BY_HAND, ("protocol-not-echoed",), client=ASKED
    ),
    "protocol-other": Sample(
        "Another name",
        BY_HAND,
        ("protocol-differs",),
        client=ASKED,
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: default"),
    ),
    "protocol-one-of-list": Sample(
        "One of a list chosen, as RFC 6455 would",
        BY_HAND,
        ("protocol-list-asked", "protocol-one-of-list"),
        client=ASKED_LIST,
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: chat"),
    ),
    "protocol-list-echoed": Sample(
        "A list echoed whole: one name to both",
        BY_HAND,
        ("protocol-list-asked", "protocol-list-echoed"),
        client=ASKED_LIST,
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: chat, news"),
        forbid=NO_FAULT,
    ),
    "protocol-unasked": Sample(
        "Sec-WebSocket-Protocol: default, as eventlet sends it unasked",
        SEEN,
        (*GOOD_76, "protocol-unasked"),
        server=with_field(SERVER, b"Sec-WebSocket-Protocol: default"),
        forbid=NO_FAULT,
    ),
}
