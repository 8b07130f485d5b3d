"""The judges, one answer at a time: bytes and an end in, a verdict and a sentence out."""

from __future__ import annotations

import pytest

from ws76proxy.probe.judges import Expect, answers, closes, ends, opens, replaces, texts, withholds
from ws76proxy.probe.keys import easy_key, easy_key3, entropy, key_of
from ws76proxy.probe.model import Facts, Judge, Judgement, Requirement, Verdict
from ws76proxy.probe.opening import right_opening
from ws76proxy.probe.script import Script, Until
from ws76proxy.probe.witness import KEPT, Ended, Outcome, Witness
from ws76proxy.wire import read_key
from ws76proxy.wire.dialect import Dialect

from .playing import TARGET

MUST, SHOULD, MAY = Requirement.MUST, Requirement.SHOULD, Requirement.MAY
OK, NON_STRICT, FAILED = Verdict.OK, Verdict.NON_STRICT, Verdict.FAILED

OPENING = right_opening(TARGET, Dialect.HIXIE_76, entropy("judges"))
SCRIPT = Script(OPENING, ())
assert OPENING.challenge is not None
assert OPENING.challenge.answer is not None
HEAD = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://127.0.0.1:8076\r\n"
    b"Sec-WebSocket-Location: ws://127.0.0.1:8076/echo?room=1\r\n"
    b"\r\n"
)
DIGEST = OPENING.challenge.answer
OPENED = HEAD + DIGEST
LAST = b"\x00last\xff"


def witness(*chunks: bytes, ended: Ended | None = None, script: Script = SCRIPT) -> Witness:
    """A witness of these reads, and of the end."""
    made = Witness(script)
    for chunk in chunks:
        made.receive(chunk)
    if ended is not None:
        made.end(ended, 5.0)
    return made


def judged(judge: Judge, made: Witness, facts: Facts | None = None) -> Judgement:
    return judge(made, facts or Facts())


# The witness

OUTCOMES = [
    (OPENED, None, Outcome.RIGHT, "answered 101 with the right digest"),
    (HEAD + bytes(16), None, Outcome.WRONG, f"expected {DIGEST.hex(' ')}"),
    (HEAD + DIGEST[:5], Ended.TIME, Outcome.SHORT, "with 5 of 16 bytes and did no more in 5 s"),
    (HEAD, Ended.CLOSED, Outcome.ABORTED, "with 0 of 16 bytes and closed the connection"),
    (HEAD, Ended.RESET, Outcome.ABORTED, "with 0 of 16 bytes and reset the connection"),
    (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        Ended.CLOSED,
        Outcome.REFUSED,
        'answered "HTTP/1.1 400 Bad Request" and closed the connection',
    ),
    (
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        None,
        Outcome.REFUSED,
        'answered "HTTP/1.1 403 Forbidden"',
    ),
    (
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        Ended.TIME,
        Outcome.REFUSED_OPEN,
        'answered "HTTP/1.1 404 Not Found" and left the connection open for 5 s',
    ),
    (b"", Ended.CLOSED, Outcome.CLOSED, "closed the connection without a byte"),
    (b"", Ended.RESET, Outcome.CLOSED, "reset the connection without a byte"),
    (b"", Ended.TIME, Outcome.SILENT, "said nothing in 5 s"),
    (
        b"\x15\x03\x01\x00\x02\x02\x46",
        Ended.CLOSED,
        Outcome.NOT_HTTP,
        'answered "\\x15\\x03\\x01\\x00\\x02\\x02F", which is no HTTP answer, and closed',
    ),
    (b"HELLO\r\n\r\n", None, Outcome.NOT_HTTP, 'answered "HELLO\\r\\n\\r\\n", which is no HTTP'),
    (b"HTTP/1.1 1", Ended.CLOSED, Outcome.NOT_HTTP, "which is no HTTP answer"),
]


@pytest.mark.parametrize(("data", "ended", "outcome", "words"), OUTCOMES)
@pytest.mark.parametrize("cut", [None, 1, 7])
def test_outcomes(
    data: bytes, ended: Ended | None, outcome: Outcome, words: str, cut: int | None
) -> None:
    chunks = [data] if cut is None else [data[i : i + cut] for i in range(0, len(data), cut)]
    made = witness(*filter(None, chunks), ended=ended)
    assert made.outcome is outcome
    assert words in made.in_words


