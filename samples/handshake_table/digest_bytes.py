"""Samples of digests of wrong bytes, by a wrong hash, or sent wrongly; computed here."""

from __future__ import annotations

import base64
import struct

from handshake_table.base import CAFE, CLIENT, DIGEST, KEY1, KEY3, SEEN, Sample
from handshake_table.digest_base import (
    GUID,
    LATIN1,
    LATIN1_AS_UTF8,
    PART1,
    PART2,
    PART2_AS_UTF8,
    U_FFFD,
    asked,
    md5,
    packed,
    sha1,
    wrong,
)

__all__ = ["KEY3_FOR_NUL", "NUL_DIGEST", "WRONG_BYTES"]


def about_key3(title: str, key3: bytes, hashed: bytes, *codes: str) -> Sample:
    """A correct digest, if key3 were this."""
    return wrong(title, md5(PART1, PART2, hashed), *codes, request=asked(key3=key3))


KEY3S = {
    "digest-key3-trimmed": about_key3(
        "A space and a line feed are stripped; the NUL and the 0x01 beside them remain",
        b" \0:ds[\x01\n",
        b"\0:ds[\x01",
        "digest-key3-trimmed",
    ),
    "digest-key3-trimmed-left": about_key3(
        "A space is stripped, a line feed at the end is not",
        b" n:ds[4\n",
        b"n:ds[4\n",
        "digest-key3-trimmed-left",
    ),
    "digest-key3-trimmed-right": about_key3(
        "A tab is stripped, a space at the beginning is not",
        b" n:ds[4\t",
        b" n:ds[4",
        "digest-key3-trimmed-right",
    ),
    "digest-key3-trimmed-nul": about_key3(
        "A NUL is stripped, the 0x01 behind it is not",
        b"\0\x01:ds[4U",
        b"\x01:ds[4U",
        "digest-key3-trimmed-nul",
    ),
    "digest-key3-trimmed-controls": about_key3(
        "A NUL and a 0x01 are stripped",
        b"\0\x01:ds[4U",
        b":ds[4U",
        "digest-key3-trimmed-controls",
    ),
    "digest-key3-trimmed-ambiguous": about_key3(
        "A line feed at the end is stripped: what else would be, does not show",
        b"^n:ds[4\n",
        b"^n:ds[4",
        "digest-key3-trimmed",
        "digest-key3-trimmed-right",
        "digest-key3-trimmed-nul",
        "digest-key3-trimmed-controls",
        "digest-key3-cut-at-line-end",
    ),
    "digest-key3-cut-at-nul": wrong(
        "Cut at the NUL in key3, and not at those of part 1",
        md5(packed(123), PART2, b"^n:"),
        "digest-key3-cut-at-nul",
        request=asked(key1=b"1 2x3", key3=b"^n:\0s[4U"),
    ),
    "digest-key3-zeros-after-nul": about_key3(
        "Five zero bytes in place of a NUL and what follows",
        b"^n:\0s[4U",
        b"^n:\0\0\0\0\0",
        "digest-key3-zeros-after-nul",
    ),
    "digest-key3-cut-at-line-end": about_key3(
        "Three bytes before CR LF", b"^n:\r\n[4U", b"^n:", "digest-key3-cut-at-line-end"
    ),
    "digest-key3-utf8": about_key3(
        "0x8A and 0xE9 in key3 become two bytes each, 0xD6 in part 2 remains",
        LATIN1,
        LATIN1_AS_UTF8,
        "digest-key3-utf8",
    ),
    "digest-key3-utf8-replaced": about_key3(
        "0x8A and 0xE9 in key3 become U+FFFD",
        LATIN1,
        U_FFFD + b"n:" + U_FFFD + b"s[4U",
        "digest-key3-utf8-replaced",
    ),
    "digest-key3-question-marks": about_key3(
        "0x8A and 0xE9 in key3 become question marks",
        LATIN1,
        b"?n:?s[4U",
        "digest-key3-question-marks",
    ),
    "digest-key3-ascii-only": about_key3(
        "0x8A and 0xE9 in key3 are left out", LATIN1, b"n:s[4U", "digest-key3-ascii-only"
    ),
    "digest-key3-zeros": about_key3("8 zero bytes", KEY3, b"\0\0\0\0\0\0\0\0", "digest-key3-zeros"),
    "digest-key3-missing": about_key3("No key3", KEY3, b"", "digest-key3-missing"),
    "digest-key3-two-early": about_key3(
        "CR LF and the first 6 bytes", KEY3, b"\r\n^n:ds[", "digest-key3-two-early"
    ),
    "digest-key3-four-early": about_key3(
        "CR LF CR LF and the first 4 bytes", KEY3, b"\r\n\r\n^n:d", "digest-key3-four-early"
    ),
    "digest-key3-end-of-head": about_key3(
        "The end of the request's head", KEY3, b".com\r\n\r\n", "digest-key3-end-of-head"
    ),
    "digest-key3-last-line": about_key3(
        "The last field of the request",
        KEY3,
        b"Origin: http://example.com",
        "digest-key3-last-line",
    ),
    "digest-key3-next-bytes": wrong(
        "The message that the client sent too early",
        md5(PART1, PART2, b"\x00hello!\xff"),
        "digest-key3-next-bytes",
        request=CLIENT + b"\x00hello!\xff",
    ),
}

