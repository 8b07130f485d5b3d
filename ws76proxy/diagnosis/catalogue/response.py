"""Findings about the head of the server's answer, apart from what it must echo."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "upgrade-ok",
        "101 with Upgrade and Connection as they must be",
        Severity.GOOD,
        Side.SERVER,
        "The client goes on to compare Origin, Location and Protocol.",
        "Nothing.",
        "4.1",
    ),
    Finding(
        "switch-without-upgrade",
        "101 without Upgrade and without Connection",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. To HTTP intermediaries nothing has been switched: they "
        "go on reading requests out of the session's bytes, which is request smuggling.",
        "Send Upgrade: WebSocket and Connection: Upgrade with each 101; see whether a proxy strips "
        "them as hop-by-hop.",
        "4.1, 5.2",
    ),
    Finding(
        "upgrade-missing",
        "The answer has no Upgrade",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Upgrade' header is missing.",
        "Send Upgrade: WebSocket.",
        "4.1, 5.2",
    ),
    Finding(
        "upgrade-not-exact",
        "The answer's Upgrade is not written exactly WebSocket",
        Severity.ERROR,
        Side.SERVER,
        "The draft's client compares exactly and fails the connection. WebKit compares without "
        "case and goes on, so the fault shows with some clients only.",
        "Send Upgrade: WebSocket, with capital W and S; websocket is RFC 6455's spelling.",
        "4.1, 5.2",
    ),
    Finding(
        "upgrade-differs",
        "The answer's Upgrade is something else",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Upgrade' header value is not "
        "'WebSocket'.",
        "Send Upgrade: WebSocket and nothing else in that field.",
        "4.1, 5.2",
    ),
    Finding(
        "connection-missing",
        "The answer has no Connection",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Connection' header is missing.",
        "Send Connection: Upgrade; a proxy may have taken it away as hop-by-hop.",
        "4.1, 5.2",
    ),
    Finding(
        "connection-list",
        "The answer's Connection lists more than Upgrade",
        Severity.ERROR,
        Side.SERVER,
        "The client compares the whole value and fails the connection. WebKit's console: "
        "'Connection' header value is not 'Upgrade'.",
        "Send Connection: Upgrade alone. keep-alive is usually a web server's or proxy's addition.",
        "4.1",
    ),
    Finding(
        "connection-differs",
        "The answer's Connection does not say Upgrade",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection. WebKit's console: 'Connection' header value is not "
        "'Upgrade'.",
        "Send Connection: Upgrade.",
        "4.1, 5.2",
    ),
    Finding(
        "first-fields-not-exact",
        "A draft-75 answer does not begin with its two fixed lines",
        Severity.ERROR,
        Side.SERVER,
        "The draft-75 client compares bytes: Upgrade first, Connection second, in these letters, "
        "with one space. It fails the connection otherwise, whatever the values.",
        "Send Upgrade: WebSocket, then Connection: Upgrade, right behind the status line.",
        "draft-75 4.1, 5.1",
    ),
    Finding(
        "response-field-twice",
        "A field that must come once comes more often",
        Severity.ERROR,
        Side.SERVER,
        "The draft's client fails the connection. QtWebKit 534 goes by the first and opens: "
        "others go by the last.",
        "Send Upgrade, Connection, Origin, Location and Protocol once each. Often both the "
        "framework and the handler add one.",
        "4.1",
    ),
    Finding(
        "response-names-of-75",
        "A hixie-76 client is answered with draft-75's field names",
        Severity.ERROR,
        Side.SERVER,
        "The client misses Sec-WebSocket-Origin and -Location and fails the connection.",
        "Where the request has Sec-WebSocket-Key1, put Sec- before WebSocket-Origin, "
        "WebSocket-Location and WebSocket-Protocol, and send the digest.",
        "4.1, 5.2",
    ),
    Finding(
        "response-names-of-76",
        "A hixie-75 client is answered with draft-76's field names",
        Severity.ERROR,
        Side.SERVER,
        "The client misses WebSocket-Origin and WebSocket-Location and fails the connection; a "
        "digest, if there is one, would be read as frames.",
        "Where the request has no keys, answer with the names without Sec-, and without a digest.",
        "draft-75 4.1, 5.1",
    ),
    Finding(
        "response-of-rfc6455",
        "A hixie client is answered as if it spoke RFC 6455",
        Severity.ERROR,
        Side.SERVER,
        "The client misses Sec-WebSocket-Origin and -Location and fails the connection; "
        "Sec-WebSocket-Accept means nothing to it.",
        "Choose the protocol by the request: Key1 and Key2 ask for hixie-76.",
        "4.1, 5.2; RFC 6455 4.2.2",
    ),
    Finding(
        "response-of-hixie",
        "A later client is answered as if it spoke hixie",
        Severity.ERROR,
        Side.SERVER,
        "The client misses Sec-WebSocket-Accept and fails the connection: the server knows no "
        "later version and has taken Upgrade for draft-75's.",
        "Use a server that knows the client's version, or put something between that translates; "
        "let the server answer 426 where Sec-WebSocket-Version is there.",
        "RFC 6455 4.2.2",
    ),
    Finding(
        "response-content-length",
        "The 101 announces a body with Content-Length",
        Severity.WARNING,
        Side.SERVER,
        "Browsers ignore the field. HTTP-aware intermediaries take the digest for the body and "
        "may hold it back, and with another number than 16 lose count.",
        "Send no Content-Length with a 101; the digest is no body.",
        "5.2",
    ),
    Finding(
        "response-transfer-encoding",
        "The 101 announces a Transfer-Encoding",
        Severity.WARNING,
        Side.SERVER,
        "If the bytes are coded accordingly, the client reads a chunk's size as the digest and "
        "closes without a word; if not, intermediaries wait for chunks.",
        "Send no Transfer-Encoding with a 101, and write the digest to the raw socket.",
        "5.2",
    ),
    Finding(
        "response-field-name-empty",
        "A line of the answer has nothing before its colon",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection: the draft names this case. WebKit's console: invalid "
        "UTF-8 sequence in header name.",
        "Leave the line out; look for a field whose name was built from an empty value.",
        "4.1",
    ),
    Finding(
        "response-line-without-colon",
        "A line of the answer has no colon",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection at the line's end. WebKit's console: unexpected CR in "
        "name.",
        "Send each field as name, colon, one space, value, on one line.",
        "4.1",
    ),
    Finding(
        "response-field-name-spaced",
        "A field's name in the answer begins or ends with white space",
        Severity.ERROR,
        Side.SERVER,
        "The space is a part of the name to the draft's client, which then misses the field.",
        "Put the colon right behind the name, and the name at the line's beginning.",
        "4.1",
    ),
    Finding(
        "response-value-leading-space",
        "A value in the answer has more than one space in front",
        Severity.WARNING,
        Side.SERVER,
        "The draft drops one space behind the colon and takes the next for a part of the value, "
        "which then differs. WebKit skips all of them and opens.",
        "Put exactly one space behind the colon.",
        "4.1",
    ),
    Finding(
        "response-value-trailing-space",
        "A value in the answer has white space at its end, or a tab in front",
        Severity.ERROR,
        Side.SERVER,
        "It is a part of the value, and the client fails the connection. WebKit's console shows a "
        "mismatch of two texts that look the same.",
        "Send each value without white space behind it.",
        "4.1",
    ),
    Finding(
        "response-value-not-text",
        "A field of the answer has no value, or one that is not UTF-8",
        Severity.ERROR,
        Side.SERVER,
        "The draft's client goes on, while WebKit refuses each such field, whatever its name, as "
        "to it an empty value is no text either. Its console: invalid UTF-8 sequence in header "
        "value.",
        "Leave fields out that have no value, a subprotocol that was not asked for above all; send "
        "values in UTF-8, or better in ASCII.",
        "4.1",
    ),
    Finding(
        "response-bare-line-feed",
        "Lines of the answer end in LF without CR",
        Severity.ERROR,
        Side.SERVER,
        "The client fails the connection, WebKit with a text about the line, or without one where "
        "it is the blank line: then it waits.",
        "End each line, the blank one included, with CR LF. Beware of text-mode output.",
        "4.1",
    ),
    Finding(
        "response-empty-line-first",
        "Empty lines come before the status line",
        Severity.ERROR,
        Side.SERVER,
        "The client reads a status line that is too short and fails the connection.",
        "Send nothing before HTTP/1.1; often the line end belongs to an earlier answer's body.",
        "4.1",
    ),
)