def test_only_the_first_end_counts() -> None:
    made = witness(b"", ended=Ended.TIME)
    made.end(Ended.CLOSED)
    assert made.ended is Ended.TIME


def test_what_is_waited_for() -> None:
    made = witness()
    for until in Until:
        assert not made.reached(until)
    made.receive(HEAD)
    assert not made.reached(Until.ANSWERED)
    made.receive(DIGEST)
    assert made.reached(Until.ANSWERED)
    assert made.reached(Until.SETTLED)
    assert not made.reached(Until.ECHOED, b"last")
    made.receive(LAST)
    assert made.reached(Until.ECHOED, b"last")
    assert not made.reached(Until.CLOSING)
    made.receive(b"\xff\x00")
    assert made.reached(Until.CLOSING)
    assert not made.reached(Until.ENDED)
    made.end(Ended.CLOSED)
    assert all(made.reached(until) for until in Until)


def test_a_refusal_is_an_answer_and_settles_nothing() -> None:
    made = witness(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert made.reached(Until.ANSWERED)
    assert not made.reached(Until.SETTLED)


def test_a_witness_reads_up_to_its_limit() -> None:
    made = witness(OPENED)
    piece = b"\x00" + b"a" * 65_536 + b"\xff"
    for _ in range(SCRIPT.limit // len(piece) + 1):
        made.receive(piece)
    assert made.ended is Ended.LIMIT
    assert sum(map(len, made.payloads)) <= SCRIPT.limit
    assert len(made.beginning) == KEPT


# The opening handshake

REFUSED = (b"HTTP/1.1 400 Bad Request\r\n\r\n", Ended.CLOSED)
LINGERS = (b"HTTP/1.1 400 Bad Request\r\n\r\n", Ended.TIME)
RIGHT = (OPENED, None)
WRONG = (HEAD + bytes(16), None)
SHORT = (HEAD, Ended.TIME)
ABORTED = (HEAD, Ended.CLOSED)
SILENT = (b"", Ended.TIME)
CLOSED = (b"", Ended.CLOSED)
BABBLE = (b"hello\r\n\r\n", Ended.CLOSED)


@pytest.mark.parametrize(
    ("expect", "requirement", "verdicts"),
    [
        (Expect.OPEN, MUST, "right wrong! short! aborted! refused! lingers! silent! babble!"),
        (Expect.OPEN, SHOULD, "right wrong! short! aborted? refused? lingers? silent! babble!"),
        (Expect.REFUSE, MUST, "right! wrong! short! aborted refused lingers? silent! babble!"),
        (Expect.REFUSE, SHOULD, "right? wrong! short? aborted refused lingers silent? babble!"),
        (Expect.EITHER, MAY, "right wrong! short? aborted refused lingers silent? babble!"),
    ],
)
def test_verdicts_of_openings(expect: Expect, requirement: Requirement, verdicts: str) -> None:
    answers_by_name = {
        "right": RIGHT,
        "wrong": WRONG,
        "short": SHORT,
        "aborted": ABORTED,
        "refused": REFUSED,
        "lingers": LINGERS,
        "silent": SILENT,
        "babble": BABBLE,
    }
    found = []
    for name, (data, ended) in answers_by_name.items():
        made = witness(data, ended=ended) if data else witness(ended=ended)
        verdict = judged(opens(expect, requirement), made).verdict
        found.append(name + {OK: "", NON_STRICT: "?", FAILED: "!"}[verdict])
    assert " ".join(found) == verdicts


def test_a_wrong_digest_is_explained_by_the_catalogue() -> None:
    judgement = judged(opens(), witness(HEAD + bytes(16)))
    assert "digest-wrong" in {one.finding.code for one in judgement.findings}


def test_a_known_reading_of_the_keys_is_named() -> None:
    keyed = OPENING.with_keys(key1=b" x202 908 720QQ")
    script = Script(keyed, ())
    stripped = keyed.with_keys(key1=b"x202 908 720QQ").challenge
    assert stripped is not None
    assert stripped.answer is not None
    judge = opens(readings=lambda _: {"stripped": (b"x202 908 720QQ", keyed.value(KEY2))})
    judgement = judged(judge, witness(HEAD + stripped.answer, script=script))
    assert judgement.verdict is NON_STRICT
    assert judgement.came.endswith("the digest for the keys stripped")


KEY2 = b"Sec-WebSocket-Key2"


def test_fields_count_where_they_are_looked_at() -> None:
    made = witness(OPENED.replace(b"Origin: http", b"Origin: ftp"))
    assert judged(opens(), made).verdict is OK
    assert judged(opens(fields=["location-*"]), made).verdict is OK
    found = judged(opens(fields=["origin-*"]), made)
    assert found.verdict is FAILED
    assert [one.finding.code for one in found.findings] == ["origin-differs"]
    assert '"ftp://127.0.0.1:8076"' in found.came
    tolerant = opens(fields=["origin-*"], tolerated=["origin-differs"])
    assert judged(tolerant, made).verdict is NON_STRICT


def test_fields_count_though_the_digest_is_wrong() -> None:
    made = witness(HEAD + bytes(16))
    assert judged(answers("location-*"), made).verdict is OK
    made = witness(HEAD.replace(b"ws:", b"wss:") + bytes(16))
    assert judged(answers("location-*"), made).verdict is FAILED


def test_what_the_catalogue_only_mentions_can_be_unwelcome() -> None:
    made = witness(OPENED.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: x\r\n\r\n", 1))
    assert judged(answers("protocol-*"), made).verdict is OK
    judge = answers("protocol-*", unwelcome=["protocol-unasked"])
    assert judged(judge, made).verdict is NON_STRICT


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(RIGHT, FAILED), (WRONG, FAILED), (SILENT, NON_STRICT), (CLOSED, OK), (ABORTED, OK)],
)
def test_half_a_challenge(answer: tuple[bytes, Ended | None], verdict: Verdict) -> None:
    data, ended = answer
    made = witness(data, ended=ended) if data else witness(ended=ended)
    assert judged(withholds(), made).verdict is verdict


# Messages


def frames(*payloads: bytes) -> bytes:
    return b"".join([b"\x00" + payload + b"\xff" for payload in payloads])


@pytest.mark.parametrize(
    ("data", "ended", "verdict", "came"),
    [
        (frames(b"a", b"b", b"last"), None, OK, "the server echoed all 2 messages"),
        (frames(b"b", b"a", b"last"), None, FAILED, 'expected "a", found "b"'),
        (frames(b"a", b"last"), Ended.TIME, FAILED, 'message 2: expected "b", found "last"'),
        (frames(b"a"), Ended.CLOSED, FAILED, "1 of 3 messages came back; the server closed"),
        (b"", Ended.TIME, FAILED, "0 of 3 messages came back; the server did no more in 5 s"),
        (frames(b"a", b"b", b"last", b"last"), None, FAILED, 'too many came back: "last"'),
        (frames(b"a", b"b", b"last") + b"\x81\x00", None, FAILED, "0x81"),
        (frames(b"hi", b"a", b"b", b"last"), None, OK, "all 2"),
    ],
)
def test_echoes(data: bytes, ended: Ended | None, verdict: Verdict, came: str) -> None:
    facts = Facts(greetings=frozenset({b"hi"}))
    judgement = judged(
        texts([b"a", b"b"], last=b"last"), witness(OPENED + data, ended=ended), facts
    )
    assert judgement.verdict is verdict
    assert came in judgement.came


def test_what_is_to_be_discarded() -> None:
    judge = texts([], last=b"last", unwanted=[b"inner"])
    assert judged(judge, witness(OPENED + frames(b"last"))).verdict is OK
    judgement = judged(judge, witness(OPENED + frames(b"inner", b"last")))
    assert judgement.verdict is FAILED
    assert judgement.came == 'the server echoed "inner", which is to be discarded'


def test_a_deviation_that_is_only_a_should() -> None:
    judge = texts([b"a"], last=b"last", requirement=SHOULD)
    assert judged(judge, witness(OPENED + frames(b"last"))).verdict is NON_STRICT
    assert judged(judge, witness(OPENED, ended=Ended.TIME)).verdict is FAILED
    http = OPENED + b"HTTP/1.1 500 Oh\r\n\r\n"
    assert judged(judge, witness(http, ended=Ended.CLOSED)).verdict is FAILED


BAD = b"a\xe4\xb8b"


@pytest.mark.parametrize(
    ("data", "ended", "verdict", "came"),
    [
        (frames("a\ufffdb".encode(), b"last"), None, OK, "U+FFFD"),
        (frames("a\ufffd\ufffdb".encode(), b"last"), None, OK, "U+FFFD"),
        (frames(BAD, b"last"), None, NON_STRICT, "as they came"),
        (frames(b"last"), None, NON_STRICT, "dropped"),
        (frames(b"ab", b"last"), None, NON_STRICT, 'made "ab" of "a\\xe4\\xb8b"'),
        (b"", Ended.CLOSED, NON_STRICT, "closed the connection"),
        (b"", Ended.TIME, FAILED, "did no more"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", Ended.CLOSED, FAILED, "HTTP begins"),
    ],
)
def test_bad_utf8(data: bytes, ended: Ended | None, verdict: Verdict, came: str) -> None:
    judgement = judged(replaces(BAD, last=b"last"), witness(OPENED + data, ended=ended))
    assert judgement.verdict is verdict
    assert came in judgement.came


# Closing

END = b"\xff\x00"


@pytest.mark.parametrize(
    ("data", "ended", "verdict", "came"),
    [
        (END, None, OK, "the server answered FF 00"),
        (END, Ended.CLOSED, OK, "the server answered FF 00"),
        (b"", Ended.CLOSED, NON_STRICT, "no FF 00 came back: the server closed"),
        (b"", Ended.RESET, NON_STRICT, "no FF 00 came back: the server reset"),
        (b"", Ended.TIME, FAILED, "no FF 00 came back: the server did no more in 5 s"),
        (b"\x00\xff", Ended.CLOSED, FAILED, 'a message too many came back: ""'),
        (END + frames(b"x"), None, FAILED, "x"),
        (frames(b"late"), Ended.CLOSED, NON_STRICT, "sent behind FF 00"),
        (END + frames(b"late"), None, FAILED, "follows FF 00"),
    ],
)
def test_closing(data: bytes, ended: Ended | None, verdict: Verdict, came: str) -> None:
    judge = closes(unwanted=[b"late"])
    judgement = judged(judge, witness(OPENED + data, ended=ended))
    assert judgement.verdict is verdict
    assert came in judgement.came


def test_what_must_come_before_the_end() -> None:
    judge = closes(wanted=[b"a"])
    assert judged(judge, witness(OPENED + frames(b"a") + END)).verdict is OK
    assert judged(judge, witness(OPENED + END)).verdict is FAILED


@pytest.mark.parametrize(
    ("data", "ended", "verdict"),
    [
        (b"", Ended.CLOSED, OK),
        (b"", Ended.RESET, OK),
        (END, Ended.CLOSED, OK),
        (b"", Ended.TIME, NON_STRICT),
        (frames(b"half"), Ended.CLOSED, FAILED),
    ],
)
def test_the_end_of_tcp(data: bytes, ended: Ended, verdict: Verdict) -> None:
    judge = ends(unwanted=[b"half"])
    assert judged(judge, witness(OPENED + data, ended=ended)).verdict is verdict


def test_talk_without_a_connection_fails() -> None:
    for judge in (texts([], last=b"last"), closes(), ends(), replaces(BAD, last=b"last")):
        judgement = judged(judge, witness(ended=Ended.CLOSED))
        assert judgement.verdict is FAILED
        assert judgement.came.startswith("no connection: the server closed")


# Keys


def test_keys_are_made_as_asked() -> None:
    for number, spaces in ((0, 1), (1, 12), (4_294_967_295, 1), (12345, 7)):
        key = read_key(key_of(number, spaces))
        assert key.faults == ()
        assert (key.part, key.spaces) == (number, spaces)


def test_easy_keys_are_the_same_in_every_run() -> None:
    first, second = entropy("a case"), entropy("a case")
    assert [easy_key(first), easy_key3(first)] == [easy_key(second), easy_key3(second)]
    assert easy_key(entropy("a case")) != easy_key(entropy("another"))
