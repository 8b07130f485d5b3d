"""Challenges as clients make them, such with what rarely is in one, and faulty ones."""

from __future__ import annotations

from random import Random

from ws76proxy.diagnosis import Asked
from ws76proxy.wire import Challenge, Key, generate_challenge, read_key

__all__ = ["asked", "faulty", "peculiar", "usual"]

_NAMES = (b"Sec-WebSocket-Key1: x\r\n", b"Sec-WebSocket-Key2: x\r\n")
_HEADS = tuple(
    b"GET / HTTP/1.1\r\n" + one + other + b"Origin: http://example.com\r\n\r\n"
    for one, other in (_NAMES, _NAMES[::-1])
)
_RARE = b"\0\x01 \t\r\n\x80\xc3\xa9ab"


def usual(random: Random) -> Challenge:
    """A challenge as the draft's client makes it."""
    return generate_challenge(random.randrange)


def peculiar(random: Random) -> Challenge:
    """One with an answer, often with rare bytes in key3, small parts, and odd white space."""
    key1, key2 = (_key(random, random.randint(1, 12), faulty=False) for _ in range(2))
    return Challenge(key1, key2, _key3(random))


def faulty(random: Random) -> Challenge:
    """One without an answer: a server that gives one has not looked at the keys."""
    while True:
        key1, key2 = (_key(random, random.randint(0, 12), faulty=True) for _ in range(2))
        challenge = Challenge(key1, key2, _key3(random))
        if challenge.answer is None:
            return challenge


def asked(challenge: Challenge, random: Random) -> Asked:
    """The challenge in a request with its keys in any order, and with a frame behind it."""
    return Asked(challenge, random.choice(_HEADS), b"\x00early %d\xff" % random.randrange(10**6))


def _key(random: Random, spaces: int, *, faulty: bool) -> Key:
    number = random.choice((random.randrange(2**12), random.randrange(2**32 // max(spaces, 1))))
    if faulty:
        product = random.choice(("", str(number * spaces + 1), str(number * 2**14)))
    else:
        product = str(number * spaces)
    text = bytearray(product.encode())
    for filling in random.sample(b"!x~\t", random.randint(1, 3)):
        text.insert(random.randrange(len(text) + 1), filling)
    for _ in range(spaces):
        text.insert(random.randrange(len(text) + 1), 0x20)
    return read_key(bytes(text))


def _key3(random: Random) -> bytes:
    return bytes(random.choice((*_RARE, random.randrange(256))) for _ in range(8))
