"""Wrong ways from both parts and key3 to the digest: their order, their bytes, the hash."""

from __future__ import annotations

import base64
import hashlib

from ws76proxy.diagnosis.hypotheses import recoding
from ws76proxy.diagnosis.hypotheses.model import Asked, Hypothesis, Server, undivided, unread

__all__ = ["HYPOTHESES"]

_RFC6455_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _as_in_the_head(asked: Asked, part1: bytes, part2: bytes, key3: bytes) -> bytes | None:
    if not asked.head:
        return None
    names = asked.head.lower()
    is_second_first = names.find(b"\nsec-websocket-key2") < names.find(b"\nsec-websocket-key1")
    return part2 + part1 + key3 if is_second_first else part1 + part2 + key3


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


_ORDER = (
    "Hash part 1, then part 2, then key3: 16 bytes. The names of the fields number the parts, not "
    "their order in the request."
)
_HASH_BYTES = (
    "Put the 16 bytes into a byte array or a buffer, and hash that: no text string on the way."
)
_MD5 = "Send MD5 of the 16 bytes, as 16 raw bytes."
_OTHER_PROTOCOL = (
    "A client that sends Sec-WebSocket-Key1 and -Key2 speaks hixie-76: answer it with MD5 over "
    "both parts and key3, behind the head."
)

HYPOTHESES = (
    Hypothesis(
        "digest-keys-swapped",
        "The parts are hashed in the wrong order, part 2 first",
        "The variables of both keys are exchanged where they are read or where they are joined.",
        _ORDER,
        Server(order=lambda _, part1, part2, key3: part2 + part1 + key3),
    ),
    Hypothesis(
        "digest-keys-as-in-head",
        "The parts are hashed in the order of their fields in the request",
        "The keys are gathered while the fields are read, which clients send in any order.",
        _ORDER,
        Server(order=_as_in_the_head),
        shows="Sec-WebSocket-Key2 before Sec-WebSocket-Key1 in the request",
    ),
    Hypothesis(
        "digest-key3-first",
        "key3 is hashed before the parts",
        "What is hashed is joined in the order key3, part 1, part 2.",
        _ORDER,
        Server(order=lambda _, part1, part2, key3: key3 + part1 + part2),
    ),
    Hypothesis(
        "digest-key1-twice",
        "Part 1 is hashed in place of part 2 too",
        "A line was copied and one name in it was not changed.",
        _ORDER,
        Server(order=lambda _, part1, __, key3: part1 + part1 + key3),
    ),
    Hypothesis(
        "digest-key2-twice",
        "Part 2 is hashed in place of part 1 too",
        "A line was copied and one name in it was not changed, or the second key overwrites the "
        "first.",
        _ORDER,
        Server(order=lambda _, __, part2, key3: part2 + part2 + key3),
    ),
    Hypothesis(
        "digest-part1-missing",
        "Part 1 is not hashed",
        "What is hashed is part 2 and key3 only: joined with an assignment that should append.",
        _ORDER,
        Server(order=lambda _, __, part2, key3: part2 + key3),
    ),
    Hypothesis(
        "digest-part2-missing",
        "Part 2 is not hashed",
        "What is hashed is part 1 and key3 only.",
        _ORDER,
        Server(order=lambda _, part1, __, key3: part1 + key3),
    ),
    Hypothesis(
        "digest-parts-missing",
        "Neither part is hashed",
        "What is hashed is key3 only.",
        _ORDER,
        Server(order=lambda _, __, ___, key3: key3),
    ),
    Hypothesis(
        "digest-of-text",
        "The challenge is hashed as UTF-8 text",
        "The 16 bytes are put into a text string, one character each, and those from 0x80 on "
        "become two bytes where the hash function encodes the string. In Node.js, a hash takes a "
        "string for UTF-8 since version 6, and took it for binary before.",
        _HASH_BYTES,
        Server(text=recoding.as_utf8),
        shows="a byte from 0x80 on in the challenge",
        carriers="npm ws 0.4 on Node.js 6 and later",
    ),
    Hypothesis(
        "digest-of-text-replaced",
        "The challenge is decoded as UTF-8, and its bad sequences are replaced by U+FFFD",
        "The 16 bytes are made a text string with a default encoding, which they do not survive.",
        _HASH_BYTES,
        Server(text=recoding.replaced),
        shows="a sequence in the challenge that is not UTF-8",
    ),
    Hypothesis(
        "digest-of-question-marks",
        "Bytes of the challenge from 0x80 on are hashed as question marks",
        "The 16 bytes are made a text string and encoded as ASCII, with a replacement for what has "
        "no place in it: Encoding.ASCII of .NET, getBytes of Java.",
        _HASH_BYTES,
        Server(text=recoding.question_marks),
        shows="a byte from 0x80 on in the challenge",
    ),
    Hypothesis(
        "digest-cut-challenge",
        "The challenge is hashed up to its first NUL",
        "The 16 bytes are given to the hash function as a C string, with strlen for their length.",
        "Hash 16 bytes, whatever strlen says: part 1 alone often begins with a zero byte.",
        Server(text=recoding.until_nul),
        shows="a NUL in the challenge",
    ),
    Hypothesis(
        "digest-of-17-bytes",
        "A NUL behind the challenge is hashed too",
        "The length given to the hash function is that of the buffer, with the byte that ends a C "
        "string.",
        "Hash 16 bytes: the size of the challenge, not of its buffer.",
        Server(text=lambda challenge: challenge + b"\0"),
    ),
    Hypothesis(
        "digest-by-sha1",
        "SHA-1 is used in place of MD5",
        "The hash function of RFC 6455, or another library's default, cut to 16 bytes.",
        _MD5,
        Server(hash=lambda challenge: _sha1(challenge)[:16]),
    ),
    Hypothesis(
        "digest-not-hashed",
        "The challenge itself is sent back",
        "Parts and key3 are joined, and the hash is forgotten.",
        _MD5,
        Server(hash=lambda challenge: challenge),
    ),
    Hypothesis(
        "digest-zeros",
        "16 zero bytes are sent in place of the digest",
        "The buffer is sent before the digest is in it, or an error of the computation is ignored.",
        _MD5,
        Server(number=unread, divide=undivided, hash=lambda _: bytes(16)),
    ),
    Hypothesis(
        "digest-rfc6455-accept",
        "A Sec-WebSocket-Accept of RFC 6455 is sent in place of the digest",
        "The first key is taken for a Sec-WebSocket-Key: base64 of SHA-1 over its text and the "
        "GUID of RFC 6455.",
        _OTHER_PROTOCOL,
        Server(
            number=unread,
            divide=undivided,
            pack=lambda _, key: key.text,
            order=lambda _, key1, __, ___: key1,
            hash=lambda key1: _sha1(key1 + _RFC6455_GUID),
            send=base64.b64encode,
        ),
    ),
    Hypothesis(
        "digest-rfc6455-accept-of-nothing",
        "A Sec-WebSocket-Accept for an empty key is sent in place of the digest",
        "The request has no Sec-WebSocket-Key, and nobody looked: base64 of SHA-1 over the GUID of "
        "RFC 6455 alone, the same for each client.",
        _OTHER_PROTOCOL,
        Server(
            number=unread,
            divide=undivided,
            order=lambda _, __, ___, ____: b"",
            hash=lambda nothing: _sha1(nothing + _RFC6455_GUID),
            send=base64.b64encode,
        ),
    ),
)
