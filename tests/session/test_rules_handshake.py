"""Who changes the challenge: the server is held to what it was asked, the client gets its own."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.record import ChallengeRecord
from ws76proxy.scripting import Request, Script
from ws76proxy.wire import RequestHead, hixie76

from .examples import DIGEST, KEY3, answer, request
from .playbook import Play, in_words
from .rulebook import message, request_rule

ASK = request() + KEY3
SAYS_SO = "the challenge was changed on its way"


def keys_by_script(asked: Request) -> None:
    """Ask something else."""
    asked.headers["Sec-WebSocket-Key1"] = "1 2"


CHANGES: dict[str, dict[str, Any]] = {
    "a key": {
        "rules": request_rule('action = "set-field", name = "Sec-WebSocket-Key1", value = "1 2"')
    },
    "key3": {"rules": request_rule('action = "cut-key3", bytes = 3')},
    "all of key3": {"rules": request_rule('action = "cut-key3", bytes = 0')},
    "a key, by a script": {"scripts": [Script("s", "s.py", on_request=keys_by_script)]},
    "both": {
        "rules": request_rule(
            'action = "cut-key3", bytes = 7',
            'action = "set-field", name = "Sec-WebSocket-Key2", value = "3  4"',
        )
    },
}  # fmt: skip


def answer_of(sent: bytes) -> bytes:
    """What a server that goes by what it got answers."""
    head, _, key3 = sent.partition(b"\r\n\r\n")
    challenge = hixie76.challenge_of(RequestHead(head + b"\r\n\r\n"), key3)
    assert challenge is not None
    assert challenge.answer is not None
    return challenge.answer


def challenges(play: Play) -> list[tuple[str, str, str]]:
    """Who asked, who answered, and how."""
    return [
        (one.asked_by, one.answered_by, one.verdict)
        for one in play.records
        if isinstance(one, ChallengeRecord)
    ]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("challenge", ["forward", "own"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_right_answer_to_a_changed_challenge(change: str, challenge: str, pieces: int) -> None:
    play = Play(host="keep", challenge=challenge, **CHANGES[change])
    size = -(-len(ASK) // pieces)
    play.client(*(ASK[at : at + size] for at in range(0, len(ASK), size)))
    sent = b"".join(play.sent("server"))
    assert sent != ASK
    if "key3" in change:
        kept = 3 if change == "key3" else 0
        assert len(sent.partition(b"\r\n\r\n")[2]) == kept
    if change.startswith("a key"):
        # Our own challenge does not undo what somebody wants.
        assert b"Sec-WebSocket-Key1: 1 2\r\n" in sent
    assert [text for text in play.notices if SAYS_SO in text] != []
    play.server(answer() + answer_of(sent))
    play.to_client(answer() + DIGEST)
    assert challenges(play) == [
        ("relay", "server", "verified"),
        ("client", "relay", "verified"),
    ]
    assert play.session.verdict == "verified"
    assert play.codes == []
    play.client(b"\x00a\xff")
    play.to_server(b"\x00a\xff")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("challenge", ["forward", "own"])
def test_wrong_answer_to_a_changed_challenge(change: str, challenge: str) -> None:
    play = Play(host="keep", challenge=challenge, **CHANGES[change])
    play.client(ASK)
    play.sent("server")
    # To the client this is right; the server was asked something else.
    play.server(answer() + DIGEST)
    play.to_client(answer() + DIGEST)
    assert challenges(play)[0] == ("relay", "server", "wrong")
    assert play.session.verdict == "wrong"


def test_a_key_that_is_taken_away_cannot_be_answered() -> None:
    rules = request_rule('action = "remove-field", name = "Sec-WebSocket-Key2"')
    for challenge in ("forward", "own"):
        play = Play(host="keep", rules=rules, challenge=challenge)
        play.client(ASK)
        assert b"Key2" not in play.sent("server")[0]
        assert SAYS_SO in play.notices[0]
        play.server(answer() + bytes(16))
        play.to_client(answer() + bytes(16))
        assert play.session.verdict == "unanswerable"


@pytest.mark.parametrize("ends", ["server", "time"])
def test_no_answer_to_a_changed_challenge(ends: str) -> None:
    play = Play(host="keep", **CHANGES["key3"])
    play.client(ASK)
    play.sent("server")
    play.server(answer())
    if ends == "server":
        play.server_ends()
        play.client_ends()
    else:
        play.times_out()
    assert challenges(play) == [("relay", "server", "missing")]
    assert b"".join(play.sent("client")) == answer()
    assert play.session.ended


def test_other_changes_leave_the_challenge_alone() -> None:
    rules = request_rule('action = "set", origin = "http://x", path = "/y", subprotocol = "z"')
    play = Play(host="keep", rules=rules)
    play.client(ASK)
    assert SAYS_SO not in "".join(play.notices)
    play.sent("server")
    play.server(answer()[:-2] + b"\r\n" + DIGEST[:5], DIGEST[5:])
    # Nothing is kept back that need not be.
    play.to_client(answer() + DIGEST[:5], DIGEST[5:])
    assert challenges(play) == [("client", "server", "verified")]


def test_corrupted_digest_in_place_of_an_own_answer() -> None:
    rules = (
        message('action = "mark", text = "x"')
        + '[[response]]\nname = "c"\ndo = [{ action = "corrupt-digest", bug = "digest-hex" }]\n'
    )
    for options in ({"challenge": "own"}, {"repair": True}, {}):
        play = Play(host="keep", rules=rules, **options)
        play.client(ASK)
        sent = b"".join(play.sent("server"))
        play.server(answer() + answer_of(sent))
        (got,) = play.sent("client")
        assert got == answer() + DIGEST.hex().encode()[: len(got) - len(answer())]
        assert got != answer() + DIGEST
        words = [in_words(one) for one in play.records]
        assert [one for one in words if one.startswith("rule, to client: digest")] != []
