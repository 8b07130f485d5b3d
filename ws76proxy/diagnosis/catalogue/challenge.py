"""Findings about keys, key3 and the digest, whether they are wrong or never came."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "keys-well-formed",
        "Both keys are as a client makes them",
        Severity.GOOD,
        Side.CLIENT,
        "The server can divide both key-numbers.",
        "Nothing.",
        "4.1, 5.2",
    ),
    Finding(
        "key-missing",
        "One of the two keys is missing",
        Severity.ERROR,
        Side.CLIENT,
        "There is no challenge without both: servers abort, or take the client for one of "
        "draft-75 and then misread key3 as frames.",
        "Send Sec-WebSocket-Key1 and Sec-WebSocket-Key2; see whether a proxy drops fields that it "
        "does not know.",
        "4.1, 5.1",
    ),
    Finding(
        "key-twice",
        "A key is given more than once",
        Severity.ERROR,
        Side.CLIENT,
        "Servers use the first, the last, or both joined with a comma, which makes a different "
        "number: the digest is then wrong for the client.",
        "Send each key once.",
        "4.1",
    ),
    Finding(
        "key-no-digits",
        "A key has no digits",
        Severity.ERROR,
        Side.CLIENT,
        "There is no number in it: the draft's server aborts; lax ones compute with 0.",
        "Put the decimal digits of number times spaces into the key.",
        "4.1, 5.2",
    ),
    Finding(
        "key-no-spaces",
        "A key has no spaces",
        Severity.ERROR,
        Side.BETWEEN,
        "The server aborts: the draft sees a sign of a cross-protocol attack in it, and a lax "
        "server divides by zero. A client that did send spaces has an intermediary that removed "
        "them.",
        "Put 1 to 12 spaces inside the key; send the field through nothing that trims or folds "
        "white space.",
        "5.2",
    ),
    Finding(
        "key-number-too-large",
        "A key's number is above 4294967295",
        Severity.ERROR,
        Side.CLIENT,
        "The draft's server aborts. Others cut the number to 32 bits, or fail with an exception.",
        "Choose number at most 4294967295 divided by the count of spaces, rounded down.",
        "4.1, 5.2",
    ),
    Finding(
        "key-not-divisible",
        "A key's number is not a multiple of its count of spaces",
        Severity.ERROR,
        Side.CLIENT,
        "The draft's server aborts; many round down instead and answer, and the client's own "
        "number may be another. Often an intermediary has added or removed a space.",
        "Write number times spaces into the key, and keep its spaces as they are on the way.",
        "5.2",
    ),
    Finding(
        "key-leading-space",
        "A key begins with a space",
        Severity.WARNING,
        Side.CLIENT,
        "Early Chrome sent it. HTTP lets everyone on the way trim it, and nearly every server "
        "does: the count of spaces is then another one, and the digest wrong, without a word in "
        "the browser's console.",
        "Put spaces at neither end of the key.",
        "4.1",
    ),
    Finding(
        "key-trailing-space",
        "A key ends with a space",
        Severity.WARNING,
        Side.CLIENT,
        "HTTP lets everyone on the way trim it, and some servers count it where most do not: the "
        "digest differs accordingly, without a word in the browser's console.",
        "Put spaces at neither end of the key.",
        "4.1",
    ),
    Finding(
        "key-too-many-spaces",
        "A key has more than 12 spaces",
        Severity.WARNING,
        Side.CLIENT,
        "Servers divide all the same; no client made from the draft sends it.",
        "Use 1 to 12 spaces.",
        "4.1",
    ),
    Finding(
        "key-odd-characters",
        "A key has characters that the draft does not use",
        Severity.WARNING,
        Side.CLIENT,
        "Control characters are cut or refused by HTTP stacks, tabs are counted as spaces by some "
        "servers, and other bytes are decoded differently by each.",
        "Fill keys from U+0021 to U+002F and U+003A to U+007E, with U+0020 as the only white "
        "space.",
        "4.1",
    ),
    Finding(
        "digest-verified",
        "The digest is the answer to this challenge",
        Severity.GOOD,
        Side.SERVER,
        "The client accepts the server.",
        "Nothing.",
        "4.1, 5.2",
    ),
    Finding(
        "digest-wrong",
        "The digest does not answer this challenge",
        Severity.ERROR,
        Side.SERVER,
        "The client closes at once. WebKit prints nothing whatever about it: the page sees a "
        "close event and no reason.",
        "Send MD5, 16 raw bytes, over part 1 and part 2 as 32-bit big-endian integers followed by "
        "the 8 bytes of key3 as they came; a part is the number made of the key's digits, divided "
        "by its count of U+0020.",
        "5.2",
    ),
    Finding(
        "faulty-keys-accepted",
        "The server answers 101 to keys that have no answer",
        Severity.ERROR,
        Side.SERVER,
        "Whatever the 16 bytes are, they prove nothing: the check against cross-protocol attacks "
        "is gone, and a client may compute another value.",
        "Close the connection when a key is missing, has no digits or no space, exceeds "
        "4294967295, or is not a multiple of its spaces.",
        "5.2",
    ),
    Finding(
        "faulty-keys-refused",
        "The server refuses keys that have no answer",
        Severity.GOOD,
        Side.SERVER,
        "The client gets no session, as the draft wants it; the fault is in the request.",
        "Nothing in the server.",
        "5.2",
    ),
    Finding(
        "frames-before-digest",
        "Frames come where the digest should be",
        Severity.ERROR,
        Side.SERVER,
        "The client takes the first 16 bytes behind the head for the digest and closes without a "
        "word.",
        "Send the digest before the first message: call the application's open handler only after "
        "it. A server that sends no digest at all speaks draft-75, and must choose by the keys.",
        "5.2",
    ),
    Finding(
        "bytes-before-digest",
        "Something stands between the server's head and its digest",
        Severity.ERROR,
        Side.SERVER,
        "The digest is right, but the client takes the first 16 bytes behind the head for it and "
        "closes without a word.",
        "Send the digest right behind the blank line. A byte order mark, a line end, or fields "
        "behind a blank line too many are what gets in between.",
        "5.2",
    ),
    Finding(
        "request-incomplete",
        "The request's head never ended",
        Severity.ERROR,
        Side.CLIENT,
        "The server waits for the blank line until its patience ends.",
        "End the head with an empty line, CR LF CR LF.",
        "4.1",
    ),
    Finding(
        "key3-missing",
        "The 8 bytes after the request's head never came",
        Severity.ERROR,
        Side.BETWEEN,
        "The server waits for them, the client for the digest: both hang until one gives up. "
        "To HTTP a GET without Content-Length has no body, so an HTTP library or proxy on the way "
        "keeps or drops these bytes.",
        "Write 8 bytes right after the blank line and flush them; forward the connection as bytes "
        "from the upgrade on, not as HTTP.",
        "4.1, 5.1",
    ),
    Finding(
        "key3-short",
        "Fewer than 8 bytes came after the request's head",
        Severity.ERROR,
        Side.BETWEEN,
        "The server waits for the rest. Any byte may occur in key3: CR or LF at its beginning are "
        "eaten by parsers that skip empty lines, text handling drops NUL or 0x80 to 0xFF.",
        "Write and forward exactly 8 bytes, untouched.",
        "4.1, 5.1",
    ),
    Finding(
        "key3-trimmed",
        "One or two bytes of key3 were trimmed on the way",
        Severity.ERROR,
        Side.BETWEEN,
        "One handshake in 128 hangs, and all others work: those whose key3 begins with CR or LF. "
        "Parsers of HTTP skip empty lines in front of what they take for the next request, and "
        "text functions trim white space at the end as well.",
        "Forward the connection as bytes from the upgrade on. If the client itself makes key3 from "
        "text, let it write 8 raw bytes.",
        "4.1, 5.1",
    ),
    Finding(
        "key3-line-end-eaten",
        "key3 begins with a line end, and the server is still waiting",
        Severity.WARNING,
        Side.BETWEEN,
        "One handshake in 128 hangs, and all others work: something between here and the server, "
        "or the server's own HTTP parser, skips CR and LF behind the head as empty lines, and the "
        "server waits for bytes of key3 that are gone.",
        "See whether handshakes without CR or LF at the beginning of key3 work; then have key3 "
        "read as 8 bytes, whatever they are.",
        "5.1",
    ),
    Finding(
        "response-missing",
        "The server never answered the opening handshake",
        Severity.ERROR,
        Side.SERVER,
        "The browser waits, then reports a failed connection without reason. Servers do this when "
        "an exception ends the handshake, or when they wait for bytes that had come with the head.",
        "Answer each complete request, if only with 400; read key3 from what the HTTP parser has "
        "already buffered before reading from the socket.",
        "5.2",
    ),
    Finding(
        "response-incomplete",
        "The server's head never ended",
        Severity.ERROR,
        Side.SERVER,
        "The client waits for the blank line, then reports a failed connection without reason.",
        "End the head with an empty line, CR LF CR LF, and flush; see the server's log for an "
        "exception in the middle of its answer.",
        "5.2",
    ),
    Finding(
        "response-not-http",
        "The server answers with something that is not HTTP",
        Severity.ERROR,
        Side.SERVER,
        "The client waits for a line end, finds no status line and fails. Another service listens "
        "at this port, or the server sends frames without a handshake.",
        "Check host and port of the server.",
        "4.1, 5.2",
    ),
    Finding(
        "response-tls",
        "The server answers in TLS to a plain request",
        Severity.ERROR,
        Side.SERVER,
        "The port speaks TLS only: it takes the request for a broken TLS handshake, and the client "
        "fails the connection.",
        "Use wss for this port, in the page or as the address of the server here; or the server's "
        "plain port.",
        "4.1",
    ),
    Finding(
        "digest-missing",
        "The server sent its head but no digest",
        Severity.ERROR,
        Side.SERVER,
        "The client has seen a correct head and waits for 16 bytes more: the socket stays in "
        "CONNECTING. Typical where the server knows draft-75 only, or waits for a key3 that it "
        "has read as the request's body.",
        "Send the 16 bytes of the digest right after the blank line, and flush.",
        "5.2",
    ),
    Finding(
        "digest-short",
        "Fewer than 16 bytes came after the server's head",
        Severity.ERROR,
        Side.SERVER,
        "The client waits for the rest of the digest.",
        "Send all 16 bytes. String functions stop at NUL, and text encodings drop or change bytes "
        "from 0x80 on: treat the digest as bytes.",
        "5.2",
    ),
    Finding(
        "client-left-early",
        "The client closed before the handshake was done",
        Severity.WARNING,
        Side.CLIENT,
        "There is no session. A page that is left does this, and so does a client that finds a "
        "fault in the answer's head, or has waited too long.",
        "See the findings before this one; without any, see how long the server took.",
        "4.1",
    ),
)
