"""Wrong ways to take key3, the 8 bytes of any value behind the request's head."""

from __future__ import annotations

import re

from ws76proxy.diagnosis.hypotheses import recoding
from ws76proxy.diagnosis.hypotheses.model import Asked, Hypothesis, Server

__all__ = ["HYPOTHESES"]

_WHITE_SPACE = b" \t\n\r\v\f"
_UP_TO_SPACE = bytes(range(0x21))


def _last_line(asked: Asked) -> bytes | None:
    return asked.head.rstrip(b"\r\n").rpartition(b"\n")[2] if asked.head else None


_AS_BYTES = "Take the 8 bytes behind the head as bytes: any value may occur in them."
_EIGHT_BEHIND = (
    "Take the 8 bytes right behind the blank line, CR LF CR LF, also where they come in a later "
    "segment."
)

HYPOTHESES = (
    Hypothesis(
        "digest-key3-trimmed",
        "key3 is stripped of white space at both ends",
        "key3 goes through a strip or trim function that takes tab, line feed, vertical tab, form "
        "feed, carriage return and space away.",
        _AS_BYTES,
        Server(key3=lambda asked: asked.key3.strip(_WHITE_SPACE)),
        shows="white space at an end of key3",
    ),
    Hypothesis(
        "digest-key3-trimmed-left",
        "key3 is stripped of white space at its beginning",
        "White space in front of the body is skipped, or key3 goes through a left-trim function.",
        _AS_BYTES,
        Server(key3=lambda asked: asked.key3.lstrip(_WHITE_SPACE)),
        shows="white space at the beginning of key3",
    ),
    Hypothesis(
        "digest-key3-trimmed-right",
        "key3 is stripped of white space at its end",
        "key3 goes through a right-trim function, or through one that removes line ends.",
        _AS_BYTES,
        Server(key3=lambda asked: asked.key3.rstrip(_WHITE_SPACE)),
        shows="white space at the end of key3",
    ),
    Hypothesis(
        "digest-key3-trimmed-nul",
        "key3 is stripped of white space and NUL at both ends",
        "key3 goes through a trim function that takes NUL for white space: trim of PHP, strip of "
        "Ruby.",
        _AS_BYTES,
        Server(key3=lambda asked: asked.key3.strip(_WHITE_SPACE + b"\0")),
        shows="white space or NUL at an end of key3",
    ),
    Hypothesis(
        "digest-key3-trimmed-controls",
        "key3 is stripped of all bytes up to 0x20 at both ends",
        "key3 goes through a trim function that takes each control character for white space: "
        "String.trim of Java.",
        _AS_BYTES,
        Server(key3=lambda asked: asked.key3.strip(_UP_TO_SPACE)),
        shows="a byte up to 0x20 at an end of key3",
    ),
    Hypothesis(
        "digest-key3-cut-at-nul",
        "key3 ends at its first NUL",
        "key3 is a C string, and its length is taken with strlen.",
        _AS_BYTES + " Hash 8 bytes, whatever strlen says.",
        Server(key3=lambda asked: recoding.until_nul(asked.key3)),
        shows="a NUL in key3",
    ),
    Hypothesis(
        "digest-key3-zeros-after-nul",
        "What follows a NUL in key3 is zero",
        "key3 is copied into a buffer of 8 bytes with strcpy or strncpy, which stop at NUL.",
        _AS_BYTES + " Copy with memcpy.",
        Server(key3=lambda asked: recoding.until_nul(asked.key3).ljust(8, b"\0")),
        shows="a NUL in key3",
    ),
    Hypothesis(
        "digest-key3-cut-at-line-end",
        "key3 ends at its first CR or LF",
        "key3 is read with a function that reads a line.",
        _AS_BYTES + " Read 8 bytes, not a line.",
        Server(key3=lambda asked: re.split(rb"[\r\n]", asked.key3, maxsplit=1)[0]),
        shows="a CR or LF in key3",
    ),
    Hypothesis(
        "digest-key3-utf8",
        "key3 is hashed as UTF-8 text",
        "key3 is decoded to a text string, one character for each byte (Latin-1, a binary string), "
        "and those from 0x80 on become two bytes where the string is encoded.",
        _AS_BYTES,
        Server(key3=lambda asked: recoding.as_utf8(asked.key3)),
        shows="a byte from 0x80 on in key3",
    ),
    Hypothesis(
        "digest-key3-utf8-replaced",
        "key3 is decoded as UTF-8, and its bad sequences are replaced by U+FFFD",
        "key3 is made a text string on the way: a default encoding of a stream or a string, which "
        "random bytes do not survive.",
        _AS_BYTES,
        Server(key3=lambda asked: recoding.replaced(asked.key3)),
        shows="a sequence in key3 that is not UTF-8",
    ),
    Hypothesis(
        "digest-key3-question-marks",
        "Bytes of key3 from 0x80 on become question marks",
        "key3 is made a text string and encoded as ASCII, with a replacement for what has no place "
        "in it.",
        _AS_BYTES,
        Server(key3=lambda asked: recoding.question_marks(asked.key3)),
        shows="a byte from 0x80 on in key3",
    ),
    Hypothesis(
        "digest-key3-ascii-only",
        "Bytes of key3 from 0x80 on are dropped",
        "key3 is decoded as ASCII, and errors are ignored.",
        _AS_BYTES,
        Server(key3=lambda asked: recoding.only_ascii(asked.key3)),
        shows="a byte from 0x80 on in key3",
    ),
    Hypothesis(
        "digest-key3-zeros",
        "8 zero bytes are hashed in place of key3",
        "The buffer for key3 is hashed before anything was read into it.",
        _EIGHT_BEHIND,
        Server(key3=lambda _: bytes(8)),
    ),
    Hypothesis(
        "digest-key3-missing",
        "Nothing is hashed in place of key3",
        "The body of the request is empty for an HTTP library: a GET without Content-Length has "
        "none. Or key3 was not there yet, and nobody waited.",
        _EIGHT_BEHIND,
        Server(key3=lambda _: b""),
    ),
    Hypothesis(
        "digest-key3-two-early",
        "key3 is taken 2 bytes too early, with the last line end of the head",
        "The offset of the body is that of the blank line, and not of what follows it.",
        _EIGHT_BEHIND,
        Server(key3=lambda asked: (b"\r\n" + asked.key3)[:8]),
    ),
    Hypothesis(
        "digest-key3-four-early",
        "key3 is taken 4 bytes too early, with the line ends of the head",
        "The place where CR LF CR LF was found is taken for the place behind it.",
        _EIGHT_BEHIND,
        Server(key3=lambda asked: (b"\r\n\r\n" + asked.key3)[:8]),
    ),
    Hypothesis(
        "digest-key3-end-of-head",
        "The last 8 bytes of the head are hashed in place of key3",
        "key3 is taken from the end of a buffer that holds the head only, because key3 came in a "
        "later segment, or was cut off.",
        _EIGHT_BEHIND,
        Server(key3=lambda asked: asked.head[-8:] or None),
    ),
    Hypothesis(
        "digest-key3-last-line",
        "The last line of the head is hashed in place of key3",
        "The request is split into lines, and the last one that is not empty is taken for key3.",
        _EIGHT_BEHIND,
        Server(key3=_last_line),
    ),
    Hypothesis(
        "digest-key3-next-bytes",
        "The 8 bytes behind key3 are hashed in its place",
        "key3 is read from the socket while it lies in the buffer of the HTTP parser already: what "
        "is read are the client's first frames.",
        "Take from the HTTP parser what it has read behind the head before you read on.",
        Server(key3=lambda asked: asked.behind[:8] if len(asked.behind) >= 8 else None),
    ),
)
