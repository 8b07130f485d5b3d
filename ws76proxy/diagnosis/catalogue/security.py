"""Findings about what a page or a peer could do that it must not (7), and what attacks need."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "cross-site-accepted",
        "A page of another site gets a session with the user's credentials",
        Severity.WARNING,
        Side.SERVER,
        "Browsers send cookies with a socket's request whatever page opens it, and leave it to the "
        "server to look at Origin. Where the server echoes any, each page that the user visits can "
        "speak in the user's name: cross-site WebSocket hijacking.",
        "Accept only origins from a list, unless this page belongs on it; or ask for a token that "
        "the other site cannot know, in the URL or in the first message.",
        "4.1, 5.2, 7",
    ),
    Finding(
        "switch-unasked",
        "101 for a request that does not ask for WebSocket",
        Severity.ERROR,
        Side.SERVER,
        "To everyone on the way nothing was asked for and nothing has been switched: they go on "
        "reading requests and answers out of the bytes that follow, which is request smuggling.",
        "Answer 101 only where the request has Upgrade: WebSocket.",
        "5.1; RFC 9110 7.8",
    ),
    Finding(
        "host-private-address",
        "Host names a private address at which nobody listens here",
        Severity.WARNING,
        Side.BETWEEN,
        "The client believes that it speaks to another machine of its network. Something forwards "
        "the connection, or a name or a proxy has been made to point here: what DNS rebinding "
        "looks like from within.",
        "Use the address in the page that the server listens at; let the server refuse each Host "
        "that is not its own.",
        "5.1, 7",
    ),
    Finding(
        "host-name-for-loopback",
        "A page and its socket use a public name for this machine itself",
        Severity.INFO,
        Side.BETWEEN,
        "Right where the name is yours and points here on purpose. A page of somebody else whose "
        "name is made to point here later, which is DNS rebinding, looks exactly the same: Origin "
        "and Host agree, and a server that compares these two only lets it in.",
        "Let the server refuse each Host that is not its own; the relay does with --allow-host.",
        "5.1, 7",
    ),
    Finding(
        "http-in-text",
        "A message reads like an HTTP request or answer",
        Severity.WARNING,
        Side.SENDER,
        "Hixie does not mask: a proxy on the way that has not understood the upgrade takes such "
        "text for HTTP of its own, and may store an answer that the page has made up under "
        "somebody else's address. This attack of 2010 made the browsers switch hixie-76 off.",
        "Nothing, if the application speaks about HTTP. Otherwise see which page sends this; use "
        "wss, which no proxy reads.",
        "4.2; Talking to Yourself for Fun and Profit, Huang et al., 2011",
    ),
)
