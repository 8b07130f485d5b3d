"""Wrong ways from a key to its part: numbers, spaces, the division, and the bytes of a part."""

from __future__ import annotations

import re
import struct

from ws76proxy.diagnosis.hypotheses import recoding
from ws76proxy.diagnosis.hypotheses.model import (
    Hypothesis,
    Server,
    big_endian,
    every_space,
    undivided,
    unread,
    whole,
)
from ws76proxy.wire.challenge import Key, read_key

__all__ = ["HYPOTHESES"]

_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1


def _clamped(key: Key) -> int | None:
    return None if key.number is None else min(key.number, _INT32_MAX)


def _wrapped(key: Key) -> int | None:
    return None if key.number is None else (key.number + 2**31 & _UINT32_MAX) - 2**31


def _cut(key: Key) -> int | None:
    return None if key.number is None else key.number & _UINT32_MAX


def _first_digits(pattern: bytes, key: Key) -> int | None:
    """The number that stands where the pattern first fits; 0 where it does not."""
    found = re.search(pattern, key.text)
    return 0 if found is None else read_key(found[0]).number


def _zero_without_digits(key: Key) -> int | None:
    return key.number if key.digits else 0


def _zero_without_spaces(number: int, spaces: int) -> int | None:
    return whole(number, spaces) if spaces else 0


