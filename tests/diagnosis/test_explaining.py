"""Wrong digests explained: each known bug is named, two together too, and nothing else ever is."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from ws76proxy.diagnosis import (
    HYPOTHESES,
    Asked,
    Cause,
    Explanation,
    Stream,
    WrongAnswers,
    all_causes,
    answer_like,
    cause_of,
    check_digest,
    explain_digest,
)
from ws76proxy.diagnosis.explaining import LEAST_PROOF
from ws76proxy.diagnosis.telling_apart import PROBES
from ws76proxy.wire import Challenge, read_key

from .challenges import asked, faulty, peculiar, usual

KEY1, KEY2 = read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00")
EXAMPLE = Challenge(KEY1, KEY2, b"^n:ds[4U")


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def codes(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.causes]


def assert_named(alike: list[tuple[Cause, bytes]], sent: bytes, explanation: Explanation) -> None:
    """Of the causes that send this, or more, the simplest are reported, and no other."""
    more = len(sent) >= 16
    fitting = [one for one, other in alike if other == sent or (more and other.startswith(sent))]
    fewest = min([cause.complexity for cause in fitting])
    reported = {cause.code for cause in explanation.causes}
    assert reported == {cause.code for cause in fitting if cause.complexity == fewest}


# These are often the same as another bug: in what they make of a key, or where Key2 comes first,
# or in the first 16 bytes.
OFTEN_ALIKE = {
    "digest-number-leading-digits",
    "digest-number-first-digits",
    "digest-keys-swapped",
    "digest-hex-half",
}


def test_each_bug_and_each_pair_is_recognised_on_a_thousand_challenges() -> None:
    """And on none of them is a random digest given a name, nor one that is nearly right."""
    random = Random(76)
    acted, alone = dict.fromkeys(HYPOTHESES, 0), dict.fromkeys(HYPOTHESES, 0)
    for number in range(1000):
        here = Asked((usual, peculiar)[number % 2](random))
        if number % 4 > 1:
            here = asked(here.challenge, random)
        answers = WrongAnswers(here)
        expected = here.challenge.answer
        assert expected is not None
        for alike in answers._made.values():
            for sent in {sent for _, sent in alike}:
                explanation = answers.explain(sent)
                assert explanation.is_right == (sent[:16] == expected)
                if explanation.is_right:
                    assert not explanation.causes
                    continue
                assert_named(alike, sent, explanation)
                if number % 2 == 0 and explanation.causes[0].complexity == 1:
                    for code in {one.code for one, other in alike if other == sent} & acted.keys():
                        acted[code] += 1
                        alone[code] += len(explanation.causes) == 1
        for _ in range(10):
            assert not answers.explain(random.randbytes(16)).causes
            flipped = bytearray(expected)
            # What differs behind a NUL only, looks like a digest that ended there.
            flipped[random.randrange(LEAST_PROOF)] ^= 1 << random.randrange(8)
            assert not answers.explain(bytes(flipped)).causes
    for code, bug in HYPOTHESES.items():
        if not bug.shows and code not in OFTEN_ALIKE:
            assert acted[code] > 240, code
            assert alone[code] > 0.95 * acted[code], code


def test_ten_thousand_right_digests_have_no_cause() -> None:
    random = Random(76)
    for _ in range(10_000):
        challenge = usual(random)
        parts = [(key.number or 0) // key.spaces for key in (challenge.key1, challenge.key2)]
        hashed = b"".join([part.to_bytes(4, "big") for part in parts]) + challenge.key3
        explanation = explain_digest(challenge, md5(hashed))
        assert explanation.is_right
        assert not explanation.causes
        assert explanation.verdict == "the digest is right"


def test_faulty_keys_have_causes_too() -> None:
    random = Random(76)
    for _ in range(100):
        here = asked(faulty(random), random)
        answers = WrongAnswers(here)
        for alike in answers._made.values():
            for sent in {sent for _, sent in alike}:
                assert_named(alike, sent, answers.explain(sent))
        assert not answers.explain(random.randbytes(16)).causes


def test_a_bug_that_changes_nothing_here_is_not_named() -> None:
    sent = answer_like("digest-little-endian+digest-key3-trimmed", EXAMPLE)
    assert sent is not None
    assert codes(explain_digest(EXAMPLE, sent)) == ["digest-little-endian"]
    spaced = Challenge(KEY1, KEY2, b" n:ds[4U")
    sent = answer_like("digest-little-endian+digest-key3-trimmed-left", spaced)
    assert sent is not None
    assert "digest-little-endian+digest-key3-trimmed-left" in codes(explain_digest(spaced, sent))


def test_unchecked_keys_hide_what_changes_nothing_here() -> None:
    # 1235 with 2 spaces: 617.5
    challenge = Challenge(read_key(b"1 2 3x5"), KEY2, b"^n:ds[4U")
    sent = md5((617).to_bytes(4, "big") + b"\x0f\x7e\xd6\x3c^n:ds[4U")
    assert codes(explain_digest(challenge, sent)) == ["digest-keys-unchecked"]


def test_hexadecimal_is_told_by_what_follows() -> None:
    text = b"386a4b5327793a472a436f2c5778612d"
    both = ["digest-hex", "digest-hex-half"]
    assert codes(explain_digest(EXAMPLE, text[:16])) == both
    assert codes(explain_digest(EXAMPLE, text)) == ["digest-hex"]
    assert codes(explain_digest(EXAMPLE, text[:20])) == ["digest-hex"]
    assert codes(explain_digest(EXAMPLE, text + b"\x00hello\xff")) == ["digest-hex"]
    assert codes(explain_digest(EXAMPLE, text[:16] + b"\x00hello\xff")) == ["digest-hex-half"]
    assert explain_digest(EXAMPLE, text[:16]).would_tell == (
        "what follows the first 16 bytes would tell them apart"
    )


def test_a_digest_cut_at_a_nul() -> None:
    # Its digest is 5a ae fe de c3 b8 46 48 59 00 7b 7b 58 b4 a9 ae.
    challenge = Challenge(KEY1, KEY2, b"^n:ds00D")
    cut = bytes.fromhex("5aaefedec3b8464859")
    until_nul = ["digest-sent-until-nul"]
    assert codes(explain_digest(challenge, cut)) == until_nul
    assert codes(explain_digest(challenge, cut + b"\x00hello\xff")) == until_nul
    assert codes(explain_digest(challenge, cut[:8])) == []
    assert codes(explain_digest(challenge, b"")) == []


def test_three_bytes_prove_nothing() -> None:
    random = Random(76)
    for _ in range(5000):
        challenge = usual(random)
        digest = challenge.answer
        assert digest is not None
        cut = digest.partition(b"\0")[0]
        if len(cut) < 4:
            assert answer_like("digest-sent-until-nul", challenge) == cut
            assert not explain_digest(challenge, cut).causes
            return
    pytest.fail("no digest with an early NUL")


def test_what_would_tell_does_tell() -> None:
    """Of each ambiguous explanation the probes that it names have a different answer for each."""
    random = Random(76)
    by_name = {probe.what: probe.asked for probe in PROBES}
    ambiguous = 0
    for _ in range(150):
        answers = WrongAnswers(asked(peculiar(random), random))
        for code in HYPOTHESES:
            sent = answer_like(code, answers.asked)
            if sent is None or len(sent) < LEAST_PROOF:
                continue
            explanation = answers.explain(sent[:16])
            if len(explanation.causes) < 2:
                continue
            ambiguous += 1
            told, _, end = explanation.would_tell.partition(" would tell ")
            assert end == "them apart"
            named = [probe for what, probe in by_name.items() if what in told]
            behind = "what follows" in told
            assert named or behind
            if not behind:
                sents = [
                    tuple([cause.server.answer(probe) for probe in named])
                    for cause in explanation.causes
                ]
                assert len(set(sents)) == len(sents)
    assert ambiguous > 100


def test_known_carriers_come_first() -> None:
    # key3 is ASCII: whether it is text as well as the parts does not show.
    sent = md5(b"\x31\x6e\x41\x13\x0f\x7e\xc3\x96\x3c^n:ds[4U")
    explanation = explain_digest(EXAMPLE, sent)
    assert codes(explanation) == ["digest-of-text", "digest-parts-utf8"]
    assert explanation.verdict == (
        "the challenge is hashed as UTF-8 text; or the bytes of the parts are hashed as UTF-8 text "
        "(bytes in key3 that are UTF-8, but not ASCII would tell them apart)"
    )


def test_nothing_known() -> None:
    explanation = explain_digest(EXAMPLE, b"0123456789abcdef")
    assert explanation.causes == ()
    assert explanation.would_tell == ""
    assert explanation.verdict == "none of the known bugs gives these bytes"


def found(
    received: bytes, challenge: Challenge = EXAMPLE, *, head: bytes = b"", behind: bytes = b""
) -> dict[str, str]:
    """Codes and details of what is found, all of it at the digest's place."""
    diagnoses = check_digest(
        challenge, received[:16], base=7, head=head, behind=behind, followed=received[16:]
    )
    for one in diagnoses:
        assert (one.stream, one.offset, one.evidence) == (Stream.SERVER, 7, received[:16])
    return {one.finding.code: one.detail for one in diagnoses}


