"""The hypotheses one by one: what each server sends, to which challenges, and under which code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.diagnosis import (
    CATALOGUE,
    HYPOTHESES,
    Asked,
    Severity,
    Side,
    WrongAnswers,
    all_causes,
    answer_like,
    cause_of,
)
from ws76proxy.diagnosis.telling_apart import PROBES
from ws76proxy.errors import UsageError
from ws76proxy.wire import Challenge, Key, read_key

from .challenges import asked, faulty, peculiar, usual

# draft -76, 1.2: the parts are 829309203 = 0x316e4113 and 259970620 = 0x0f7ed63c
KEY1, KEY2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
EXAMPLE = Challenge(KEY1, KEY2, b"^n:ds[4U")


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


# The samples have one for each code; here are those that are known from the wild or are intricate.
BY_HAND = [
    ("digest-little-endian", md5(b"\x13\x41\x6e\x31\x3c\xd6\x7e\x0f^n:ds[4U")),
    ("digest-keys-swapped", md5(b"\x0f\x7e\xd6\x3c\x31\x6e\x41\x13^n:ds[4U")),
    ("digest-parts-decimal", md5(b"829309203259970620^n:ds[4U")),
    ("digest-of-text", md5(b"\x31\x6e\x41\x13\x0f\x7e\xc3\x96\x3c^n:ds[4U")),
    ("digest-number-clamped", md5(b"\x19\x99\x99\x99\x0f\x7e\xd6\x3c^n:ds[4U")),
    # -148421281 / 5 = -29684256.2, cut to -29684256 = 0xfe3b0de0
    ("digest-number-wrapped", md5(b"\xfe\x3b\x0d\xe0\x0f\x7e\xd6\x3c^n:ds[4U")),
    ("digest-hex", b"386a4b5327793a472a436f2c5778612d"),
    ("digest-base64", b"OGpLUyd5OkcqQ28sV3hhLQ=="),
    ("digest-rfc6455-accept-of-nothing", b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    # The first 16 of the 20 bytes that sha1sum prints.
    ("digest-by-sha1", bytes.fromhex("4efea6f2afecdb9eaeaf748a8fa73791")),
    # Pairs: swapped and little-endian; not divided and decimal; key3 missing and hexadecimal.
    (
        "digest-keys-swapped+digest-little-endian",
        md5(b"\x3c\xd6\x7e\x0f\x13\x41\x6e\x31^n:ds[4U"),
    ),
    ("digest-not-divided+digest-parts-decimal", md5(b"41465460151299853100^n:ds[4U")),
    (
        "digest-key3-missing+digest-hex",
        md5(bytes.fromhex("316e41130f7ed63c")).hex().encode(),
    ),
]


@pytest.mark.parametrize(("code", "sent"), BY_HAND, ids=[code for code, _ in BY_HAND])
def test_what_is_sent_was_computed_by_hand(code: str, sent: bytes) -> None:
    assert answer_like(code, EXAMPLE) == sent


def test_npm_ws_0_4_on_a_current_node() -> None:
    """Each number's 4 bytes and key3 as strings of 16-bit characters, given to MD5 as UTF-8."""
    key3 = b"\x8a\x00\xff[4U\xe9\n"
    hashed = "".join(
        [chr(byte) for byte in (0x31, 0x6E, 0x41, 0x13, 0x0F, 0x7E, 0xD6, 0x3C, *key3)]
    )
    challenge = Challenge(KEY1, KEY2, key3)
    assert answer_like("digest-of-text", challenge) == md5(hashed.encode("utf-8"))
    (cause,) = WrongAnswers(challenge).explain(md5(hashed.encode("utf-8"))).causes
    assert cause.code == "digest-of-text"
    assert "ws 0.4" in cause.bugs[0].carriers


@pytest.mark.parametrize("code", HYPOTHESES)
def test_each_has_its_finding(code: str) -> None:
    bug, finding = HYPOTHESES[code], CATALOGUE[code]
    assert bug.code == code
    assert re.fullmatch(r"digest(-[a-z0-9]+)+", code)
    assert (finding.title, finding.fix, finding.cause) == (bug.title, bug.fix, bug.cause)
    assert (finding.severity, finding.side) == (Severity.ERROR, Side.SERVER)
    for words in (bug.cause, bug.carriers, bug.shows):
        assert words.isascii()
        assert not re.search(r"[<>`*]|  ", words)
    assert bug.cause.endswith(".")
    assert not bug.shows.endswith(".")
    assert not bug.carriers.endswith(".")


