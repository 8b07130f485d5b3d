"""An RFC 6455 server or relay may frame its messages as it likes: the load generator follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.benchmarks.conftest import Change, LoadThrough


def sized(work: str, count: int) -> tuple[str, ...]:
    connections = ("--idle", "30", "--busy", "5") if work == "W4" else ()
    # More time than the count needs, so that the count ends the run, on a busy machine too.
    bounds = ("--count", str(count), "--seconds", "30")
    return ("--dialect", "rfc6455", "--work", work, *bounds, *connections)


def framing(make: Callable[[int, bytes], bytes]) -> Callable[[], Change]:
    """Frame what an RFC 6455 server sends anew: `make` gets opcode and payload of each frame."""

    def for_connection() -> Change:
        kept = bytearray()
        head_passed = False

        def apply(chunk: bytes) -> bytes:
            nonlocal head_passed
            kept.extend(chunk)
            out = b""
            if not head_passed:
                if (end := kept.find(b"\r\n\r\n") + 4) < 4:
                    return b""
                head_passed, out = True, bytes(kept[:end])
                del kept[:end]
            while (frame := first_frame(kept)) is not None:
                opcode, start, end = frame
                out += make(opcode, bytes(kept[start:end]))
                del kept[:end]
            return out

        return apply

    return for_connection


def first_frame(data: bytearray) -> tuple[int, int, int] | None:
    """The opcode of a whole unmasked frame at the start, and from where to where its payload is."""
    wide = {126: 2, 127: 8}.get(data[1], 0) if len(data) > 1 else 99
    if len(data) < 2 + wide:
        return None
    size = int.from_bytes(data[2 : 2 + wide]) if wide else data[1]
    end = 2 + wide + size
    return (data[0] & 0x0F, 2 + wide, end) if len(data) >= end else None


def framed(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2) + payload
    return bytes([first, 127]) + size.to_bytes(8) + payload


def in_fragments(opcode: int, payload: bytes) -> bytes:
    """Two fragments with pings between them, and an empty last one."""
    if opcode != 0x1:
        return framed(0x80 | opcode, payload)
    middle = len(payload) // 3
    return b"".join(
        (
            framed(0x01, payload[:middle]),
            framed(0x89, b""),
            framed(0x00, payload[middle:]),
            framed(0x89, b"there?"),
            framed(0x80, b""),
        )
    )


def only_messages(change: Callable[[bytes], bytes]) -> Callable[[int, bytes], bytes]:
    def make(opcode: int, payload: bytes) -> bytes:
        return change(payload) if opcode == 0x1 else framed(0x80 | opcode, payload)

    return make


@pytest.mark.parametrize(
    ("work", "count"), [("W1", 5_000), ("W2", 50), ("W3e", 3), ("W4", 100), ("W5", 20)]
)
def test_messages_in_fragments(load_through: LoadThrough, work: str, count: int) -> None:
    finished = load_through(*sized(work, count), down=framing(in_fragments))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert json.loads(finished.stdout)["messages"] == count


def flipped(payload: bytes) -> bytes:
    return payload[:20] + bytes([payload[20] ^ 1]) + payload[21:]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda p: in_fragments(1, flipped(p)), "the echo differs at byte 22:"),
        (lambda p: framed(0x81, p[:-1]), "the echo has a message that is too short"),
        (lambda p: framed(0x81, p + b"x"), "the echo has a message that is too long"),
        (lambda p: framed(0x01, p) + framed(0x80, b"x"), "a message that is too long"),
        (lambda p: framed(0x82, p), "a frame that is no text frame came: 82 20"),
        (lambda p: framed(0xC1, p), "a frame with reserved bits set came: c1 20"),
        (lambda p: b"\x81\xa0\0\0\0\0" + p, "a masked frame of a server came: 81 a0"),
        (lambda p: framed(0x01, p) + framed(0x81, p), "another frame in the middle"),
        (lambda p: framed(0x80, p), "a frame that is no text frame came: 80 20"),
        (lambda p: framed(0x89, p * 5) + framed(0x81, p), "no control frame is so big"),
        (lambda p: framed(0x81, p) * 2, "more came back than was sent"),
    ],
)
def test_frames_that_are_wrong(
    load_through: LoadThrough, change: Callable[[bytes], bytes], fault: str
) -> None:
    finished = load_through(*sized("W2", 10), down=framing(only_messages(change)))
    assert finished.returncode == 1
    assert fault in finished.stderr
    assert finished.stdout == ""


def closing_with(answer: bytes) -> Callable[[], Change]:
    def make(opcode: int, payload: bytes) -> bytes:
        return answer if opcode == 0x8 else framed(0x80 | opcode, payload)

    return framing(make)


@pytest.mark.parametrize("answer", [framed(0x88, b""), framed(0x88, b"\x03\xe8bye")])
def test_other_ways_to_answer_the_closing_handshake(
    load_through: LoadThrough, answer: bytes
) -> None:
    finished = load_through(*sized("W5", 10), down=closing_with(answer))
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x88",
        b"\x88\x03\x03\xe8",
        framed(0x88, b"\x03\xea"),
        framed(0x81, b"\x03\xe8"),
        b"\xff\x00",
    ],
)
def test_wrong_answers_to_the_closing_handshake(load_through: LoadThrough, answer: bytes) -> None:
    finished = load_through(*sized("W5", 10), down=closing_with(answer))
    assert finished.returncode == 1
    assert "the closing handshake was not answered as it must be" in finished.stderr
