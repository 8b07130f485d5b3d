"""Wrong ways to send a digest that is right."""

from __future__ import annotations

import base64

from ws76proxy.diagnosis.hypotheses import recoding
from ws76proxy.diagnosis.hypotheses.model import Hypothesis, Server

__all__ = ["HYPOTHESES"]


def _words_reversed(digest: bytes) -> bytes:
    return b"".join([digest[place : place + 4][::-1] for place in range(0, len(digest), 4)])


_RAW = "Send the 16 raw bytes of the digest, not a text that stands for them."
_WRITE_BYTES = (
    "Write the 16 bytes with a function for bytes, or with an encoding that leaves all 256 values "
    "as they are."
)

HYPOTHESES = (
    Hypothesis(
        "digest-hex",
        "The digest is sent as 32 hexadecimal digits",
        "The hash function's usual text form is sent: hexdigest of Python, md5 of PHP.",
        _RAW,
        Server(send=lambda digest: digest.hex().encode()),
    ),
    Hypothesis(
        "digest-hex-half",
        "The first 16 hexadecimal digits of the digest are sent",
        "The hash function's usual text form is cut to the size of the digest.",
        _RAW,
        Server(send=lambda digest: digest.hex().encode()[:16]),
    ),
    Hypothesis(
        "digest-hex-capitals",
        "The digest is sent as 32 hexadecimal digits in capitals",
        "The hash function's text form is sent, or a format for capitals is used.",
        _RAW,
        Server(send=lambda digest: digest.hex().upper().encode()),
    ),
    Hypothesis(
        "digest-base64",
        "The digest is sent as base64",
        "The digest is encoded as that of RFC 6455 is.",
        _RAW,
        Server(send=base64.b64encode),
    ),
    Hypothesis(
        "digest-sent-as-utf8",
        "The digest is sent as UTF-8 text",
        "The digest is a text string, one character for each byte, and the socket encodes it: "
        "bytes from 0x80 on become two, and what does not fit into 16 bytes is taken for frames.",
        _WRITE_BYTES,
        Server(send=recoding.as_utf8),
    ),
    Hypothesis(
        "digest-sent-replaced",
        "The digest is decoded as UTF-8, and its bad sequences are replaced by U+FFFD",
        "The digest is made a text string with a default encoding, which it does not survive.",
        _WRITE_BYTES,
        Server(send=recoding.replaced),
    ),
    Hypothesis(
        "digest-sent-with-question-marks",
        "Bytes of the digest from 0x80 on are sent as question marks",
        "The digest is a text string, and is written as ASCII: a writer of Java or .NET with that "
        "encoding.",
        _WRITE_BYTES,
        Server(send=recoding.question_marks),
    ),
    Hypothesis(
        "digest-sent-until-nul",
        "The digest is sent up to its first NUL",
        "The digest is sent as a C string, with a format for text or strlen for its length; what "
        "follows it is taken for the rest.",
        "Send 16 bytes, whatever strlen says.",
        Server(send=recoding.until_nul),
        shows="a NUL in the digest",
    ),
    Hypothesis(
        "digest-words-reversed",
        "The digest is sent with the bytes of each 32-bit word reversed",
        "MD5 ends with four integers, and they are written most significant byte first: a library "
        "made for the other byte order.",
        "Write the four words of MD5 least significant byte first, whatever the machine's order.",
        Server(send=_words_reversed),
    ),
    Hypothesis(
        "digest-behind-line-end",
        "A line end comes before the digest",
        "One CR LF too many ends the head: joined lines and a printing function each add theirs.",
        "End the head with CR LF CR LF, and send the digest right behind it.",
        Server(send=lambda digest: b"\r\n" + digest),
    ),
    Hypothesis(
        "digest-chunked",
        "The digest is sent as a chunk of HTTP",
        "An HTTP library or a proxy sends the digest as the body of the answer, in chunked coding: "
        "its size as a line, then the bytes, then a line end.",
        "Write to the connection itself behind the head; have the proxy forward bytes after 101.",
        Server(send=lambda digest: b"%x\r\n%b\r\n" % (len(digest), digest)),
    ),
)