LATIN1_DIGEST = md5(PART1, PART2, LATIN1)
# Its digest is 5a ae fe de c3 b8 46 48 59 00 7b 7b 58 b4 a9 ae.
KEY3_FOR_NUL = b"^n:ds00D"
NUL_DIGEST = md5(PART1, PART2, KEY3_FOR_NUL)

HASHES = {
    "digest-of-text": wrong(
        "0xD6, 0x8A and 0xE9 become two bytes each: npm ws 0.4 on Node.js 6 and later",
        md5(PART1, PART2_AS_UTF8, LATIN1_AS_UTF8),
        "digest-of-text",
        request=asked(key3=LATIN1),
        source=SEEN,
    ),
    "digest-of-text-ambiguous": wrong(
        "0xD6 in part 2 becomes two bytes: key3 would show whether only the parts are text",
        md5(PART1, PART2_AS_UTF8, KEY3),
        "digest-of-text",
        "digest-parts-utf8",
    ),
    "digest-of-text-replaced": wrong(
        "0xD6, 0x8A and 0xE9 become U+FFFD",
        md5(PART1, b"\x0f~", U_FFFD, b"<", U_FFFD, b"n:", U_FFFD, b"s[4U"),
        "digest-of-text-replaced",
        request=asked(key3=LATIN1),
    ),
    "digest-of-question-marks": wrong(
        "0xD6, 0x8A and 0xE9 become question marks",
        md5(PART1, b"\x0f~?<", b"?n:?s[4U"),
        "digest-of-question-marks",
        request=asked(key3=LATIN1),
    ),
    "digest-cut-challenge": wrong(
        "Part 1 is 31 6e 00 13, and the NUL ends it all",
        md5(b"\x31\x6e"),
        "digest-cut-challenge",
        request=asked(key1=b"8292 92563x"),
    ),
    "digest-of-17-bytes": wrong(
        "With the NUL that ends a C string", md5(PART1, PART2, KEY3, b"\0"), "digest-of-17-bytes"
    ),
    "digest-by-sha1": wrong(
        "SHA-1 without its last 4 bytes", sha1(PART1, PART2, KEY3)[:16], "digest-by-sha1"
    ),
    "digest-not-hashed": wrong("The challenge", PART1 + PART2 + KEY3, "digest-not-hashed"),
    "digest-zeros": wrong("16 zero bytes", bytes(16), "digest-zeros"),
    "digest-rfc6455-accept": wrong(
        "What RFC 6455 has for the first key",
        base64.b64encode(sha1(KEY1, GUID)),
        "digest-rfc6455-accept",
        "frame-unfinished",
    ),
    "digest-rfc6455-accept-of-nothing": wrong(
        "What RFC 6455 has for an empty key",
        b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=",
        "digest-rfc6455-accept-of-nothing",
        "frame-unfinished",
    ),
}

SENT = {
    "digest-hex": wrong("32 digits", DIGEST.hex().encode(), "digest-hex", "frame-unfinished"),
    "digest-hex-half": wrong(
        "16 digits, and then a message", DIGEST.hex().encode()[:16] + CAFE, "digest-hex-half"
    ),
    "digest-hex-ambiguous": wrong(
        "16 digits, and then nothing yet",
        DIGEST.hex().encode()[:16],
        "digest-hex",
        "digest-hex-half",
    ),
    "digest-hex-capitals": wrong(
        "32 digits in capitals",
        DIGEST.hex().upper().encode(),
        "digest-hex-capitals",
        "frame-unfinished",
    ),
    "digest-base64": wrong(
        "24 characters", base64.b64encode(DIGEST), "digest-base64", "frame-unfinished"
    ),
    "digest-sent-as-utf8": wrong(
        "Bytes from 0x80 on become two",
        b"".join(
            bytes([byte]) if byte < 0x80 else bytes([0xC0 | byte >> 6, 0x80 | byte & 0x3F])
            for byte in LATIN1_DIGEST
        ),
        "digest-sent-as-utf8",
        "frame-unfinished",
        request=asked(key3=LATIN1),
    ),
    "digest-sent-replaced": wrong(
        "Bytes that are not UTF-8 become U+FFFD",
        LATIN1_DIGEST.decode("utf-8", "replace").encode(),
        "digest-sent-replaced",
        "length-absurd",
        request=asked(key3=LATIN1),
    ),
    "digest-sent-with-question-marks": wrong(
        "Bytes from 0x80 on become question marks",
        bytes(byte if byte < 0x80 else 0x3F for byte in LATIN1_DIGEST),
        "digest-sent-with-question-marks",
        request=asked(key3=LATIN1),
    ),
    "digest-sent-until-nul": wrong(
        "The digest ends at its first NUL, and a message makes it look whole",
        NUL_DIGEST[: NUL_DIGEST.index(0)] + b"\x00whoever is there\xff",
        "digest-sent-until-nul",
        "unknown-frame-type",
        request=asked(key3=KEY3_FOR_NUL),
    ),
    "digest-words-reversed": wrong(
        "Four words in the other byte order",
        struct.pack("<4I", *struct.unpack(">4I", DIGEST)),
        "digest-words-reversed",
    ),
    "digest-behind-line-end": wrong(
        "An empty line too many", b"\r\n" + DIGEST, "digest-behind-line-end", "frame-unfinished"
    ),
}

WRONG_BYTES = {**KEY3S, **HASHES, **SENT}