def bytes_of_parts(challenge: Challenge) -> bytes:
    assert challenge.concatenation is not None
    return challenge.concatenation[:8]


def any_key(holds: Callable[[Key], bool]) -> Callable[[Asked], bool]:
    return lambda asked: holds(asked.challenge.key1) or holds(asked.challenge.key2)


def above(limit: int) -> Callable[[Asked], bool]:
    return any_key(lambda key: key.number is None or key.number > limit)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def digest_of(asked: Asked) -> bytes:
    return md5(asked.challenge.concatenation or b"")


def is_faulty(asked: Asked) -> bool:
    return asked.challenge.key1.fatal or asked.challenge.key2.fatal


SHOWN: dict[str, Callable[[Asked], bool]] = {
    "a key-number above 2147483647": above(2_147_483_647),
    "a key-number above 4294967295": above(4_294_967_295),
    "a key-number above 16777216": above(16_777_216),
    "a key-number that is not a multiple of its spaces": any_key(
        lambda key: key.number is None or key.spaces == 0 or key.number % key.spaces > 0
    ),
    "a key that the draft refuses": is_faulty,
    "a key without digits or without spaces": any_key(lambda key: not key.digits or not key.spaces),
    "a key with more than one space": any_key(lambda key: key.spaces > 1),
    "a space at an end of a key": any_key(
        lambda key: b" " in (key.text.strip(b"\t")[:1], key.text.strip(b"\t")[-1:])
    ),
    "a space at the beginning of a key": any_key(lambda key: key.text.lstrip(b"\t")[:1] == b" "),
    "spaces next to each other in a key": any_key(lambda key: b"  " in key.text),
    "a tab in a key": any_key(lambda key: b"\t" in key.text),
    "a part below 16777216": lambda asked: 0 in bytes_of_parts(asked.challenge)[::4],
    "a byte from 0x80 on in a part": lambda asked: not bytes_of_parts(asked.challenge).isascii(),
    "white space at an end of key3": lambda asked: asked.key3 != asked.key3.strip(),
    "white space at the beginning of key3": lambda asked: asked.key3[:1].isspace(),
    "white space at the end of key3": lambda asked: asked.key3[-1:].isspace(),
    "white space or NUL at an end of key3": lambda asked: (
        not {asked.key3[0], asked.key3[-1]}.isdisjoint(b"\0\t\n\v\f\r ")
    ),
    "a byte up to 0x20 at an end of key3": lambda asked: min(asked.key3[0], asked.key3[-1]) <= 0x20,
    "a NUL in key3": lambda asked: 0 in asked.key3,
    "a CR or LF in key3": lambda asked: b"\r" in asked.key3 or b"\n" in asked.key3,
    "a byte from 0x80 on in key3": lambda asked: not asked.key3.isascii(),
    "a sequence in key3 that is not UTF-8": lambda asked: not is_utf8(asked.key3),
    "Sec-WebSocket-Key2 before Sec-WebSocket-Key1 in the request": lambda asked: (
        asked.head.index(b"Key2") < asked.head.index(b"Key1")
    ),
    "a byte from 0x80 on in the challenge": lambda asked: (
        not (asked.challenge.concatenation or b"").isascii()
    ),
    "a sequence in the challenge that is not UTF-8": lambda asked: (
        not is_utf8(asked.challenge.concatenation or b"")
    ),
    "a NUL in the challenge": lambda asked: 0 in (asked.challenge.concatenation or b""),
    "a NUL in the digest": lambda asked: 0 in digest_of(asked),
}


ONLY_WITH_FAULTY_KEYS = {
    "a key-number above 4294967295",
    "a key-number that is not a multiple of its spaces",
    "a key that the draft refuses",
    "a key without digits or without spaces",
}


def test_a_bug_shows_only_where_it_is_said_to() -> None:
    random = Random(76)
    shown = dict.fromkeys(HYPOTHESES, 0)
    hidden = dict.fromkeys(HYPOTHESES, 0)
    for number in range(1500):
        here = asked((usual, peculiar, peculiar)[number % 3](random), random)
        for code, bug in HYPOTHESES.items():
            differs = bug.server.answer(here) not in (here.challenge.answer, None)
            shown[code] += differs
            hidden[code] += not differs
            if differs and bug.shows:
                assert SHOWN[bug.shows](here), (code, here)
    for code, bug in HYPOTHESES.items():
        if bug.shows in ONLY_WITH_FAULTY_KEYS:
            assert not shown[code]
        else:
            assert shown[code]
        if bug.shows:
            assert hidden[code], f"{code} shows always"
        else:
            # A part that the bug hits by chance, or two parts that are equal.
            assert hidden[code] < 30, f"{code} does not show always"


