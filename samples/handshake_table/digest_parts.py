"""Samples of digests over wrong parts, each computed here as its bug does."""

from __future__ import annotations

from handshake_table.base import KEY1, KEY2, KEY3
from handshake_table.digest_base import (
    KEY1_FIRST,
    LATIN1,
    PART1,
    PART2,
    PART2_AS_UTF8,
    asked,
    md5,
    packed,
    wrong,
)

__all__ = ["WRONG_PARTS"]

# The key-numbers are 4146546015 and 1299853100, and each key has 5 spaces. Divided by 4 they are
# 1036636503.75 and 324963275, by 6 they are 691091002.5 and 216642183.33.
NUMBERS = {
    "digest-number-clamped": wrong(
        "4146546015 is read as 2147483647",
        md5(packed(2_147_483_647 // 5), PART2, KEY3),
        "digest-number-clamped",
    ),
    "digest-number-wrapped": wrong(
        "4146546015 is read as -148421281, and a fifth of it is -29684256",
        md5(packed(-29_684_256), PART2, KEY3),
        "digest-number-wrapped",
    ),
    "digest-number-cut": wrong(
        "6500000001 is read as 2205032705",
        md5(packed(2_205_032_705 // 7), PART2, KEY3),
        "digest-number-cut",
        "key-number-too-large",
        request=asked(key1=b"6 5 0 0 0 0 0 001x"),
        verdict="faulty-keys-accepted",
    ),
    "digest-number-leading-digits": wrong(
        "@1658618 40 6 is read as 0, and 12998 5 Y3 as 12998",
        md5(packed(0), packed(12_998 // 5), KEY3),
        "digest-number-leading-digits",
        request=asked(key1=b"@1658618 40 6"),
    ),
    "digest-number-first-digits": wrong(
        "@1658618 40 6 is read as 1658618, and 12998 5 Y3 as 12998",
        md5(packed(1_658_618 // 2), packed(12_998 // 5), KEY3),
        "digest-number-first-digits",
        request=asked(key1=b"@1658618 40 6"),
    ),
    "digest-spaces-trimmed": wrong(
        "A trailing space is not counted",
        md5(packed(1_036_636_503), PART2, KEY3),
        "digest-spaces-trimmed",
        "key-trailing-space",
        request=asked(key1=b"4 @1  46546xW%0l 15 "),
    ),
    "digest-spaces-trimmed-left": wrong(
        "A leading space is not counted, and a trailing one is",
        md5(packed(1_036_636_503), PART2, KEY3),
        "digest-spaces-trimmed-left",
        "key-leading-space",
        "key-trailing-space",
        request=asked(key1=b" 4 @1 46546 xW%0l15 "),
    ),
    "digest-spaces-collapsed": wrong(
        "Two spaces next to each other count as one, in both keys",
        md5(packed(1_036_636_503), packed(324_963_275), KEY3),
        "digest-spaces-collapsed",
    ),
    "digest-spaces-with-tabs": wrong(
        "A tab counts as a space",
        md5(packed(691_091_002), PART2, KEY3),
        "digest-spaces-with-tabs",
        "key-odd-characters",
        request=asked(key1=KEY1.replace(b"@", b"\t")),
    ),
    "digest-spaces-one-too-many": wrong(
        "Pieces between spaces are counted",
        md5(packed(691_091_002), packed(216_642_183), KEY3),
        "digest-spaces-one-too-many",
    ),
    "digest-not-divided": wrong(
        "The numbers are taken for the parts",
        md5(packed(4_146_546_015), packed(1_299_853_100), KEY3),
        "digest-not-divided",
    ),
    "digest-division-up": wrong(
        "1036636503.75 and 216642183.33 are both rounded up",
        md5(packed(1_036_636_504), packed(216_642_184), KEY3),
        "digest-division-up",
        "key-not-divisible",
        request=asked(b"4 @1 46546xW%0l 1 5", b"12998 5 Y3 1   .P00"),
        verdict="faulty-keys-accepted",
    ),
    "digest-division-nearest": wrong(
        "1036636503.75 is rounded up and 216642183.33 down",
        md5(packed(1_036_636_504), packed(216_642_183), KEY3),
        "digest-division-nearest",
        "key-not-divisible",
        request=asked(b"4 @1 46546xW%0l 1 5", b"12998 5 Y3 1   .P00"),
        verdict="faulty-keys-accepted",
    ),
    "digest-division-float32": wrong(
        "4146545920 divided by 5 is 829309184, 1299853056 divided by 5 is near 259970608",
        md5(packed(829_309_184), packed(259_970_608), KEY3),
        "digest-division-float32",
    ),
    "digest-keys-nothing-is-zero": wrong(
        "A key without digits has part 0",
        md5(packed(0), PART2, KEY3),
        "digest-keys-nothing-is-zero",
        "key-no-digits",
        request=asked(key1=b"a b c"),
        verdict="faulty-keys-accepted",
    ),
}

PARTS = {
    "digest-little-endian": wrong(
        "Both parts in the other byte order",
        md5(PART1[::-1], PART2[::-1], KEY3),
        "digest-little-endian",
    ),
    "digest-parts-decimal": wrong(
        "Both parts in decimal", md5(b"829309203", b"259970620", KEY3), "digest-parts-decimal"
    ),
    "digest-parts-hex": wrong(
        "Both parts in hexadecimal", md5(b"316e4113", b"0f7ed63c", KEY3), "digest-parts-hex"
    ),
    "digest-parts-shortest": wrong(
        "123 in one byte",
        md5(b"\x7b", PART2, KEY3),
        "digest-parts-shortest",
        request=asked(key1=b"1 2x3"),
    ),
    "digest-parts-64-bit": wrong(
        "Four zero bytes before each part",
        md5(bytes(4), PART1, bytes(4), PART2, KEY3),
        "digest-parts-64-bit",
    ),
    "digest-parts-utf8": wrong(
        "0xD6 in part 2 becomes two bytes, 0x8A and 0xE9 in key3 remain",
        md5(PART1, PART2_AS_UTF8, LATIN1),
        "digest-parts-utf8",
        request=asked(key3=LATIN1),
    ),
    "digest-keys-as-text": wrong(
        "The values of both fields", md5(KEY1, KEY2, KEY3), "digest-keys-as-text"
    ),
    "digest-keys-swapped": wrong(
        "Key2 is hashed first, and Key1 was sent first",
        md5(PART2, PART1, KEY3),
        "digest-keys-swapped",
        request=KEY1_FIRST,
    ),
    "digest-keys-as-in-head": wrong(
        "Key2 is hashed first, and was sent first: exchanged, or as in the head?",
        md5(PART2, PART1, KEY3),
        "digest-keys-as-in-head",
        "digest-keys-swapped",
    ),
    "digest-key3-first": wrong(
        "key3 before the parts", md5(KEY3, PART1, PART2), "digest-key3-first"
    ),
    "digest-key1-twice": wrong("Part 1 twice", md5(PART1, PART1, KEY3), "digest-key1-twice"),
    "digest-key2-twice": wrong("Part 2 twice", md5(PART2, PART2, KEY3), "digest-key2-twice"),
    "digest-part1-missing": wrong("No part 1", md5(PART2, KEY3), "digest-part1-missing"),
    "digest-part2-missing": wrong("No part 2", md5(PART1, KEY3), "digest-part2-missing"),
    "digest-parts-missing": wrong("No parts", md5(KEY3), "digest-parts-missing"),
    "digest-two-bugs": wrong(
        "Key2 is hashed first, and both parts are in the other byte order",
        md5(PART2[::-1], PART1[::-1], KEY3),
        "digest-keys-swapped",
        "digest-little-endian",
        request=KEY1_FIRST,
    ),
}

WRONG_PARTS = {**NUMBERS, **PARTS}
