"""Scripts and the opening handshake: what they see and do, at once or later."""

from __future__ import annotations

import pytest

from ws76proxy.scripting import Request, Response
from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, plain, request, request_75
from .playbook import Play
from .thinking import Case, words

ASK, ANSWER = request() + KEY3, answer() + DIGEST


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def case(request: pytest.FixtureRequest) -> Case:
    """A script that returns at once, and one that has to be awaited."""
    return Case(is_async=request.param)


# The request


def test_request(case: Case) -> None:
    def on_request(asked: Request) -> None:
        asked.headers["Origin"] = "http://x"
        asked.path = "/other"
        asked.session.state["seen"] = True

    play = Play(host="keep", scripts=case.script(on_request=on_request))
    play.client(ASK)
    if case.is_async:
        play.to_server()
        play.did("await")
    case.goes_on(play)
    play.to_server(ASK.replace(b"http://site.test", b"http://x").replace(b"/chat", b"/other"))
    assert "script, to server: Origin 'http://site.test' -> 'http://x'" in words(play)
    play.server(answer("proxy.test:8076", "http://x") + DIGEST)
    case.goes_on(play)
    play.to_client(ANSWER)


def test_key3_and_more_that_come_while_a_script_thinks() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(request(), KEY3[:3], KEY3[3:], b"\x00early\xff")
    play.to_server()
    case.goes_on(play)
    play.to_server(ASK)
    play.server(ANSWER)
    play.to_client(ANSWER)
    play.to_server(b"\x00early\xff")


def test_too_much_while_a_script_thinks_is_not_read() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(request(), b"a" * 40_000)
    assert play.paused == set()
    play.client(b"a" * 40_000)
    assert play.paused == {"client"}
    case.goes_on(play)
    assert b"".join(play.sent("server")) == request() + b"a" * 8


def test_a_script_answers_for_the_server(case: Case) -> None:
    def on_request(asked: Request) -> None:
        asked.answer(403, body="not you")

    play = Play(host="keep", scripts=case.script(on_request=on_request))
    play.client(ASK)
    case.goes_on(play)
    play.to_server()
    (sent,) = play.sent("client")
    assert sent.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert sent.endswith(b"\r\n\r\nnot you")
    assert "answered 403 for the server by script 'edit.py'" in play.notices
    play.over("refused")


def test_a_client_that_says_no_more_gets_that_answer() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda asked: asked.answer(503)))
    play.client(ASK)
    play.client_ends()
    assert not play.session.ended
    case.goes_on(play)
    assert play.sent("client")[0].startswith(b"HTTP/1.1 503")
    play.over("refused")


def test_a_client_that_says_no_more_gets_the_server_s_answer() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(ASK)
    play.client_ends()
    case.goes_on(play)
    play.to_server(ASK)
    play.did("await", "connect", "end to server")
    play.server(ANSWER + b"\x00a\xff")
    play.to_client(ANSWER, b"\x00a\xff")
    play.server_ends()
    assert play.session.ended


def test_a_client_that_is_gone_is_not_thought_about() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(ASK)
    play.lost(Peer.CLIENT)
    play.to_server()
    assert "hixie-76 request /chat?room=1" in words(play)
    play.over("failed", "connection-reset")


@pytest.mark.parametrize("end", ["time", "stop"])
def test_a_script_that_does_not_decide_about_a_request(end: str) -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(ASK)
    if end == "time":
        play.times_out()
        play.answered(504, "A script did not decide within 30 s.")
    else:
        play.shuts_down()
    assert words(play).count("hixie-76 request /chat?room=1") == 1
    play.over("failed")


def test_what_the_owner_gives_up_goes_on() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda _: None))
    play.client(ASK)
    play.scripts_fail(RuntimeError("no loop"))
    play.to_server(ASK)
    assert play.notices == ["the request goes on without the script: no loop"]


# The answer


def test_response(case: Case) -> None:
    def on_response(said: Response) -> None:
        assert said.status == 101
        said.headers["Sec-WebSocket-Location"] = "wss://x/"

    play = Play(host="keep", scripts=case.script(on_response=on_response))
    play.client(ASK)
    play.sent("server")
    play.server(ANSWER[:50], ANSWER[50:-5], ANSWER[-5:] + b"\x00first\xff")
    if case.is_async:
        play.to_client()
        assert play.paused == {"server"}
    case.goes_on(play)
    edited = ANSWER.replace(b"ws://proxy.test:8076/chat?room=1", b"wss://x/")
    assert b"".join(play.sent("client")) == edited + b"\x00first\xff"
    assert play.paused == set()
    play.client(b"\x00a\xff")
    play.to_server(b"\x00a\xff")


def test_key3_that_comes_while_a_script_thinks_about_the_answer() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_response=lambda _: None))
    play.client(request())
    play.server(ANSWER)
    play.client(KEY3)
    play.to_client()
    case.goes_on(play)
    play.to_client(ANSWER)
    assert play.session.outcome == "open"


def test_a_response_of_hixie_75_that_refuses(case: Case) -> None:
    seen = []
    play = Play(host="keep", scripts=case.script(on_response=lambda said: seen.append(said.status)))
    play.client(request_75())
    play.server(plain("HTTP/1.1 403 No") + b"body")
    case.goes_on(play)
    play.server(b"more")
    assert b"".join(play.sent("client")) == plain("HTTP/1.1 403 No") + b"bodymore"
    assert seen == [403]
    assert play.session.outcome == "refused"


@pytest.mark.parametrize("end", ["server", "client", "time", "stop", "server gone"])
def test_ends_while_a_script_thinks_about_the_answer(end: str) -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_response=lambda _: None))
    play.client(ASK)
    play.server(ANSWER + b"\x00a\xff")
    match end:
        case "server":
            play.server_ends()
        case "client":
            play.client_ends()
            case.goes_on(play)
        case "time":
            play.times_out()
        case "stop":
            play.shuts_down()
        case "server gone":
            play.lost(Peer.SERVER)
    sent = b"".join(play.sent("client"))
    assert sent.removesuffix(b"\xff\x00") == ANSWER + b"\x00a\xff"
    if end in ("server", "client"):
        play.client_ends()
        play.server_ends()
    assert play.session.ended


def test_deeds_about_an_answer_are_done_when_it_has_gone_on(case: Case) -> None:
    def on_response(said: Response) -> None:
        said.session.inject("client", "welcome")
        said.session.mark("answered")

    play = Play(host="keep", scripts=case.script(on_response=on_response))
    play.client(ASK)
    play.server(ANSWER)
    case.goes_on(play)
    play.to_client(ANSWER, b"\x00welcome\xff")
    assert "script 'edit.py': mark, client (answered)" in play.changes