def test_faulty_keys_show_the_bugs_that_sound_ones_do_not() -> None:
    random = Random(76)
    differs = dict.fromkeys(HYPOTHESES, 0)
    for _ in range(500):
        here = asked(faulty(random), random)
        unchecked = answer_like("digest-keys-unchecked", here)
        for code, bug in HYPOTHESES.items():
            sent = bug.server.answer(here)
            if bug.shows in ONLY_WITH_FAULTY_KEYS and sent != unchecked:
                assert SHOWN[bug.shows](here)
                differs[code] += 1
    assert {code for code, count in differs.items() if count} == {
        code
        for code, bug in HYPOTHESES.items()
        if bug.shows in ONLY_WITH_FAULTY_KEYS and code != "digest-keys-unchecked"
    }


def test_any_two_bugs_differ_on_some_probe() -> None:
    made: dict[tuple[bytes | None, ...], str] = {}
    for code, bug in HYPOTHESES.items():
        answers = tuple([bug.server.answer(probe.asked) for probe in PROBES])
        assert answers not in made, f"{code} is {made[answers]}"
        made[answers] = code


def test_pairs_alter_different_stages() -> None:
    singles = [cause for cause in all_causes() if len(cause.bugs) == 1]
    assert len(singles) == len(HYPOTHESES)
    for cause in all_causes()[len(singles) :]:
        one, other = [set(bug.server.altered) for bug in cause.bugs]
        assert one
        assert other
        assert not one & other
        assert set(cause.server.altered) == one | other


def test_codes_of_pairs_go_in_any_order() -> None:
    one, other = "digest-little-endian", "digest-keys-swapped"
    assert answer_like(f"{one}+{other}", EXAMPLE) == answer_like(f"{other}+{one}", EXAMPLE)
    assert cause_of(f"{one}+{other}").title == (
        "The parts are packed little-endian and the parts are hashed in the wrong order, part 2 "
        "first"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("digest-wrong", "'digest-wrong': expected the code of a bug"),
        ("", "'': expected the code of a bug"),
        ("digest-hex+", "'': expected the code of a bug"),
        ("digest-hex+digest-base64", "cannot be combined"),
        ("digest-hex+digest-hex", "cannot be combined"),
        ("digest-hex+digest-keys-unchecked", "cannot be combined"),
        ("digest-hex+digest-little-endian+digest-by-sha1", "cannot be combined"),
    ],
)
def test_codes_that_are_none(code: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        cause_of(code)


@pytest.mark.parametrize(
    "code",
    [
        "digest-keys-as-in-head",
        "digest-key3-end-of-head",
        "digest-key3-last-line",
        "digest-key3-next-bytes",
    ],
)
def test_what_is_not_known_is_not_made_up(code: str) -> None:
    assert answer_like(code, EXAMPLE) is None
    assert answer_like(code, PROBES[0].asked) is not None


@given(
    keys=st.tuples(st.binary(max_size=60), st.binary(max_size=60)),
    digits=st.tuples(st.text("0123456789 ", max_size=60), st.sampled_from(["", "0" * 5000])),
    key3=st.binary(max_size=8),
    head=st.binary(max_size=60),
    behind=st.binary(max_size=20),
)
def test_no_challenge_makes_a_server_fail(
    keys: tuple[bytes, bytes], digits: tuple[str, str], key3: bytes, head: bytes, behind: bytes
) -> None:
    number = "".join(digits).encode()
    for key1, key2 in (keys, (number, keys[0]), (number, number)):
        here = Asked(Challenge(read_key(key1), read_key(key2), key3), head, behind)
        for bug in HYPOTHESES.values():
            sent = bug.server.answer(here)
            assert sent is None or isinstance(sent, bytes)


@given(
    key1=st.binary(max_size=40),
    key2=st.binary(max_size=40),
    key3=st.binary(max_size=8),
    received=st.binary(max_size=40),
)
def test_no_answer_makes_the_explanation_fail(
    key1: bytes, key2: bytes, key3: bytes, received: bytes
) -> None:
    challenge = Challenge(read_key(key1), read_key(key2), key3)
    explanation = WrongAnswers(challenge).explain(received)
    assert explanation.verdict
    assert not (explanation.is_right and explanation.causes)