def test_findings_show_the_bytes_where_the_bug_acts() -> None:
    sent = md5(b"\x13\x41\x6e\x31\x3c\xd6\x7e\x0f^n:ds[4U")
    assert found(sent) == {
        "digest-wrong": (
            "expected 38 6a 4b 53 27 79 3a 47 2a 43 6f 2c 57 78 61 2d, "
            f"found {sent.hex(' ')}; the parts are packed little-endian"
        ),
        "digest-little-endian": (
            "the parts are hashed as 13 41 6e 31 and 3c d6 7e 0f, not 31 6e 41 13 and 0f 7e d6 3c; "
            "this gives the bytes that came (known in: mod_wstunnel of lighttpd)"
        ),
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("digest-not-divided", "the parts are 4146546015 and 1299853100, not 829309203 and"),
        ("digest-key3-missing", "key3 is hashed as nothing, not 5e 6e 3a 64 73 5b 34 55;"),
        ("digest-keys-swapped", "what is hashed is 0f 7e d6 3c 31 6e 41 13 5e"),
        (
            "digest-of-17-bytes",
            "what is hashed is 31 6e 41 13 0f 7e d6 3c 5e 6e 3a 64 73 5b 34 55 00",
        ),
        ("digest-not-hashed", "the hash is 31 6e 41 13 0f"),
        (
            "digest-base64",
            "what is sent is 4f 47 70 4c 55 79 64 35 4f 6b 63 71 51 32 38 73 56 33 68",
        ),
    ],
)
def test_findings_speak_of_their_stage(code: str, words: str) -> None:
    sent = answer_like(code, EXAMPLE)
    assert sent is not None
    details = found(sent)
    assert list(details) == ["digest-wrong", code]
    assert details[code].startswith(words)


