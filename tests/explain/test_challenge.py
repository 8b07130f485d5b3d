"""Keys alone: the digest that the server must send, and what is said of the one that it sent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.commands import ws76proxy
from ws76proxy.diagnosis import HYPOTHESES, answer_like
from ws76proxy.explain import explain_challenge
from ws76proxy.wire.challenge import Challenge, generate_challenge, read_key

from .handshakes import findings

# Published vectors: key1, key2, key3, answer; the first is in draft -76, section 1.2.
VECTORS = [
    ("4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", b"^n:ds[4U", b"8jKS'y:G*Co,Wxa-"),
    (
        "18x 6]8vM;54 *(5:  {   U1]8  z [  8",
        "1_ tx7X d  <  nf  334J702) 7]o}` 0",
        b"Tm[K T2u",
        b"fQJ,fN/4F4!~K~MH",
    ),
]


def keys(key1: str, key2: str, key3: str, *more: str) -> list[str]:
    return ["explain", "--key1", key1, "--key2", key2, "--key3", key3, *more]


@pytest.mark.parametrize(("key1", "key2", "key3", "answer"), VECTORS)
def test_each_step_is_printed(key1: str, key2: str, key3: bytes, answer: bytes) -> None:
    done = ws76proxy(*keys(key1, key2, key3.hex()))
    assert done.returncode == 0
    printed = " ".join(done.stdout.split())
    hashed = b""
    for key in (key1, key2):
        number = int("".join(filter(str.isdigit, key)))
        spaces = key.count(" ")
        assert f"digits {number}" in printed
        assert f"spaces {spaces}" in printed
        assert f"{number} ÷ {spaces} spaces = {number // spaces}" in printed
        assert f"{number // spaces:08x}" in printed
        hashed += (number // spaces).to_bytes(4, "big")
    hashed += key3
    assert hashed.hex(" ", -4) in printed
    assert hashlib.md5(hashed).digest() == answer  # noqa: S324 - what the draft says
    assert answer.hex(" ", -4) in printed
    assert answer.decode() in printed


@pytest.mark.parametrize(("key1", "key2", "key3", "answer"), VECTORS)
def test_the_right_answer(key1: str, key2: str, key3: bytes, answer: bytes) -> None:
    done = ws76proxy(*keys(key1, key2, key3.hex(":"), "--response", answer.hex(" ")))
    assert done.returncode == 0
    assert "digest verified" in done.stdout


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(HYPOTHESES)))
def test_a_wrong_answer_is_named(random: object, code: str) -> None:
    challenge = generate_challenge(lambda n: random.randrange(n))  # type: ignore[attr-defined]
    sent = answer_like(code, challenge)
    if not sent or sent[:16] == challenge.answer:
        return
    texts = challenge.key1.text, challenge.key2.text
    codes = findings(explain_challenge(*texts, challenge.key3, sent, ()))
    assert codes & {"digest-wrong", "digest-short"}
    if len(sent) >= 16:
        assert codes - {"digest-wrong", "keys-well-formed"}


def test_a_wrong_answer_fails() -> None:
    key1, key2, key3, _ = VECTORS[0]
    swapped = answer_like("digest-keys-swapped", _challenge(0))
    assert swapped is not None
    done = ws76proxy(*keys(key1, key2, key3.hex(), "--response", swapped.hex()))
    assert done.returncode == 1
    assert "digest-keys-swapped" in done.stdout
    assert "DIGEST WRONG" in done.stdout


def test_an_answer_cut_short() -> None:
    key1, key2, key3, answer = VECTORS[0]
    done = ws76proxy(*keys(key1, key2, key3.hex(), "--response", answer[:7].hex()))
    assert done.returncode == 1
    assert "digest-short" in done.stdout
    assert "7 of 16 bytes" in done.stdout


def test_keys_that_have_no_answer() -> None:
    done = ws76proxy(*keys("18x6]8vM", "abc d", "00" * 8))
    assert done.returncode == 1
    assert {"key-no-spaces", "key-no-digits"} <= set(done.stdout.replace(",", " ").split())


def test_as_json() -> None:
    key1, key2, key3, answer = VECTORS[1]
    done = ws76proxy(*keys(key1, key2, key3.hex(), "--json"))
    (session,) = json.loads(done.stdout)["sessions"]
    assert session["challenge"]["answer"] == answer.hex()
    assert session["challenge"]["key1"]["part"] == 155712099


def test_as_markdown() -> None:
    key1, key2, key3, answer = VECTORS[1]
    done = ws76proxy(*keys(key1, key2, key3.hex(), "--markdown"))
    assert answer.hex(" ", -4) in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--key1", "1 1"], "--key1, --key2 and --key3 together"),
        (["--response", "00" * 16], "--key1, --key2 and --key3 together"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "00" * 7], "8 bytes in hexadecimal, found 7"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "00" * 9], "8 bytes in hexadecimal, found 9"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "^n:ds[4U"], "'^n:ds[4U'"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "0"], "expected bytes in hexadecimal"),
        (["--key1", "1\n1", "--key2", "1 1", "--key3", "00" * 8], "line end"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "00" * 8, "--response", ""], "16 bytes"),
        (["--key1", "1 1", "--key2", "1 1", "--key3", "00" * 8, "FILE"], "both"),
        ([], "neither"),
    ],
)
def test_wrong_usage(arguments: list[str], expected: str, tmp_path: Path) -> None:
    done = ws76proxy("explain", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert expected in line


def _challenge(vector: int) -> Challenge:
    key1, key2, key3, _ = VECTORS[vector]
    return Challenge(read_key(key1.encode()), read_key(key2.encode()), key3)
