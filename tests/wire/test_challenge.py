"""The challenge: published vectors, keys taken apart, keys made."""

from __future__ import annotations

import hashlib
import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.wire import Challenge, KeyFault, digest, generate_challenge, generate_key, read_key
from ws76proxy.wire.challenge import MAX_KEY_NUMBER, RandomBelow


class Vector(NamedTuple):
    """A challenge that the draft publishes; `parts` are stated there or recomputed by hand."""

    key1: bytes
    key2: bytes
    key3: bytes
    parts: tuple[int, int]
    answer: bytes


# Source of all three: draft-ietf-hybi-thewebsocketprotocol-00 (= draft-hixie-...-76), in the
# section named. Verifier: hashlib's MD5 over the parts, in test_the_answer_is_the_md5_of_the_parts.
VECTORS = [
    pytest.param(
        Vector(
            b"4 @1  46546xW%0l 1 5",
            b"12998 5 Y3 1  .P00",
            b"^n:ds[4U",
            (829309203, 259970620),
            b"8jKS'y:G*Co,Wxa-",
        ),
        id="section 1.2",
    ),
    pytest.param(
        Vector(
            b"18x 6]8vM;54 *(5:  {   U1]8  z [  8",
            b"1_ tx7X d  <  nf  334J702) 7]o}` 0",
            b"Tm[K T2u",
            (155712099, 173347027),
            b"fQJ,fN/4F4!~K~MH",
        ),
        id="section 1.3",
    ),
    pytest.param(
        Vector(
            b"3e6b263  4 17 80",
            b"17  9 G`ZD9   2 2b 7X 3 /r90",
            b"WjN}|M(6",
            (0x36096565, 0x0AB96733),
            bytes.fromhex("6e60 3965 426b 397a 2452 3870 4f74 5662"),
        ),
        id="section 5.2",
    ),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_published_vector(vector: Vector) -> None:
    challenge = Challenge(read_key(vector.key1), read_key(vector.key2), vector.key3)
    assert (challenge.key1.part, challenge.key2.part) == vector.parts
    assert not challenge.key1.faults
    assert not challenge.key2.faults
    assert challenge.answer == digest(*vector.parts, vector.key3) == vector.answer


@pytest.mark.parametrize("vector", VECTORS)
def test_the_answer_is_the_md5_of_the_parts(vector: Vector) -> None:
    """Recomputed without the package: digits, spaces, division, MD5."""
    hashed = b""
    for key in (vector.key1.decode(), vector.key2.decode()):
        number = int("".join(c for c in key if c in "0123456789"))
        assert number % key.count(" ") == 0
        hashed += (number // key.count(" ")).to_bytes(4, "big")
    assert hashlib.md5(hashed + vector.key3, usedforsecurity=False).digest() == vector.answer


def test_concatenation_is_what_is_hashed() -> None:
    """The bytes that section 5.2 prints for its example."""
    challenge = Challenge(
        read_key(b"3e6b263  4 17 80"), read_key(b"17  9 G`ZD9   2 2b 7X 3 /r90"), b"WjN}|M(6"
    )
    assert challenge.concatenation == bytes.fromhex("36096565 0AB96733 576A4E7D7C4D2836")


@pytest.mark.parametrize(
    ("text", "faults", "fatal"),
    [
        (b"1 2", (), False),
        (b"0 0", (), False),
        (b"4294967295 !", (), False),
        (b"", (KeyFault.NO_DIGITS, KeyFault.NO_SPACES), True),
        (b"a b", (KeyFault.NO_DIGITS,), True),
        (b"12", (KeyFault.NO_SPACES,), True),
        (b"4294967296 !", (KeyFault.NUMBER_TOO_LARGE,), True),
        (b"9" * 41 + b" !", (KeyFault.NUMBER_TOO_LARGE,), True),
        (b"4294967297", (KeyFault.NO_SPACES, KeyFault.NUMBER_TOO_LARGE), True),
        (b"3 ! !", (KeyFault.NOT_DIVISIBLE,), True),
        (b" 12", (KeyFault.LEADING_SPACE,), False),
        (b"12 ", (KeyFault.TRAILING_SPACE,), False),
        (b"13" + b" " * 13 + b"!", (KeyFault.TOO_MANY_SPACES,), False),
        (b"12\t !", (KeyFault.ODD_CHARACTERS,), False),
        (b"12 \xb2", (KeyFault.ODD_CHARACTERS,), False),
        (b"1\x7f2 !", (KeyFault.ODD_CHARACTERS,), False),
    ],
)
def test_faults_of_a_key(text: bytes, faults: tuple[KeyFault, ...], fatal: bool) -> None:
    key = read_key(text)
    assert key.faults == faults
    assert key.fatal is fatal
    assert (key.part is None) is fatal


def test_digits_beyond_what_int_takes() -> None:
    """int() refuses more than some 4,300 digits, leading zeros included; a peer may send them."""
    assert read_key(b"0" * 60_000 + b"12 !").number == 12
    assert read_key(b"0" * 60_000 + b" !").part == 0
    assert read_key(b"9" * 60_000 + b" !").number is None


@pytest.mark.parametrize("good", [b"1 2", b" 0 "])
@pytest.mark.parametrize("bad", [b"", b"12", b"1 ! !", b"5000000000 !"])
def test_no_answer_when_the_server_must_abort(good: bytes, bad: bytes) -> None:
    for keys in ((good, bad), (bad, good)):
        challenge = Challenge(read_key(keys[0]), read_key(keys[1]), b"12345678")
        assert challenge.concatenation is None
        assert challenge.answer is None


key_like = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet="0123456789  !aZ~", max_size=40).map(str.encode),
)


