"""Findings about what the server must echo: Origin, Location and Protocol."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

_ORIGIN_REFUSED = "The client fails the connection. WebKit's console: origin mismatch, and both."
_LOCATION_REFUSED = (
    "The client fails the connection. WebKit's console: location mismatch, and both URLs."
)
_PROTOCOL_REFUSED = (
    "The client fails the connection. WebKit's console: protocol mismatch, and both names."
)

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "origin-matches",
        "The server echoes the client's origin",
        Severity.GOOD,
        Side.SERVER,
        "The client accepts it.",
        "Nothing.",
        "4.1",
    ),
    Finding(
        "origin-not-echoed",
        "The answer names no origin",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Sec-WebSocket-Origin' header is "
        "missing.",
        "Send Sec-WebSocket-Origin (WebSocket-Origin in draft-75) with the request's Origin.",
        "4.1, 5.2",
    ),
    Finding(
        "origin-differs",
        "The answer names another origin",
        Severity.ERROR,
        Side.SERVER,
        _ORIGIN_REFUSED,
        "Echo the request's Origin once it is found acceptable; do not send a configured one.",
        "4.1, 5.2",
    ),
    Finding(
        "origin-case-differs",
        "The answer's origin differs in case",
        Severity.ERROR,
        Side.SERVER,
        "The client compares exactly with its origin in lower case, and fails the connection.",
        "Echo the request's Origin byte for byte.",
        "4.1",
    ),
    Finding(
        "origin-answered-null",
        "The answer's origin is null",
        Severity.ERROR,
        Side.SERVER,
        _ORIGIN_REFUSED + " The server sends null when it has not found the request's Origin.",
        "Read the field Origin, in any case, and echo it.",
        "4.1, 5.2",
    ),
    Finding(
        "origin-of-backend",
        "The answer's origin is the server's own address",
        Severity.ERROR,
        Side.SERVER,
        _ORIGIN_REFUSED + " It works only where page and socket have the same origin.",
        "Echo the request's Origin; it names the page, not the socket's server.",
        "4.1, 5.2",
    ),
    Finding(
        "origin-invented",
        "The answer names an origin though the client had none",
        Severity.INFO,
        Side.SERVER,
        "A client that is not a browser has nothing to compare it with; undefined, None and the "
        "like are a server's missing value as text.",
        "Handle a request without Origin on purpose: refuse it, or send null.",
        "5.2",
    ),
    Finding(
        "location-matches",
        "The server echoes the URL that the client asked for",
        Severity.GOOD,
        Side.SERVER,
        "The client accepts it.",
        "Nothing.",
        "4.1",
    ),
    Finding(
        "location-missing",
        "The answer names no location",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Sec-WebSocket-Location' header is "
        "missing.",
        "Send Sec-WebSocket-Location (WebSocket-Location in draft-75) with the socket's URL.",
        "4.1, 5.2",
    ),
    Finding(
        "location-not-a-url",
        "The answer's location is not a WebSocket URL",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED,
        "Send ws:// or wss://, the request's Host, and what was asked for, query included.",
        "3.2, 5.2",
    ),
    Finding(
        "location-scheme-differs",
        "The answer's location has the other scheme",
        Severity.ERROR,
        Side.BETWEEN,
        _LOCATION_REFUSED + " ws for a wss client: TLS ends in front of the server, which does "
        "not know of it, or the scheme is fixed in the code.",
        "Tell the server which scheme the client used, for example by X-Forwarded-Proto, or let "
        "the TLS terminator correct the field.",
        "4.1, 5.2",
    ),
    Finding(
        "location-host-differs",
        "The answer's location names another host",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " Typical causes: the server's own or reverse-resolved name, or a "
        "proxy in between that rewrites Host.",
        "Build the location from the request's Host; let proxies keep Host.",
        "4.1, 5.2",
    ),
    Finding(
        "location-host-case-differs",
        "The answer's location has the host in other letters",
        Severity.ERROR,
        Side.SERVER,
        "The client compares exactly with its URL, whose host is in lower case, and fails the "
        "connection.",
        "Copy the request's Host as it is.",
        "3.2, 4.1",
    ),
    Finding(
        "location-port-differs",
        "The answer's location has another port",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " The server names the port that it listens on, or none, instead of "
        "the one that the client used.",
        "Take host and port together from the request's Host.",
        "4.1, 5.2",
    ),
    Finding(
        "location-default-port",
        "The answer's location spells out the default port",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " The client's own URL has no port 80 (ws) or 443 (wss).",
        "Leave the port out where it is the scheme's default.",
        "3.2, 4.1",
    ),
    Finding(
        "location-path-differs",
        "The answer's location has another path",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " A proxy that rewrites paths, or a framework that decodes or "
        "completes them, is the usual cause.",
        "Copy the path from the request line, byte for byte.",
        "4.1, 5.2",
    ),
    Finding(
        "location-query-missing",
        "The answer's location lacks the query",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " Frameworks that hand out the path alone lead to this.",
        "Copy all of the request's target, the question mark and what follows included.",
        "4.1, 5.2",
    ),
    Finding(
        "location-query-differs",
        "The answer's location has another query",
        Severity.ERROR,
        Side.SERVER,
        _LOCATION_REFUSED + " Decoding and encoding again changes letters and order.",
        "Copy the query from the request line, byte for byte.",
        "4.1, 5.2",
    ),
    Finding(
        "protocol-matches",
        "The server echoes the subprotocol",
        Severity.GOOD,
        Side.SERVER,
        "The client accepts it.",
        "Nothing.",
        "4.1",
    ),
    Finding(
        "protocol-not-echoed",
        "The subprotocol asked for is not echoed",
        Severity.ERROR,
        Side.SERVER,
        _PROTOCOL_REFUSED,
        "Send the field with the name that was asked for, or do not accept the connection.",
        "4.1, 5.2",
    ),
    Finding(
        "protocol-differs",
        "The answer names another subprotocol",
        Severity.ERROR,
        Side.SERVER,
        _PROTOCOL_REFUSED,
        "Echo the name exactly as it was asked for.",
        "4.1, 5.2",
    ),
    Finding(
        "protocol-one-of-list",
        "The server chose one entry of what looks like a list",
        Severity.ERROR,
        Side.SERVER,
        "To a hixie client the text with its commas is one name: it compares all of it and fails "
        "the connection. WebKit's console: protocol mismatch, and both names.",
        "Ask for one subprotocol in the page; in a hixie-76 server echo the field whole.",
        "4.1, 5.2",
    ),
    Finding(
        "protocol-list-echoed",
        "The server echoes what looks like a list of subprotocols",
        Severity.INFO,
        Side.SERVER,
        "Hixie clients accept it, as it is one name to them; RFC 6455 clients would refuse, and "
        "neither side has chosen.",
        "Ask for one subprotocol.",
        "4.1, 5.2",
    ),
    Finding(
        "protocol-unasked",
        "The answer names a subprotocol that was not asked for",
        Severity.INFO,
        Side.SERVER,
        "Hixie browsers ignore it. It is often a placeholder such as default, unknown or None; "
        "stricter clients of later versions fail over it.",
        "Leave the field out when the request has none.",
        "4.1, 5.2",
    ),
)
