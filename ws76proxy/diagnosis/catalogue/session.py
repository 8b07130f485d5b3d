"""Findings about a connection as a whole: who came, what the relay did, how it ended."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "flash-policy-request",
        "Flash asks for a socket policy",
        Severity.INFO,
        Side.CLIENT,
        "A Flash fall-back such as web-socket-js asks this before it opens a socket, and waits for "
        "an XML policy. Without one it opens nothing.",
        "Serve a policy on this port or on port 843, or use a browser with WebSockets.",
        "not WebSocket",
    ),
    Finding(
        "tls-on-plain-port",
        "A TLS handshake on a port that speaks plain text",
        Severity.ERROR,
        Side.CLIENT,
        "The client uses wss or https here and gets no TLS answer: it fails without a clear text.",
        "Use ws, or give the relay a certificate and key.",
        "4.1",
    ),
    Finding(
        "plain-on-tls-port",
        "Plain text on a port that speaks TLS",
        Severity.ERROR,
        Side.CLIENT,
        "The TLS handshake fails, and the client sees a closed connection.",
        "Use wss in the page.",
        "4.1",
    ),
    Finding(
        "tls-handshake-failed",
        "The TLS handshake with the client failed",
        Severity.ERROR,
        Side.CLIENT,
        "Nothing of the WebSocket handshake is ever sent. Browsers do not show a certificate "
        "warning for a socket: they close.",
        "Make the client trust the certificate, for instance by opening an https page of the same "
        "host first; for devices with TLS 1.0 or 1.1 only, allow legacy TLS.",
        "4.1",
    ),
    Finding(
        "upstream-tls-failed",
        "The TLS handshake with the server failed",
        Severity.ERROR,
        Side.SERVER,
        "The client gets a 502 instead of its socket.",
        "Check the server's certificate, name and TLS version; give the relay a CA file, or tell "
        "it to skip verification while testing.",
        "4.1",
    ),
    Finding(
        "hybi-draft-client",
        "The client speaks a draft between hixie and RFC 6455",
        Severity.WARNING,
        Side.CLIENT,
        "Its bytes are passed on but not decoded here. A server that knows neither this draft "
        "nor RFC 6455 refuses it.",
        "Nothing if the server knows the draft; otherwise upgrade the client.",
        "draft-ietf-hybi-thewebsocketprotocol-04 to -12",
    ),
    Finding(
        "rfc6455-client",
        "The client speaks RFC 6455",
        Severity.WARNING,
        Side.CLIENT,
        "Its bytes are passed on but not decoded here. A server that knows hixie only answers "
        "with an error or takes it for draft-75.",
        "Nothing if the server knows RFC 6455; otherwise something must translate.",
        "RFC 6455 4.1",
    ),
    Finding(
        "pipelined-upgrade",
        "A handshake behind a request that is still unanswered",
        Severity.WARNING,
        Side.CLIENT,
        "It cannot be told where the answer to the handshake begins: the bytes are passed on, not "
        "decoded.",
        "Open a new connection for each WebSocket.",
        "4.1",
    ),
    Finding(
        "unknown-protocol",
        "The first bytes are of no protocol known here",
        Severity.WARNING,
        Side.CLIENT,
        "They are passed on as they are, and nothing is decoded.",
        "Check that the client is meant for this port.",
        "4.1",
    ),
    Finding(
        "head-refused",
        "A head is larger than allowed",
        Severity.ERROR,
        Side.SENDER,
        "It is not read further and the connection ends.",
        "Send fewer or shorter fields: cookies are usually what grows.",
        "4.1, 5.1",
    ),
    Finding(
        "origin-refused",
        "The client's origin is not allowed here",
        Severity.ERROR,
        Side.CLIENT,
        "The client gets a 403. Its page is not among those that may use this socket.",
        "Allow this origin, if the page is yours.",
        "5.1, 7",
    ),
    Finding(
        "host-refused",
        "The host asked for is not allowed here",
        Severity.ERROR,
        Side.CLIENT,
        "The client gets a 403. Somebody else's name that resolves to this address is how DNS "
        "rebinding works.",
        "Allow this host, if the name is yours.",
        "5.1, 7",
    ),
    Finding(
        "upstream-unreachable",
        "There is no connection to the server",
        Severity.ERROR,
        Side.SERVER,
        "The client gets a 502 instead of its socket.",
        "Start the server, or correct its address.",
        "4.1",
    ),
    Finding(
        "early-client-frames",
        "The client sends before the handshake is done",
        Severity.WARNING,
        Side.CLIENT,
        "More than the 8 bytes of key3 came before the answer. Many servers lose a frame that "
        "comes with key3 or fail over it; here it was held back until the 101 was whole.",
        "Send the first message after the open event, that is after the digest.",
        "4.1",
    ),
    Finding(
        "closed-without-handshake",
        "TCP was closed without FF 00",
        Severity.INFO,
        Side.SENDER,
        "The other side cannot tell a wanted end from a broken connection. QtWebKit always closes "
        "like this.",
        "Send FF 00 and wait for the answer before closing.",
        "6",
    ),
    Finding(
        "close-unanswered",
        "FF 00 got no answer",
        Severity.WARNING,
        Side.SENDER,
        "Whoever began to close waits for the answer and then drops the connection; the page "
        "learns that it was not clean. QtWebKit never answers.",
        "Answer FF 00 with FF 00, then close TCP. 00 FF is an empty message, not an answer.",
        "6",
    ),
    Finding(
        "connection-reset",
        "The connection was reset",
        Severity.WARNING,
        Side.SENDER,
        "What was on its way is lost. A process that ended, or one that closed with bytes unread, "
        "resets its connections.",
        "Read until the end of the stream before closing.",
        "6",
    ),
    Finding(
        "idle-timeout",
        "Nothing came for longer than allowed",
        Severity.INFO,
        Side.BETWEEN,
        "The relay has ended the session.",
        "Raise the idle time-out, or send something now and then: hixie has no ping.",
        "6",
    ),
    Finding(
        "client-dialect-refused",
        "The client speaks another dialect than clients must here",
        Severity.ERROR,
        Side.CLIENT,
        "It gets a 426, or, where it is older than that, a 400; the server is not asked.",
        "Leave --client-dialect at auto, or let the client speak what it names.",
        "not in the draft",
    ),
    Finding(
        "too-many-connections",
        "The limit of connections is reached",
        Severity.ERROR,
        Side.BETWEEN,
        "The relay refuses this client.",
        "Raise the limit, or see why clients connect again and again.",
        "5.1",
    ),
    Finding(
        "proxy-header-missing",
        "A connection without a PROXY header",
        Severity.ERROR,
        Side.CLIENT,
        "The relay was told to expect one from every client, and closes the connection: without it "
        "the client's address is unknown.",
        "Let the balancer send it (in HAProxy: send-proxy-v2 behind the server), and keep clients "
        "that come past the balancer away.",
        "the PROXY protocol, 2",
    ),
    Finding(
        "proxy-header-malformed",
        "A PROXY header that is none",
        Severity.ERROR,
        Side.CLIENT,
        "The relay closes the connection: it cannot tell where the header ends and what the client "
        "says begins.",
        "Correct the balancer: version 1 is one line of at most 107 bytes, version 2 is binary and "
        "says its length.",
        "the PROXY protocol, 2.1 and 2.2",
    ),
    Finding(
        "proxy-header-untrusted",
        "A connection from no balancer of ours",
        Severity.ERROR,
        Side.CLIENT,
        "The relay closes the connection: whoever may send a PROXY header may claim any address.",
        "Connect through the balancer, or name its network in --proxy-protocol-from.",
        "the PROXY protocol, 2",
    ),
    Finding(
        "digests-together",
        "What the handshakes with this server have in common",
        Severity.INFO,
        Side.SERVER,
        "A bug that shows only now and then is found by comparing: one handshake alone may fit "
        "several causes.",
        "Mend the cause that fits all of them.",
        "5.2",
    ),
    Finding(
        "edit-not-framable",
        "An edit cannot stand in a text frame",
        Severity.WARNING,
        Side.BETWEEN,
        "The byte 0xFF ends a frame, and a lone surrogate is no text: what the edit made is not "
        "sent. A message goes on as it came, and what was to be injected does not go at all.",
        "Change the rule, the script or the text so that it makes text in UTF-8.",
        "4.2, 5.3",
    ),
    Finding(
        "recording-limit",
        "A session is too large to be recorded as a whole",
        Severity.WARNING,
        Side.BETWEEN,
        "Its further messages are not in the recording; its findings and its end are. The session "
        "itself goes on.",
        "Raise --record-limit (ws76_record_limit in mitmproxy), or record fewer sessions.",
        "not in the draft",
    ),
    Finding(
        "recording-stopped",
        "Recording has stopped",
        Severity.ERROR,
        Side.BETWEEN,
        "Nothing is recorded any more. What was written stays, and all sessions go on.",
        "Make room on the disk or bring the folder back, and start again; --record-when-full "
        "remove-oldest keeps the newest files within --record-total.",
        "not in the draft",
    ),
)