def test_a_pair_has_a_finding_each() -> None:
    sent = md5(b"\x3c\xd6\x7e\x0f\x13\x41\x6e\x31^n:ds[4U")
    details = found(sent)
    assert list(details) == ["digest-wrong", "digest-little-endian", "digest-keys-swapped"]
    assert "little-endian and the parts are hashed in the wrong order" in details["digest-wrong"]
    assert details["digest-keys-swapped"].endswith("together with digest-little-endian")
    assert "together with digest-keys-swapped" in details["digest-little-endian"]


def test_of_several_pairs_only_the_first_has_findings() -> None:
    """Each bug of each pair would be read as one bug more."""
    spaced = Challenge(KEY1, KEY2, b" n:ds[4U")
    sent = md5(b"\x13\x41\x6e\x31\x3c\xd6\x7e\x0fn:ds[4U")
    assert len(explain_digest(spaced, sent).causes) == 4
    details = found(sent, spaced)
    assert list(details) == ["digest-wrong", "digest-little-endian", "digest-key3-trimmed"]
    assert "digest-key3-trimmed-left" in details["digest-little-endian"]


def test_findings_name_what_they_cannot_tell_apart() -> None:
    challenge = Challenge(KEY1, KEY2, b"^n:ds[4\t")
    sent = md5(bytes.fromhex("316e41130f7ed63c") + b"^n:ds[4")
    details = found(sent, challenge)
    assert list(details) == [
        "digest-wrong",
        "digest-key3-trimmed",
        "digest-key3-trimmed-right",
        "digest-key3-trimmed-nul",
        "digest-key3-trimmed-controls",
    ]
    assert details["digest-wrong"].endswith(
        "key3 is stripped of white space at both ends, or it is one of 3 other bugs that give the "
        "same"
    )
    assert details["digest-key3-trimmed"].endswith(
        "; the same with digest-key3-trimmed-right, digest-key3-trimmed-nul, "
        "digest-key3-trimmed-controls: white space at the beginning of key3, a NUL at the "
        "beginning of key3 and a control character at the beginning of key3 would tell them apart"
    )


def test_the_request_is_evidence() -> None:
    head = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
    sent = md5(bytes.fromhex("316e41130f7ed63c") + b"Host: example.com")
    assert list(found(sent, head=head)) == ["digest-wrong", "digest-key3-last-line"]
    assert list(found(sent)) == ["digest-wrong"]
    sent = md5(bytes.fromhex("316e41130f7ed63c") + b"\x00early!\xff")
    assert list(found(sent, behind=b"\x00early!\xff\x00x\xff")) == [
        "digest-wrong",
        "digest-key3-next-bytes",
    ]
    assert list(found(sent)) == ["digest-wrong"]


def test_an_answer_to_faulty_keys_is_explained() -> None:
    # 1235 with 2 spaces: 617.5
    challenge = Challenge(read_key(b"1 2 3x5"), KEY2, b"^n:ds[4U")
    sent = md5((618).to_bytes(4, "big") + b"\x0f\x7e\xd6\x3c^n:ds[4U")
    details = found(sent, challenge)
    assert list(details) == [
        "faulty-keys-accepted",
        "digest-division-up",
        "digest-division-nearest",
    ]
    assert details["digest-division-up"].startswith("the parts are 618 and 259970620; ")


def test_a_long_stage_is_cut() -> None:
    challenge = Challenge(read_key(b"1 2" + b"x" * 5000), KEY2, b"^n:ds[4U")
    sent = answer_like("digest-keys-as-text", challenge)
    assert sent is not None
    detail = found(sent, challenge)["digest-keys-as-text"]
    assert "78 78 ... (5003 bytes) and 31 32 39" in detail
    assert len(detail) < 500


def test_pairs_are_found_by_their_code() -> None:
    for cause in all_causes()[::50]:
        assert cause_of(cause.code) == cause