def _up(number: int, spaces: int) -> int | None:
    return -(-number // spaces) if spaces else None


def _nearest(number: int, spaces: int) -> int | None:
    return (2 * number + spaces) // (2 * spaces) if spaces else None


def _single_precision(number: int, spaces: int) -> int | None:
    return int(_float32(_float32(min(number, 2**64)) / spaces)) if spaces else None


def _float32(value: float) -> float:
    (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    return float(rounded)


def _shortest(part: int, _: Key) -> bytes:
    cut = part & _UINT32_MAX
    return cut.to_bytes(max(1, (cut.bit_length() + 7) // 8), "big")


_COUNT_EACH = "Count each U+0020 of the field's value, wherever it stands, and nothing else."
_DIVIDE = (
    "Divide as unsigned integers, and close the connection where there is a remainder: it means "
    "that somebody has tampered with the key."
)
_ALL_DIGITS = "Take all digits of the key, in order, leave out all else, and read one number."
_UNSIGNED = "Read the number into an unsigned 32-bit integer, or into a 64-bit one."
_FOUR_BYTES = "Write each part as exactly 4 bytes, most significant first (network byte order)."
_REFUSE = (
    "Close the connection when a key has no digits or no space, exceeds 4294967295, or is not a "
    "multiple of its spaces."
)
_PROVES_NOTHING = (
    "The check against cross-protocol attacks is gone; whether a client accepts the digest depends "
    "on what it takes for the number of such a key."
)

HYPOTHESES = (
    Hypothesis(
        "digest-number-clamped",
        "Key-numbers end at 2147483647",
        "The digits are read by a function for signed 32-bit integers that stops at its maximum: "
        "atoi and strtol where a long has 32 bits, intval of a 32-bit PHP.",
        _UNSIGNED,
        Server(number=_clamped),
        shows="a key-number above 2147483647",
    ),
    Hypothesis(
        "digest-number-wrapped",
        "Key-numbers above 2147483647 become negative",
        "The digits are read into a signed 32-bit integer that overflows, and then divided: atoi "
        "on most 64-bit systems, bit operations of JavaScript before the division.",
        _UNSIGNED,
        Server(number=_wrapped),
        shows="a key-number above 2147483647",
    ),
    Hypothesis(
        "digest-number-cut",
        "Key-numbers above 4294967295 are cut to 32 bits before the division",
        "The digits are read into an unsigned 32-bit integer without a look at what overflows.",
        _REFUSE,
        Server(number=_cut),
        shows="a key-number above 4294967295",
        carriers="11 of 30 servers that were tried, before the division or after it",
        consequence=_PROVES_NOTHING,
    ),
    Hypothesis(
        "digest-number-leading-digits",
        "Only the digits at the beginning of a key are read",
        "The key itself is given to atoi, parseInt or the like, which stop at the first character "
        "that is not a digit, and give 0 where the first one is none.",
        _ALL_DIGITS,
        Server(number=lambda key: _first_digits(rb"\A *[0-9]+", key)),
    ),
    Hypothesis(
        "digest-number-first-digits",
        "Only the first group of digits of a key is read",
        "A pattern that matches digits next to each other is applied once, instead of to all the "
        "digits of the key.",
        _ALL_DIGITS,
        Server(number=lambda key: _first_digits(rb"[0-9]+", key)),
    ),
    Hypothesis(
        "digest-spaces-trimmed",
        "Spaces are counted after both ends of a key were trimmed",
        "The HTTP library strips white space around a field's value, and the count comes after.",
        _COUNT_EACH + " No client made from the draft puts a space at an end: mend that first.",
        Server(spaces=lambda key: key.text.strip(b" \t").count(b" ")),
        shows="a space at an end of a key",
        carriers="24 of 30 servers that were tried",
    ),
    Hypothesis(
        "digest-spaces-trimmed-left",
        "Spaces are counted after the beginning of a key was trimmed",
        "The HTTP library skips white space behind the colon of a field, and keeps it at the end.",
        _COUNT_EACH + " No client made from the draft puts a space at an end: mend that first.",
        Server(spaces=lambda key: key.text.lstrip(b" \t").count(b" ")),
        shows="a space at the beginning of a key",
        carriers="6 of 30 servers that were tried",
    ),
    Hypothesis(
        "digest-spaces-collapsed",
        "Runs of spaces are counted as one",
        "White space is folded before the count, by the HTTP library or by a split at white space, "
        "or a pattern counts groups of spaces.",
        _COUNT_EACH,
        Server(spaces=lambda key: len(re.findall(rb" +", key.text))),
        shows="spaces next to each other in a key",
    ),
    Hypothesis(
        "digest-spaces-with-tabs",
        "Tabs are counted as spaces",
        "All white space is counted, by isspace or a pattern for white space.",
        _COUNT_EACH,
        Server(spaces=lambda key: key.text.count(b" ") + key.text.count(b"\t")),
        shows="a tab in a key",
        carriers="2 of 30 servers that were tried",
    ),
    Hypothesis(
        "digest-spaces-one-too-many",
        "One space too many is counted",
        "The key is split at its spaces and the pieces are counted: there is one more of them.",
        _COUNT_EACH,
        Server(spaces=lambda key: every_space(key) + 1),
    ),
    Hypothesis(
        "digest-not-divided",
        "Key-numbers are not divided by their spaces",
        "The number made of the digits is hashed itself.",
        "Divide each number by the count of spaces in its key.",
        Server(divide=undivided),
        shows="a key with more than one space",
    ),
    Hypothesis(
        "digest-division-up",
        "The division is rounded up",
        "The quotient is a floating-point number, and goes through a ceiling function.",
        _DIVIDE,
        Server(divide=_up),
        shows="a key-number that is not a multiple of its spaces",
        consequence=_PROVES_NOTHING,
    ),
    Hypothesis(
        "digest-division-nearest",
        "The division is rounded to the nearest integer",
        "The quotient is a floating-point number, and goes through a rounding function.",
        _DIVIDE,
        Server(divide=_nearest),
        shows="a key-number that is not a multiple of its spaces",
        consequence=_PROVES_NOTHING,
    ),
    Hypothesis(
        "digest-division-float32",
        "The division is made in single-precision floating point",
        "A float of 32 bits holds integers up to 16777216 only: the lowest bits of number and "
        "quotient are lost.",
        _DIVIDE,
        Server(divide=_single_precision),
        shows="a key-number above 16777216",
    ),
    Hypothesis(
        "digest-keys-unchecked",
        "Keys that should be refused are computed with",
        "The division is rounded down, and what exceeds 32 bits is cut off a part, without a look "
        "at what the draft wants checked.",
        _REFUSE,
        Server(),
        shows="a key that the draft refuses",
        carriers="18 of 30 servers that were tried",
        consequence=_PROVES_NOTHING,
    ),
    Hypothesis(
        "digest-keys-nothing-is-zero",
        "What a key lacks counts as zero",
        "A key without digits has number 0, and division by no spaces gives 0: what comes of "
        "unchecked conversions in PHP, or of NaN and Infinity in JavaScript.",
        _REFUSE,
        Server(number=_zero_without_digits, divide=_zero_without_spaces),
        shows="a key without digits or without spaces",
        consequence=_PROVES_NOTHING,
    ),
    Hypothesis(
        "digest-little-endian",
        "The parts are packed little-endian",
        "The integers are copied as they lie in memory, on a machine that has the least "
        "significant byte first, or are packed with the format for that order.",
        _FOUR_BYTES + " In C, use htonl.",
        Server(pack=lambda part, key: big_endian(part, key)[::-1]),
        carriers="mod_wstunnel of lighttpd",
    ),
    Hypothesis(
        "digest-parts-decimal",
        "The parts are hashed as decimal text",
        "The integers are joined with key3 by string concatenation.",
        _FOUR_BYTES,
        Server(pack=lambda part, _: str(part).encode()),
    ),
    Hypothesis(
        "digest-parts-hex",
        "The parts are hashed as hexadecimal text",
        "The integers go through a format for 8 hexadecimal digits, and are not decoded to bytes.",
        _FOUR_BYTES,
        Server(pack=lambda part, _: b"%08x" % (part & _UINT32_MAX)),
    ),
    Hypothesis(
        "digest-parts-shortest",
        "The parts are hashed without their leading zero bytes",
        "The integers are turned into as many bytes as they need: encode_unsigned of Erlang, "
        "conversions of big integers.",
        _FOUR_BYTES,
        Server(pack=_shortest),
        shows="a part below 16777216",
    ),
    Hypothesis(
        "digest-parts-64-bit",
        "The parts are hashed as 8 bytes each",
        "The integers are of a 64-bit type, and written as such: writeLong of Java.",
        _FOUR_BYTES,
        Server(pack=lambda part, _: (part & 2**64 - 1).to_bytes(8, "big")),
    ),
    Hypothesis(
        "digest-parts-utf8",
        "The bytes of the parts are hashed as UTF-8 text",
        "The 4 bytes of a part are put into a text string, one character each, and those from 0x80 "
        "on become two bytes where the string is encoded.",
        _FOUR_BYTES,
        Server(pack=lambda part, key: recoding.as_utf8(big_endian(part, key))),
        shows="a byte from 0x80 on in a part",
    ),
    Hypothesis(
        "digest-keys-as-text",
        "The keys are hashed as they stand in the request",
        "The values of both fields are hashed instead of the parts that are made from them.",
        "Make a part of each key: the number of its digits divided by its spaces, as 4 bytes, most "
        "significant first.",
        Server(number=unread, divide=undivided, pack=lambda _, key: key.text),
    ),
)
