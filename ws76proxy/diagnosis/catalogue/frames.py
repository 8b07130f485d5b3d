"""Findings about the frames after the opening handshake."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "text-not-utf8",
        "A text message is not UTF-8",
        Severity.ERROR,
        Side.SENDER,
        "The text is damaged, and nobody says so: the draft wants U+FFFD in place of the bad "
        "bytes, QtWebKit hands its page an empty message. Servers replace, drop or echo them, or "
        "close.",
        "Encode text as UTF-8 before framing it. Binary data needs a text form such as base64: "
        "hixie has no binary messages.",
        "4.3, 5.4",
    ),
    Finding(
        "text-with-nul",
        "A message has U+0000 in it",
        Severity.INFO,
        Side.SENDER,
        "The draft allows it. A receiver that keeps text as a C string cuts the message there, and "
        "one that looks for 0x00 as a beginning makes two of it.",
        "Nothing, if the other side gets the whole text; otherwise leave U+0000 out, or escape it.",
        "4.2, 5.3",
    ),
    Finding(
        "frame-unfinished",
        "The stream ends inside a frame",
        Severity.ERROR,
        Side.SENDER,
        "The receiver never sees this message. A text frame without its 0xFF, or a length larger "
        "than what followed, is the cause where the sender believes that it had sent all.",
        "End each text frame with 0xFF, and flush before closing.",
        "4.2, 5.3",
    ),
    Finding(
        "length-frame-discarded",
        "A frame with a length: every receiver throws it away",
        Severity.WARNING,
        Side.SENDER,
        "Its payload is lost: the draft keeps these types for later and lets both sides skip "
        "them. Some servers close instead, or answer in HTTP.",
        "Send text frames, 0x00 to 0xFF; encode binary data as text.",
        "4.2, 5.3",
    ),
    Finding(
        "length-not-minimal",
        "A frame's length has leading 0x80 bytes",
        Severity.INFO,
        Side.SENDER,
        "The draft's receivers cope; they add nothing to the value. Not every decoder has been "
        "tried with it.",
        "Encode lengths without leading zero groups.",
        "4.2, 5.3",
    ),
    Finding(
        "length-absurd",
        "A frame's length is beyond any stream",
        Severity.ERROR,
        Side.SENDER,
        "The receiver skips bytes for ever, or its integer overflows: nothing after this can be "
        "read. Usually the stream had lost its step before.",
        "Look for the place where the frames go out of step; a length is base 128, most "
        "significant group first, high bit set on all but the last byte.",
        "4.2, 5.3",
    ),
    Finding(
        "unknown-frame-type",
        "A frame of a type from 0x01 to 0x7F: every receiver throws it away",
        Severity.WARNING,
        Side.SENDER,
        "Its payload is lost up to the next 0xFF. Mostly the sender has lost its step: a byte too "
        "many stands before 0x00.",
        "Begin each text frame with 0x00, and send nothing between 0xFF and 0x00.",
        "4.2, 5.3",
    ),
    Finding(
        "rfc6455-frame",
        "A frame that looks like RFC 6455's",
        Severity.ERROR,
        Side.SENDER,
        "One side has switched dialect: 0x81 and 0x82 are messages, 0x88 a close, 0x89 and 0x8A "
        "ping and pong there, while a hixie receiver reads a length and throws the payload away, "
        "or loses its step.",
        "Frame according to the handshake: after Key1, Key2 and a digest, text is 0x00 to 0xFF.",
        "4.2, 5.3; RFC 6455 5.2",
    ),
    Finding(
        "http-in-frames",
        "HTTP where frames should be",
        Severity.ERROR,
        Side.SENDER,
        "The receiver reads it as frames of unknown types. A web server's error page, or a second "
        "answer on the same connection, is what servers leave here after an exception.",
        "See the server's log at this time; a WebSocket handler must not return a response after "
        "its 101.",
        "5.3",
    ),
    Finding(
        "line-end-in-frames",
        "A line end stands between frames",
        Severity.ERROR,
        Side.SENDER,
        "The receiver takes CR or LF for a frame's type and throws away what follows up to the "
        "next 0xFF: the next message is lost.",
        "Send exactly 16 bytes of digest, or 8 of key3, and write frames without a line-based "
        "print function.",
        "4.2, 5.3",
    ),
    Finding(
        "line-end-behind-handshake",
        "A line end too many stands behind the opening handshake",
        Severity.ERROR,
        Side.SENDER,
        "The first message is lost: the receiver takes CR or LF for a frame's type and throws away "
        "what follows up to the next 0xFF. Later messages arrive, which makes it hard to find.",
        "Send exactly 16 bytes of digest, or 8 of key3, and nothing behind them: use a function "
        "that writes bytes, not one that prints a line.",
        "4.1, 5.2",
    ),
    Finding(
        "closed-twice",
        "FF 00 is sent twice",
        Severity.WARNING,
        Side.SENDER,
        "The receiver has stopped reading frames, or closes TCP with bytes unread, which resets "
        "the connection.",
        "Remember that the closing handshake has been sent; an answer to FF 00 is due only once.",
        "6",
    ),
    Finding(
        "data-after-close",
        "Data follows FF 00",
        Severity.ERROR,
        Side.SENDER,
        "A receiver made from the draft ignores it: these messages are lost. QtWebKit, to which "
        "FF 00 means nothing, hands them to its page.",
        "Send what is queued before FF 00, and nothing after it.",
        "6",
    ),
    Finding(
        "close-reversed",
        "The last thing sent is 00 FF: a closing handshake with its bytes reversed",
        Severity.WARNING,
        Side.SENDER,
        "00 FF is an empty message: the other side delivers it, learns nothing about the close, "
        "and finds the connection broken.",
        "Send FF 00: the type 0xFF and then a length of 0.",
        "4.2, 5.3, 6",
    ),
    Finding(
        "data-before-close-answer",
        "FF 00 is answered only after more messages",
        Severity.INFO,
        Side.SENDER,
        "Whoever has sent FF 00 delivers nothing more to its application: these messages are lost. "
        "It cannot be helped where they were on their way already.",
        "Answer FF 00 as soon as it comes, and drop what is queued.",
        "4.2, 5.3, 6",
    ),
    Finding(
        "closing-handshake-in-75",
        "FF 00 in a hixie-75 session",
        Severity.INFO,
        Side.SENDER,
        "Draft-75 has no closing handshake: the receiver skips it as an empty frame and will not "
        "answer.",
        "Close TCP in draft-75.",
        "draft-75 4.2",
    ),
    Finding(
        "message-too-large",
        "A frame is above the limit for messages",
        Severity.WARNING,
        Side.SENDER,
        "It is passed on but not decoded. Many servers of the time fail from about 10 MiB on.",
        "Send smaller messages, or raise the limit.",
        "4.2, 5.3",
    ),
    Finding(
        "repeated",
        "A finding goes on repeating in this direction",
        Severity.INFO,
        Side.SENDER,
        "Further cases are counted only, and the count is told when the stream ends.",
        "See the first cases.",
        "4.2, 5.3",
    ),
)
