"""Findings about the client's request head."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "request-method-not-get",
        "The request's method is not GET",
        Severity.ERROR,
        Side.CLIENT,
        "Servers route the request to something else, or answer 405 or 400.",
        "Begin the request line with GET and one space.",
        "4.1, 5.1",
    ),
    Finding(
        "request-version-not-1-1",
        "The request line does not end in HTTP/1.1",
        Severity.ERROR,
        Side.CLIENT,
        "HTTP stacks in front of the server drop Upgrade in an HTTP/1.0 request, and the answer is "
        "an ordinary page.",
        "End the request line with HTTP/1.1; a proxy on the way that turns requests into HTTP/1.0 "
        "cannot carry WebSockets.",
        "4.1",
    ),
    Finding(
        "request-target-odd",
        "What is asked for is neither a path nor a WebSocket URL",
        Severity.WARNING,
        Side.CLIENT,
        "The server builds Sec-WebSocket-Location from it; the result is no URL that a client "
        "could compare with its own.",
        "Ask for the URL's path and query, beginning with a slash.",
        "4.1, 5.1",
    ),
    Finding(
        "request-empty-line-first",
        "Empty lines come before the request line",
        Severity.WARNING,
        Side.CLIENT,
        "HTTP servers skip them, a server written from the draft reads an empty request line and "
        "closes.",
        "Send nothing before GET. Often the line end is left over from an earlier request's body.",
        "4.1, 5.1",
    ),
    Finding(
        "request-bare-line-feed",
        "Lines of the request end in LF without CR",
        Severity.ERROR,
        Side.CLIENT,
        "A strict server closes, and a lenient one may look for key3 in the wrong place.",
        "End each line, the blank one included, with CR LF. Beware of text-mode output.",
        "4.1, 5.1",
    ),
    Finding(
        "request-field-name-empty",
        "A line of the request has nothing before its colon",
        Severity.ERROR,
        Side.CLIENT,
        "Servers answer 400 or close.",
        "Leave the line out; look for a field whose name was built from an empty value.",
        "4.1, 5.1",
    ),
    Finding(
        "request-line-without-colon",
        "A line of the request has no colon",
        Severity.ERROR,
        Side.CLIENT,
        "Servers answer 400 or close; some take the line for a part of the one before.",
        "Send each field as name, colon, one space, value, on one line.",
        "4.1, 5.1",
    ),
    Finding(
        "request-field-name-spaced",
        "A field's name in the request begins or ends with white space",
        Severity.WARNING,
        Side.CLIENT,
        "The server sees a field of another name, or a continuation of the line before: for most "
        "purposes the field is missing.",
        "Put the colon right behind the name, and the name at the line's beginning.",
        "4.1, 5.1",
    ),
    Finding(
        "request-upgrade-missing",
        "The request has no Upgrade field",
        Severity.ERROR,
        Side.CLIENT,
        "The server takes the request for an ordinary one. Where the client did send the field, a "
        "proxy has removed it as hop-by-hop.",
        "Send Upgrade: WebSocket; let proxies pass Upgrade and Connection on.",
        "4.1, 5.1",
    ),
    Finding(
        "request-upgrade-not-exact",
        "The request's Upgrade is not written exactly WebSocket",
        Severity.WARNING,
        Side.CLIENT,
        "Most servers compare without case; one written from the draft does not have to.",
        "Send Upgrade: WebSocket, with capital W and S. The lower-case form is RFC 6455's.",
        "4.1",
    ),
    Finding(
        "request-upgrade-differs",
        "The request's Upgrade is something else",
        Severity.ERROR,
        Side.CLIENT,
        "The server takes the request for an ordinary one, or for another protocol's.",
        "Send Upgrade: WebSocket and nothing else in that field.",
        "4.1, 5.1",
    ),
    Finding(
        "request-connection-missing",
        "The request has no Connection field",
        Severity.ERROR,
        Side.CLIENT,
        "HTTP stacks ignore an Upgrade that Connection does not name: the answer is a page.",
        "Send Connection: Upgrade; let proxies pass it on.",
        "4.1",
    ),
    Finding(
        "request-connection-list",
        "The request's Connection lists more than Upgrade",
        Severity.WARNING,
        Side.CLIENT,
        "HTTP allows it and most servers accept it; a server that compares the whole value with "
        "Upgrade does not.",
        "Send Connection: Upgrade alone. Usually an HTTP library or a proxy has added keep-alive.",
        "4.1",
    ),
    Finding(
        "request-connection-differs",
        "The request's Connection does not say Upgrade",
        Severity.ERROR,
        Side.CLIENT,
        "HTTP stacks ignore the Upgrade field then: the answer is an ordinary page.",
        "Send Connection: Upgrade. A proxy that sends close or keep-alive instead must be told to "
        "forward upgrades.",
        "4.1",
    ),
    Finding(
        "request-field-twice",
        "A field that must come once comes more often in the request",
        Severity.WARNING,
        Side.CLIENT,
        "Servers join the values or take one of them, and may then see no upgrade.",
        "Send Upgrade and Connection once each.",
        "4.1",
    ),
    Finding(
        "host-missing",
        "The request has no Host",
        Severity.ERROR,
        Side.CLIENT,
        "The server cannot build Sec-WebSocket-Location; HTTP/1.1 servers answer 400.",
        "Send Host with the URL's host, and its port where that is not the scheme's default.",
        "4.1, 5.1",
    ),
    Finding(
        "host-twice",
        "The request has more than one Host",
        Severity.ERROR,
        Side.CLIENT,
        "Servers answer 400; those that do not may use either, and Location then fails to match.",
        "Send Host once. Usually one comes from the HTTP library and one from the program.",
        "4.1",
    ),
    Finding(
        "origin-missing",
        "No Origin: this client is not a browser",
        Severity.INFO,
        Side.CLIENT,
        "A server that checks origins may refuse, fail with 500, or answer with an invented "
        "Sec-WebSocket-Origin such as undefined or None.",
        "Nothing for a program of one's own, if the server accepts it; a client for any server "
        "sends an Origin.",
        "4.1, 5.1",
    ),
    Finding(
        "origin-twice",
        "The request has more than one Origin",
        Severity.ERROR,
        Side.CLIENT,
        "Servers echo the first, the last, or both joined with a comma; a client that compares "
        "the answer finds a mismatch.",
        "Send Origin once.",
        "4.1",
    ),
    Finding(
        "origin-empty",
        "The request's Origin has no value",
        Severity.WARNING,
        Side.CLIENT,
        "Servers that check origins refuse; others echo an empty value, or leave the field out.",
        "Send the page's origin, or null where there is none to tell.",
        "4.1",
    ),
    Finding(
        "origin-not-lower-case",
        "The request's Origin has upper-case letters",
        Severity.WARNING,
        Side.CLIENT,
        "The draft lets clients send it in lower case; a server that compares it with a list of "
        "allowed origins may not find it, and one that converts it echoes another text.",
        "Convert scheme and host to lower case before sending and before comparing.",
        "4.1",
    ),
    Finding(
        "origin-without-scheme",
        "The request's Origin is not scheme://host",
        Severity.WARNING,
        Side.CLIENT,
        "It names no origin: a server's list of allowed origins cannot contain it.",
        "Send scheme, ://, host and a non-default port, without path; or null.",
        "4.1",
    ),
    Finding(
        "request-content-length",
        "The request announces a body with Content-Length",
        Severity.WARNING,
        Side.CLIENT,
        "The draft's request has no body: the 8 bytes of key3 are not HTTP. Servers on an HTTP "
        "library then read key3 as the request's body and never see it as key3, others read it "
        "twice.",
        "Leave Content-Length out. If an HTTP library adds it, write the request by hand.",
        "4.1",
    ),
    Finding(
        "request-transfer-encoding",
        "The request announces a Transfer-Encoding",
        Severity.WARNING,
        Side.CLIENT,
        "The draft's request has no body. If key3 is coded as a chunk, the server takes the head "
        "of the chunk for its first bytes and answers another challenge; if not, HTTP libraries "
        "wait for chunks and never hand key3 on.",
        "Leave Transfer-Encoding out, and write key3 to the raw socket.",
        "4.1",
    ),
    Finding(
        "request-names-of-75",
        "A hixie-76 request uses a field name of draft-75",
        Severity.ERROR,
        Side.CLIENT,
        "A hixie-76 server does not look at WebSocket-Protocol: it answers without a subprotocol, "
        "and the client then refuses.",
        "Send Sec-WebSocket-Protocol together with the keys.",
        "4.1",
    ),
    Finding(
        "request-names-of-76",
        "A hixie-75 request uses a field name of draft-76",
        Severity.ERROR,
        Side.CLIENT,
        "A draft-75 server does not look at it. The request has no keys: either the client mixes "
        "two drafts or something on the way has removed the keys.",
        "Send WebSocket-Protocol in draft-75; or send both keys and key3 for draft-76.",
        "draft-75 4.1",
    ),
    Finding(
        "request-rfc6455-fields",
        "A hixie request carries fields of RFC 6455 as well",
        Severity.WARNING,
        Side.CLIENT,
        "A server that knows both may choose RFC 6455: its answer has Sec-WebSocket-Accept, its "
        "frames are of the other kind, and neither side understands the other.",
        "Send the fields of one protocol only; to support both, try one connection after the "
        "other.",
        "4.1; RFC 6455 4.1",
    ),
    Finding(
        "protocol-empty",
        "A subprotocol is asked for without a name",
        Severity.ERROR,
        Side.CLIENT,
        "Servers echo an empty value or none; whichever the client compares, it may not match.",
        "Leave the field out when there is no subprotocol.",
        "4.1",
    ),
    Finding(
        "protocol-odd-characters",
        "The subprotocol asked for has characters outside U+0020 to U+007E",
        Severity.ERROR,
        Side.CLIENT,
        "Each library between the two decodes such bytes in its own way, and the echoed value "
        "does not match.",
        "Use printable ASCII in subprotocol names.",
        "4.1",
    ),
    Finding(
        "protocol-asked-twice",
        "The request asks for a subprotocol in more than one field",
        Severity.ERROR,
        Side.CLIENT,
        "Servers read the first, the last, or both joined; the client's comparison fails for the "
        "other two kinds.",
        "Send the field once, with one name.",
        "4.1",
    ),
    Finding(
        "protocol-list-asked",
        "The subprotocol asked for looks like a list",
        Severity.INFO,
        Side.CLIENT,
        "Hixie knows no lists: to client and server the whole text, commas included, is one name. "
        "A server that chooses one entry makes the client refuse.",
        "Ask for one subprotocol. The list is RFC 6455's.",
        "4.1, 5.2",
    ),
)
