"""The load generator believes nothing: it verifies what comes back, and says what was wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.benchmarks.conftest import Change, Load, LoadThrough

RFC6455 = ("--dialect", "rfc6455")
DIALECTS = pytest.mark.parametrize("dialect", [(), RFC6455], ids=["hixie-76", "rfc6455"])
JSON = ("--payload", "json")
# More time than the count needs, so that the count ends the run, on a busy machine too.
AMPLE = ("--seconds", "30")
DIGEST = 16


def sized(work: str, count: int) -> tuple[str, ...]:
    idle = ("--idle", "30", "--busy", "5") if work == "W4" else ()
    return ("--work", work, "--count", str(count), *idle, *AMPLE)


def after_head(distance: int, change: Callable[[bytearray, int], bytes]) -> Callable[[], Change]:
    """Change the chunk that has the byte so far behind the blank line of the head."""

    def for_connection() -> Change:
        seen = bytearray()

        def apply(chunk: bytes) -> bytes:
            start = len(seen)
            seen.extend(chunk)
            head = seen.find(b"\r\n\r\n")
            at = head + 4 + distance - start
            return change(bytearray(chunk), at) if head >= 0 and 0 <= at < len(chunk) else chunk

        return apply

    return for_connection


def flipping(distance: int) -> Callable[[], Change]:
    def flip(chunk: bytearray, at: int) -> bytes:
        chunk[at] ^= 0x01
        return bytes(chunk)

    return after_head(distance, flip)


def losing(distance: int, size: int) -> Callable[[], Change]:
    return after_head(distance, lambda chunk, at: bytes(chunk[:at] + chunk[at + size :]))


def repeating(distance: int, size: int) -> Callable[[], Change]:
    return after_head(distance, lambda chunk, at: bytes(chunk[: at + size] + chunk[at:]))


def silent_from(distance: int) -> Callable[[], Change]:
    """Pass nothing from there on, with the connection open."""

    def for_connection() -> Change:
        silent = False

        def cut(chunk: bytearray, at: int) -> bytes:
            nonlocal silent
            silent = True
            return bytes(chunk[:at])

        before = after_head(distance, cut)()
        return lambda chunk: b"" if silent else before(chunk)

    return for_connection


def keeping(seen: bytearray) -> Callable[[], Change]:
    def keep(chunk: bytes) -> bytes:
        seen.extend(chunk)
        return chunk

    return lambda: keep


def editing(old: bytes, new: bytes) -> Callable[[], Change]:
    """Replace it in whole hixie-76 frames only, as an editing proxy does."""

    def for_connection() -> Change:
        kept = bytearray()

        def edit(chunk: bytes) -> bytes:
            kept.extend(chunk)
            whole = kept.rfind(b"\xff") + 1 if b"\0{" in kept else len(kept)
            edited = bytes(kept[:whole]).replace(old, new)
            del kept[:whole]
            return edited

        return edit

    return for_connection


@DIALECTS
@pytest.mark.parametrize(
    ("work", "count"),
    [("W1", 20_000), ("W2", 200), ("W3", 5), ("W3e", 5), ("W4", 500), ("W5", 40)],
)
def test_each_work_is_done_and_counted(
    load: Load, work: str, count: int, dialect: tuple[str, ...]
) -> None:
    finished = load(*sized(work, count), *dialect)
    assert finished.stderr == ""
    result = json.loads(finished.stdout)
    assert (result["work"], result["messages"]) == (work, count)
    assert result["seconds"] > 0
    assert result["messages_per_second"] > 0
    assert ("round_trip_p50_us" in result) == (work in {"W2", "W4"})
    assert result.get("connections") == (count if work == "W5" else None)
    assert finished.returncode == 0


@pytest.mark.parametrize("work", ["W1", "W2", "W3", "W3e", "W4", "W5"])
def test_each_work_is_bounded_by_time(load: Load, work: str) -> None:
    finished = load(
        "--work",
        work,
        "--count",
        "1e12" if work in {"W1", "W3", "W5"} else "1e6",
        "--seconds",
        "0.1",
        "--idle",
        "0",
        "--busy",
        "2",
    )
    assert finished.stderr == ""
    assert json.loads(finished.stdout)["messages"] > 0


@pytest.mark.parametrize("text", ["ascii", "bmp", "astral"])
@pytest.mark.parametrize("work", ["W1", "W3"])
def test_each_text(load_through: LoadThrough, work: str, text: str) -> None:
    sent = bytearray()
    finished = load_through(*sized(work, 3), "--text", text, up=keeping(sent))
    assert (finished.returncode, finished.stderr) == (0, "")
    _, _, frames = sent.partition(b"\r\n\r\n")
    messages = frames[8:].split(b"\xff")  # behind key3
    longest = max(len(character.encode()) for character in messages[0].decode())
    assert longest == {"ascii": 1, "bmp": 3, "astral": 4}[text]
    assert messages[0].startswith(b"\0")
    assert messages[0].count(b"\0") == 1
    assert (len(messages[0]) - 1) % 32 == 0


@DIALECTS
@pytest.mark.parametrize(
    ("work", "count"),
    [("W1", 9_000), ("W2", 200), ("W3", 5), ("W3e", 5), ("W4", 500), ("W5", 40)],
)
def test_each_work_with_json(load: Load, work: str, count: int, dialect: tuple[str, ...]) -> None:
    finished = load(*sized(work, count), *dialect, *JSON)
    assert (finished.returncode, finished.stderr) == (0, "")
    result = json.loads(finished.stdout)
    assert (result["messages"], result["payload"], result["edited"]) == (count, "json", False)


@pytest.mark.parametrize("text", ["ascii", "bmp", "astral"])
@pytest.mark.parametrize("work", ["W1", "W3"])
def test_json_messages_are_json(load_through: LoadThrough, work: str, text: str) -> None:
    sent = bytearray()
    finished = load_through(*sized(work, 3), *JSON, "--text", text, up=keeping(sent))
    assert (finished.returncode, finished.stderr) == (0, "")
    _, _, frames = sent.partition(b"\r\n\r\n")
    messages = [frame.removeprefix(b"\0") for frame in frames[8:].split(b"\xff")[:3]]
    documents = [json.loads(message) for message in messages]
    assert [list(document) for document in documents] == [["hop", "text"]] * 3
    assert [document["hop"] for document in documents] == [1, 1, 1]
    assert len({document["text"] for document in documents}) == (3 if work == "W1" else 1)
    # So that what a JSON library writes, after an edit, is the same but for the edit.
    compact = json.dumps(documents[0], separators=(",", ":"), ensure_ascii=False)
    assert compact.encode() == messages[0]
    assert {len(message) for message in messages} == {32 if work == "W1" else 1 << 20}


@pytest.mark.parametrize("work", ["W1", "W2", "W3", "W3e", "W4", "W5"])
def test_a_proxy_that_edits_each_message(load_through: LoadThrough, work: str) -> None:
    up, down = editing(b'"hop":1', b'"hop":2'), editing(b'"hop":2', b'"hop":3')
    finished = load_through(*sized(work, 10), *JSON, "--edited", up=up, down=down)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert json.loads(finished.stdout)["edited"] is True


@pytest.mark.parametrize(
    ("work", "fault"),
    [("W1", "the echo differs at byte 8: 31"), ("W3", "of 10 messages 0 arrived, and 10 damaged")],
)
def test_an_edit_that_is_not_made(load_through: LoadThrough, work: str, fault: str) -> None:
    # The question and the report are messages too: edited, for the fault to be that of the rest.
    question = editing(b'"hop":1,"text":"report"', b'"hop":2,"text":"report"')
    report = editing(b'"hop":2', b'"hop":3')
    finished = load_through(*sized(work, 10), *JSON, "--edited", up=question, down=report)
    assert finished.returncode == 1
    assert fault in finished.stderr


@DIALECTS
@pytest.mark.parametrize("work", ["W1", "W3", "W3e", "W5"])
def test_a_proxy_that_changes_nothing_passes(
    load_through: LoadThrough, work: str, dialect: tuple[str, ...]
) -> None:
    finished = load_through(*sized(work, 10), *dialect)
    assert (finished.returncode, finished.stderr) == (0, "")


@DIALECTS
@pytest.mark.parametrize("work", ["W1", "W2", "W3e", "W4", "W5"])
def test_one_damaged_byte_of_an_echo(
    load_through: LoadThrough, work: str, dialect: tuple[str, ...]
) -> None:
    distance = 10 if dialect else DIGEST + 10
    finished = load_through(*sized(work, 2000), *dialect, down=flipping(distance))
    assert finished.returncode == 1
    assert "the echo differs at byte 10:" in finished.stderr
    assert finished.stdout == ""


@DIALECTS
def test_one_damaged_byte_on_the_way_to_the_sink(
    load_through: LoadThrough, dialect: tuple[str, ...]
) -> None:
    finished = load_through(*sized("W3", 3), *dialect, up=flipping(500_000))
    assert finished.returncode == 1
    assert "of 3 messages 2 arrived, and 1 damaged ones" in finished.stderr


def test_a_damaged_type_byte(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W1", 2000), down=flipping(DIGEST))
    assert finished.returncode == 1
    assert "the echo differs at byte 0: 01 instead of 00" in finished.stderr


def test_a_lost_message(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W1", 2000), down=losing(DIGEST, 34))
    assert finished.returncode == 1
    assert "the echo differs" in finished.stderr


def test_a_repeated_message(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W2", 10), down=repeating(DIGEST, 34))
    assert finished.returncode == 1
    assert "more came back than was sent" in finished.stderr


def test_a_wrong_digest(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W2", 10), down=flipping(DIGEST - 1))
    assert finished.returncode == 1
    assert "the handshake failed: the digest is wrong" in finished.stderr


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        (b"101", "the status is not 101"),
        (b"Upgrade: WebSocket", "Upgrade"),
        (b"Origin: http", "Sec-WebSocket-Origin"),
        (b"Location: ws", "Sec-WebSocket-Location"),
    ],
)
def test_a_damaged_response(load_through: LoadThrough, field: bytes, fault: str) -> None:
    damaged = field[:-1] + b"x"
    finished = load_through(
        *sized("W2", 10), down=lambda: lambda chunk: chunk.replace(field, damaged)
    )
    assert finished.returncode == 1
    assert "the handshake failed" in finished.stderr
    assert fault in finished.stderr


def test_a_wrong_accept_of_rfc6455(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W2", 10), *RFC6455, down=flipping(-6))
    assert finished.returncode == 1
    assert "Sec-WebSocket-Accept is wrong" in finished.stderr


def test_a_closing_handshake_that_is_not_answered(load_through: LoadThrough) -> None:
    finished = load_through(*sized("W5", 10), down=losing(DIGEST + 34, 2))
    assert finished.returncode == 1
    assert "closed without a closing handshake" in finished.stderr


BRIEF = ("--seconds", "0.1", "--timeout", "0.3")


@DIALECTS
def test_a_stalled_handshake(load_through: LoadThrough, dialect: tuple[str, ...]) -> None:
    finished = load_through("--work", "W2", *BRIEF, *dialect, down=lambda: lambda _: b"")
    assert finished.returncode == 1
    assert "stalled: after 0.3 s 0 of 1 connections were open" in finished.stderr


@pytest.mark.parametrize("work", ["W1", "W2", "W3e", "W5"])
def test_a_peer_that_stalls_later(load_through: LoadThrough, work: str) -> None:
    finished = load_through("--work", work, *BRIEF, down=silent_from(DIGEST + 30))
    assert finished.returncode == 1
    assert "stalled: 0.3 s after the end" in finished.stderr


def test_a_sink_that_stops_reading(load_through: LoadThrough) -> None:
    finished = load_through("--work", "W3", *BRIEF, up=silent_from(3 << 20))
    assert finished.returncode == 1
    assert "stalled: 0.3 s after the end" in finished.stderr


def test_a_peer_that_closes(load_through: LoadThrough) -> None:
    def closing(chunk: bytes) -> bytes:
        raise ConnectionError

    finished = load_through("--work", "W2", *BRIEF, down=lambda: closing)
    assert finished.returncode == 1
    assert "the peer closed it" in finished.stderr


def test_no_one_listens(load: Load) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        finished = load("--work", "W2", *BRIEF, port=unused.getsockname()[1])
    assert finished.returncode == 1
    assert "cannot connect" in finished.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--work", "W9"),
        ("--work", "W1", "--seconds", "never"),
        ("--work", "W1", "--seconds", "nan"),
        ("--work", "W1", "--timeout", "-1"),
        ("--work", "W1", "--text", "morse"),
        ("--work", "W1", "--dialect", "hybi-00"),
        ("--work", "W1", "--payload", "xml"),
        ("--work", "W1", "--edited"),
        ("--work", "W1", "extra"),
        ("--work",),
        ("--no-such-option",),
        (),
    ],
)
def test_a_wrong_command_line(load: Load, arguments: tuple[str, ...]) -> None:
    finished = load(*arguments)
    assert finished.returncode == 2
    assert finished.stderr
    assert finished.stdout == ""
