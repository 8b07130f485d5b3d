"""Findings about the first line of the server's answer."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "status-line-malformed",
        "The answer's first line is no status line",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: no response code found; or nothing, "
        "where something else than three characters stands in its place.",
        "Begin with HTTP/1.1, a space, 101, a space, and any text.",
        "4.1, 5.2",
    ),
    Finding(
        "status-text-missing",
        "The status line ends behind the code",
        Severity.ERROR,
        Side.SERVER,
        "The draft's client looks for a second space and fails without it; WebKit's console: no "
        "response code found.",
        "Put a space behind 101, and any text after it.",
        "4.1",
    ),
    Finding(
        "status-text-not-of-75",
        "The status text is not draft-75's",
        Severity.WARNING,
        Side.SERVER,
        "Clients of draft-75 compared fixed bytes at the beginning of the answer; one that "
        "includes the status line refuses.",
        "Send HTTP/1.1 101 Web Socket Protocol Handshake, with the space in Web Socket.",
        "draft-75 4.1, 5.1",
    ),
    Finding(
        "response-version-not-1-1",
        "The answer is not of HTTP/1.1",
        Severity.WARNING,
        Side.SERVER,
        "Draft and WebKit do not look at the version; HTTP proxies on the way do, and close after "
        "an HTTP/1.0 answer.",
        "Begin the status line with HTTP/1.1.",
        "5.2",
    ),
    Finding(
        "answered-bad-request",
        "The server answers 400: it finds the request faulty",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: unexpected response code.",
        "Look for findings about the request, and at the server's log. A server that requires "
        "Sec-WebSocket-Key knows RFC 6455 only.",
        "4.1",
    ),
    Finding(
        "answered-unauthorized",
        "The server answers 401: it wants credentials",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection: hixie clients never ask for a password on a socket.",
        "Let the page log in first and rely on its cookie, or put a token into the URL.",
        "4.1",
    ),
    Finding(
        "answered-forbidden",
        "The server answers 403: it refuses this client",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. Origin or Host is what servers usually refuse here.",
        "Compare the request's Origin and Host with what the server allows.",
        "5.1",
    ),
    Finding(
        "answered-not-found",
        "The server answers 404: there is no socket at this path",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. The request often reached a web server that does not "
        "know of the socket, or a socket server mounted elsewhere.",
        "Check path and port; let the web server in front forward the path with its upgrade.",
        "4.1",
    ),
    Finding(
        "answered-request-timeout",
        "The server answers 408: it still waits for a part of the request",
        Severity.ERROR,
        Side.BETWEEN,
        "The client fails the connection. What the server misses are usually the 8 bytes of key3: "
        "they did not come, or an HTTP library has taken them for the beginning of another "
        "request.",
        "See whether all of key3 came; let what stands in front of the server forward bytes from "
        "the upgrade on, and read key3 from what the HTTP parser has buffered.",
        "5.1",
    ),
    Finding(
        "answered-proxy-authentication",
        "407: a proxy on the way wants credentials",
        Severity.ERROR,
        Side.BETWEEN,
        "A browser connected to that proxy by CONNECT may try again with credentials; any other "
        "client fails. A 407 from the server itself is a mistake.",
        "Give the client the proxy's credentials, or go around the proxy; wss passes more proxies.",
        "4.1",
    ),
    Finding(
        "answered-rfc6455-only",
        "The server speaks a later WebSocket version only",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection: it knows no version numbers, and nothing in hixie "
        "corresponds to the keys that this server wants.",
        "Enable hixie-76 in the server, or put something between that translates.",
        "RFC 6455 4.4",
    ),
    Finding(
        "answered-redirect",
        "The server answers with a redirect",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection: WebSocket clients of these drafts follow no redirects. "
        "Common causes: a forced https, a missing or added slash, a log-in page.",
        "Use the final URL in the page, and exempt the socket's path from redirects.",
        "4.1",
    ),
    Finding(
        "answered-ordinary-page",
        "The server answers as to an ordinary request",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. The request reached a handler that ignores Upgrade, or a "
        "proxy removed Upgrade and Connection on the way.",
        "Route the path to the WebSocket handler; let proxies forward Upgrade and Connection.",
        "4.1",
    ),
    Finding(
        "answered-server-error",
        "The server answers with an error of its own",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. 502, 503 and 504 come from a proxy without a working "
        "server behind it, 500 from an exception: a missing Origin or an unusual key can do that.",
        "See the log of whichever wrote the answer.",
        "4.1",
    ),
    Finding(
        "answered-other-status",
        "The server's status is not 101",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: unexpected response code.",
        "Answer 101 to accept; see the server's documentation for this status.",
        "4.1",
    ),
)
