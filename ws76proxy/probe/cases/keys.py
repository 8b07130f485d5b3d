"""Keys: each fault that a server must or should notice, and each right key that trips one up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ws76proxy.probe.cases.making import opening_case
from ws76proxy.probe.judges import Expect, Readings
from ws76proxy.probe.keys import key_of
from ws76proxy.probe.model import Case, Requirement
from ws76proxy.probe.opening import KEY1, KEY2, Alteration, Line, Opening
from ws76proxy.wire.head import RequestHead

__all__ = ["CASES"]

_MAX = 4_294_967_295
# Twelve times this is 202908720, and no byte of a multiple up to that is above 0x7F.
_EASY = 0x0102_0304


class _Row(NamedTuple):
    name: str
    sends: str
    key: bytes


def _first(key: bytes) -> Alteration:
    return lambda opening: opening.with_keys(key1=key)


def _second(key: bytes) -> Alteration:
    return lambda opening: opening.with_keys(key2=key)


def _both(key: bytes) -> Alteration:
    return lambda opening: opening.with_keys(key, key)


# Faults that a server must notice (5.2, steps 4 to 6)

_TOO_LARGE = "abort: a key-number greater than 4,294,967,295 is a symptom of an attack"
_NO_SPACES = "abort: no space in a key is a symptom of a cross-protocol attack"
_NOT_DIVISIBLE = "abort: the key-number is not an integral multiple of the number of spaces"

_FATAL = (
    ("no-spaces", "key1 without a space", _NO_SPACES, "5.2, step 5", _first(b"x202908720Qz")),
    ("no-spaces-2", "key2 without a space", _NO_SPACES, "5.2, step 5", _second(b"x202908720Qz")),
    (
        "no-digits",
        "key1 with spaces and no digit",
        "abort: there is no base ten integer in the key",
        "5.2, step 4",
        _first(b"x Qz-kW ab"),
    ),
    (
        "empty",
        "key1 without a value",
        "abort: there is no space in the key",
        "5.2, step 5",
        _first(b""),
    ),
    (
        "above-32-bits",
        "key1 with the number 4294967296 and one space",
        _TOO_LARGE,
        "5.2, step 4",
        _first(key_of(_MAX + 1, 1)),
    ),
    (
        "above-32-bits-2",
        "key2 with the number 8589934600 and two spaces",
        _TOO_LARGE,
        "5.2, step 4",
        _second(key_of(4_294_967_300, 2)),
    ),
    (
        "above-64-bits",
        "key1 with the number 18446744073709551628 and four spaces",
        _TOO_LARGE,
        "5.2, step 4",
        _first(key_of(4_611_686_018_427_387_907, 4)),
    ),
    (
        "not-divisible",
        "key1 with the number 202908725 and four spaces",
        _NOT_DIVISIBLE,
        "5.2, step 6",
        _first(b"x2 02 908 7 25Q"),
    ),
    (
        "not-divisible-2",
        "key2 with the number 202908725 and four spaces",
        _NOT_DIVISIBLE,
        "5.2, step 6",
        _second(b"x2 02 908 7 25Q"),
    ),
)


# Faults of the client that leave the server an answer


def _stripped(request: RequestHead) -> Mapping[str, tuple[bytes, bytes]]:
    key1, key2 = _values(request)
    return {"without the spaces at their edges": (key1.strip(b" "), key2.strip(b" "))}


def _widened(other: bytes) -> Readings:
    def readings(request: RequestHead) -> Mapping[str, tuple[bytes, bytes]]:
        key1, key2 = _values(request)
        return {"with other white space counted too": (key1.replace(other, b" "), key2)}

    return readings


def _digits(other: bytes, digit: bytes) -> Readings:
    def readings(request: RequestHead) -> Mapping[str, tuple[bytes, bytes]]:
        key1, key2 = _values(request)
        return {"with digits of other scripts read too": (key1.replace(other, digit), key2)}

    return readings


def _repeated(request: RequestHead) -> Mapping[str, tuple[bytes, bytes]]:
    first, second = (field.value for field in request.get_all(KEY1.lower()))
    _, key2 = _values(request)
    return {
        "with the second of two first keys": (second, key2),
        "with both first keys joined by a comma": (first + b", " + second, key2),
        "with both first keys joined": (first + second, key2),
    }


def _values(request: RequestHead) -> tuple[bytes, bytes]:
    key1, key2 = request.value(KEY1.lower()), request.value(KEY2.lower())
    return key1 or b"", key2 or b""


_AS_IT_CAME = "the digest for the key as it came: every U+0020 counts, nothing else does"

# 202908720 is a multiple of 2 and of 3: it can be divided with and without one of the spaces.
_LENIENT = (
    (
        "leading-space",
        "key1 with one of its three spaces in front",
        _AS_IT_CAME,
        _first(b" x202 908 720QQ"),
        _stripped,
    ),
    (
        "trailing-space",
        "key1 with one of its three spaces at the end",
        _AS_IT_CAME,
        _first(b"x202 908 720QQ "),
        _stripped,
    ),
    (
        "tab",
        "key1 with two spaces and a tab",
        _AS_IT_CAME,
        _first(b"x202 908 7\t20QQ"),
        _widened(b"\t"),
    ),
    (
        "no-break-space",
        "key1 with two spaces and U+00A0, as UTF-8",
        _AS_IT_CAME,
        _first(b"x202 908 7\xc2\xa020QQ"),
        _widened(b"\xc2\xa0"),
    ),
    (
        "other-digits",
        "key1 with the Arabic digit three, U+0663, as UTF-8",
        "digits from U+0030 to U+0039 read as an integer, all other characters ignored",
        _first(b"x202 908\xd9\xa3 720QQ"),
        _digits(b"\xd9\xa3", b"3"),
    ),
    (
        "thirteen-spaces",
        "key1 with 13 spaces, one more than a client may use",
        "the digest: the server's steps know no greatest number of spaces",
        _first(key_of(_EASY, 13, filling=b"xQwKzWyB")),
        None,
    ),
    (
        "leading-zeros",
        "key1 with zeros before its number",
        "the digits read as a base ten integer",
        _first(key_of(_EASY, 2, zeros=3)),
        None,
    ),
)


def _twice(opening: Opening) -> Opening:
    return opening.adding(Line(KEY1, key_of(2 * _EASY, 3)))


# Right keys


_RIGHT = (
    _Row("number-zero", "a key with the number 0 and one space", key_of(0, 1)),
    _Row("one-space", "a key with the number 1 and one space", key_of(1, 1)),
    _Row("twelve-spaces", "a key with twelve spaces", key_of(_EASY, 12, filling=b"xQwKzWyB")),
    _Row(
        "run-of-spaces",
        "a key with four spaces in a row",
        b"x202    908720Qz",
    ),
    _Row("31-bits", "a key with the number 2147483648", key_of(2_147_483_648, 1)),
    _Row("greatest", "a key with the number 4294967295", key_of(_MAX, 1)),
    _Row(
        "greatest-12",
        "a key with the number 4294967292 and twelve spaces",
        key_of(_MAX // 12, 12, filling=b"xQwKzWyB"),
    ),
    _Row("not-in-a-float", "a key with the part 1123456789", key_of(1_123_456_789, 3)),
    _Row("high-bytes", "a key with the part 0x80FF9AC3", key_of(0x80FF_9AC3, 1)),
    _Row("zero-bytes", "a key with the part 0x00000100", key_of(0x100, 3)),
    _Row("line-end-bytes", "a key with the part 0x0D0A0D0A", key_of(0x0D0A_0D0A, 5)),
    _Row("digits-at-edges", "a key that begins and ends with a digit", b"2 02x9 0Q87 20"),
    _Row(
        "all-fillers",
        "a key with twelve characters that header parsers know",
        b'",;2:0 \\2=9%0 (8)7<>2@0',
    ),
)


CASES: tuple[Case, ...] = (
    *(
        opening_case(f"76.key.{name}", sends, wants, section, change, expect=Expect.REFUSE)
        for name, sends, wants, section, change in _FATAL
    ),
    *(
        opening_case(
            f"76.key.{name}",
            sends,
            wants,
            "5.2, steps 4 and 5",
            change,
            requirement=Requirement.SHOULD,
            readings=readings,
        )
        for name, sends, wants, change, readings in _LENIENT
    ),
    opening_case(
        "76.key.missing-1",
        "key2 and key3, and no key1",
        "abort: the handshake does not match the description",
        "5.1",
        lambda opening: opening.without(KEY1),
        expect=Expect.REFUSE,
        requirement=Requirement.SHOULD,
    ),
    opening_case(
        "76.key.missing-2",
        "key1 and key3, and no key2",
        "abort: the handshake does not match the description",
        "5.1",
        lambda opening: opening.without(KEY2),
        expect=Expect.REFUSE,
        requirement=Requirement.SHOULD,
    ),
    opening_case(
        "76.key.twice",
        "key1 in two fields, with different numbers",
        "abort, or the digest for the first of them",
        "5.1",
        _twice,
        expect=Expect.EITHER,
        requirement=Requirement.MAY,
        readings=_repeated,
    ),
    *(
        opening_case(
            f"76.key.{row.name}",
            f"{row.sends}, as key1",
            "the digest",
            "5.2, steps 4 to 9",
            _first(row.key),
        )
        for row in _RIGHT
    ),
    opening_case(
        "76.key.greatest-2",
        "a key with the number 4294967295 and one space, as key2",
        "the digest",
        "5.2, steps 4 to 9",
        _second(key_of(_MAX, 1)),
    ),
    opening_case(
        "76.key.both-alike",
        "the same key twice, as key1 and as key2",
        "the digest",
        "5.2, steps 4 to 9",
        _both(key_of(_EASY, 2)),
    ),
)
