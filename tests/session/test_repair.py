"""--repair: each fault of an answer that would make the client refuse is put right and told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.diagnosis.samples import Sample, load_samples
from ws76proxy.diagnosis import Severity, check_response
from ws76proxy.endpoint import Endpoint
from ws76proxy.record import AdjustmentRecord
from ws76proxy.wire import RequestHead, ResponseHead
from ws76proxy.wire.dialect import Dialect, dialect_of

from .examples import DIGEST, KEY3, answer, answer_75, plain, request, request_75
from .playbook import Play

ASKED = "Sec-WebSocket-Protocol: chat"
RIGHT = answer(extra=[ASKED])
LOCATION = "ws://proxy.test:8076/chat?room=1"
UPGRADE, CONNECTION = b"Upgrade: WebSocket\r\n", b"Connection: Upgrade\r\n"
NAME_76, NAME_75 = b"Sec-WebSocket-", b"WebSocket-"

Change = Callable[[bytes], bytes]


def swap(before: bytes, after: bytes) -> Change:
    """Put `after` in the place of `before`, which must be there."""

    def change(head: bytes) -> bytes:
        assert before in head
        return head.replace(before, after)

    return change


def repaired(asked: bytes, came: bytes) -> tuple[bytes, list[str]]:
    """What the client gets for an answer, and what was told about the repairs."""
    play = Play(host="keep", repair=True)
    play.client(asked + KEY3)
    play.sent("server")
    play.server(came + DIGEST)
    sent = b"".join(play.sent("client"))
    assert sent.endswith(DIGEST)
    changes = [record for record in play.records if isinstance(record, AdjustmentRecord)]
    assert all(change.cause == "repair" and change.why for change in changes)
    return sent.removesuffix(DIGEST), [
        f"{change.what}: {change.before!r} -> {change.after!r}" for change in changes
    ]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (swap(UPGRADE, b"Upgrade: websocket\r\n"), ["Upgrade: 'websocket' -> 'WebSocket'"]),
        (
            swap(CONNECTION, b"Connection: keep-alive, Upgrade\r\n"),
            ["Connection: 'keep-alive, Upgrade' -> 'Upgrade'"],
        ),
        (
            swap(b"ws://proxy.test:8076/chat?room=1", b"ws://10.0.0.1/chat"),
            [f"Sec-WebSocket-Location: 'ws://10.0.0.1/chat' -> '{LOCATION}'"],
        ),
        (
            swap(b"Origin: http://site.test", b"Origin: http://backend.test"),
            ["Sec-WebSocket-Origin: 'http://backend.test' -> 'http://site.test'"],
        ),
        (swap(b": chat\r\n", b": a, chat\r\n"), ["Sec-WebSocket-Protocol: 'a, chat' -> 'chat'"]),
        (
            swap(UPGRADE, UPGRADE + b"Upgrade: WebSocket\r\n"),
            ["Upgrade: 'WebSocket' -> None"],
        ),
        (swap(UPGRADE, UPGRADE + b": nothing\r\n"), [": 'nothing' -> None"]),
        (swap(UPGRADE, UPGRADE + b"no colon\r\n"), ["no colon: '' -> None"]),
        (swap(UPGRADE, UPGRADE + b"X-Powered-By:\r\n"), ["X-Powered-By: '' -> None"]),
        (swap(UPGRADE, UPGRADE + b"Content-Length: 16\r\n"), ["Content-Length: '16' -> None"]),
        (
            swap(UPGRADE, UPGRADE + b"Transfer-Encoding : chunked\r\n"),
            ["Transfer-Encoding : 'chunked' -> None"],
        ),
        (swap(b"HTTP/1.1", b"\r\nHTTP/1.1"), ["empty lines: '\\r\\n' -> None"]),
        (swap(b"\r\n", b"\n"), ["line ends: '\\n' -> '\\r\\n'"]),
        (
            swap(b" WebSocket Protocol Handshake", b""),
            ["status line: 'HTTP/1.1 101' -> 'HTTP/1.1 101 WebSocket Protocol Handshake'"],
        ),
        (
            swap(b"Sec-WebSocket-Origin:", b"Sec-WebSocket-Origin :"),
            ["Sec-WebSocket-Origin: 'Sec-WebSocket-Origin ' -> 'Sec-WebSocket-Origin'"],
        ),
        (
            swap(NAME_76, NAME_75),
            [
                f"Sec-WebSocket-{name}: 'WebSocket-{name}' -> 'Sec-WebSocket-{name}'"
                for name in ("Location", "Origin", "Protocol")
            ],
        ),
    ],
)
def test_a_fault_is_put_right_in_its_place(fault: Change, told: list[str]) -> None:
    assert repaired(request(extra=[ASKED]), fault(RIGHT)) == (RIGHT, told)


def test_names_of_both_dialects() -> None:
    both = answer(extra=["WebSocket-Location: x", "WebSocket-Origin: y"])
    assert repaired(request(), both) == (
        answer(),
        ["WebSocket-Location: 'x' -> None", "WebSocket-Origin: 'y' -> None"],
    )


def test_the_same_line_three_times() -> None:
    origin = "Sec-WebSocket-Origin: http://site.test"
    assert repaired(request(), answer(extra=[origin, origin]))[0] == answer()


def test_nothing_but_a_status() -> None:
    head, told = repaired(request(extra=[ASKED]), plain("HTTP/1.1 101 Switching Protocols"))
    assert sorted(head.splitlines()[1:]) == sorted(RIGHT.splitlines()[1:])
    assert len(told) == 5


@pytest.mark.parametrize("connection", ["upgrade", "UPGRADE"])
def test_what_the_client_accepts_stays(connection: str) -> None:
    head = RIGHT.replace(CONNECTION, f"Connection: {connection}\r\n".encode())
    assert repaired(request(extra=[ASKED]), head) == (head, [])


def test_nothing_is_repaired_without_being_asked() -> None:
    came = RIGHT.replace(b"WebSocket\r\n", b"websocket\r\n")
    play = Play(host="keep")
    play.client(request(extra=[ASKED]) + KEY3)
    play.sent("server")
    play.server(came + DIGEST)
    play.to_client(came + DIGEST)


def test_an_answer_that_is_not_101_is_not_repaired() -> None:
    refusal = plain("HTTP/1.1 400", "Content-Length: 0", "no colon")
    play = Play(host="keep", repair=True)
    play.client(request() + KEY3)
    play.sent("server")
    play.server(refusal)
    play.to_client(refusal)


@pytest.mark.parametrize(
    "fault",
    [
        swap(UPGRADE + CONNECTION, CONNECTION + UPGRADE),
        swap(UPGRADE + CONNECTION, b"X: 1\r\n" + UPGRADE + CONNECTION),
        swap(CONNECTION, b"connection: upgrade\r\n"),
        swap(b"Web Socket Protocol Handshake", b"Switching Protocols"),
        swap(NAME_75, NAME_76),
    ],
)
def test_hixie_75_begins_with_the_fixed_bytes(fault: Change) -> None:
    play = Play(host="keep", repair=True)
    play.client(request_75())
    play.sent("server")
    play.server(fault(answer_75()) + b"\x00hi\xff")
    (sent,) = play.sent("client")
    assert sent.startswith(b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n" + UPGRADE + CONNECTION)
    assert sorted(line for line in sent.splitlines() if line != b"X: 1") == sorted(
        (answer_75() + b"\x00hi\xff").splitlines()
    )


def test_repair_and_the_proxys_own_address_together() -> None:
    play = Play(repair=True)
    play.client(request(origin="http://proxy.test:8076") + KEY3)
    play.sent("server")
    play.server(answer("server.test:9000", "http://proxy.test:8076") + DIGEST[::-1])
    play.to_client(answer(origin="http://proxy.test:8076") + DIGEST)


def _is_accepted(sample: Sample) -> bool:
    head = sample.server.partition(b"\n\r\n")[0]
    return b" 101" in head[:40] and "response-incomplete" not in sample.expect


@pytest.mark.parametrize(
    "sample",
    [one for one in load_samples() if _is_accepted(one)],
    ids=lambda sample: sample.name,
)
def test_no_error_is_left_in_a_repaired_sample(sample: Sample) -> None:
    head, _, _ = sample.client.partition(b"\r\n\r\n")
    asked = RequestHead(head + b"\r\n\r\n")
    endpoint = Endpoint(sample.secure, "server.example", 80)
    play = Play(host="keep", repair=True, listener=endpoint, upstream=endpoint)
    play.client(sample.client)
    play.server(sample.server)
    sent = b"".join(play.sent("client"))
    blank = sent.find(b"\r\n\r\n") + 4
    dialect = dialect_of(asked)
    assert dialect in (Dialect.HIXIE_75, Dialect.HIXIE_76)
    errors = [
        found.finding.code
        for found in check_response(
            asked, ResponseHead(sent[:blank]), dialect, secure=sample.secure
        )
        if found.finding.severity is Severity.ERROR
    ]
    # No answer is right where none was asked for.
    assert set(errors) <= {"switch-unasked"} & sample.expect