@given(key_like)
def test_reading_as_the_draft_tells_it(text: bytes) -> None:
    """Section 5.2, steps 4 to 7, a character at a time."""
    number, digits, spaces = 0, 0, 0
    for byte in text:
        if 0x30 <= byte <= 0x39:
            number = number * 10 + byte - 0x30
            digits += 1
        elif byte == 0x20:
            spaces += 1
    key = read_key(text)
    assert (key.text, len(key.digits), key.spaces) == (text, digits, spaces)
    aborts = not digits or not spaces or number > MAX_KEY_NUMBER or number % spaces != 0
    assert key.fatal is aborts
    assert key.part == (None if aborts else number // spaces)
    if digits:
        assert key.number == number


entropy = st.one_of(
    st.randoms(use_true_random=False).map(lambda source: source.randrange),
    st.just(lambda below: 0),
    st.just(lambda below: below - 1),
)


@given(entropy)
def test_a_generated_key_obeys_the_draft(random_below: RandomBelow) -> None:
    """Section 4.1, steps 16 to 22, told by what must be true of the result."""
    asked: list[int] = []

    def recorded(below: int) -> int:
        asked.append(below)
        assert below > 0
        chosen = random_below(below)
        assert 0 <= chosen < below
        return chosen

    key = generate_key(recorded)
    assert not key.faults
    assert 1 <= key.spaces <= 12
    assert key.text[:1] != b" " != key.text[-1:]
    filling = [byte for byte in key.text if byte not in b"0123456789 "]
    assert 1 <= len(filling) <= 12
    assert all(0x21 <= byte <= 0x2F or 0x3A <= byte <= 0x7E for byte in filling)
    assert key.part is not None
    assert 0 <= key.part <= MAX_KEY_NUMBER // key.spaces
    # No superfluous digit: the product as text, without leading zeros.
    assert key.digits == str(key.part * key.spaces).encode()
    assert read_key(key.text) == key
    assert asked[:2] == [12, MAX_KEY_NUMBER // key.spaces + 1]


def test_generated_keys_use_the_whole_range() -> None:
    source = random.Random(76)
    keys = [generate_key(source.randrange) for _ in range(2000)]
    assert {key.spaces for key in keys} == set(range(1, 13))
    used = set(b"".join(key.text for key in keys))
    assert used == set(range(0x20, 0x7F))
    assert max(key.number or 0 for key in keys) > MAX_KEY_NUMBER * 0.99


@given(entropy)
def test_a_generated_challenge_has_an_answer(random_below: RandomBelow) -> None:
    challenge = generate_challenge(random_below)
    assert len(challenge.key3) == 8
    assert challenge.answer is not None
    assert len(challenge.answer) == 16
