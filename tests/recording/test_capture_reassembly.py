"""Segments in any order, and what of their stream can be handed out when."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.recording.capture.reassembly import SEQUENCE_MASK, Stream

WRAPPING = 0xFFFFFFFE


def stream(sequence: int = 1000) -> Stream:
    made = Stream()
    made.open(sequence)
    return made


@pytest.mark.parametrize("first", [1000, WRAPPING])
def test_in_order(first: int) -> None:
    one = stream(first)
    assert list(one.receive(first, b"abc", 3)) == [b"abc"]
    assert list(one.receive((first + 3) & SEQUENCE_MASK, b"de", 2)) == [b"de"]
    assert (one.position, one.waiting, one.held) == (5, False, 0)


@pytest.mark.parametrize("first", [1000, WRAPPING])
def test_out_of_order(first: int) -> None:
    one = stream(first)
    assert list(one.receive((first + 3) & SEQUENCE_MASK, b"de", 2)) == []
    assert one.waiting
    assert one.held > 0
    assert list(one.receive(first, b"abc", 3)) == [b"abc", b"de"]
    assert (one.position, one.waiting, one.held) == (5, False, 0)


def test_what_comes_again_is_handed_out_once() -> None:
    one = stream()
    assert list(one.receive(1000, b"abc", 3)) == [b"abc"]
    assert list(one.receive(1000, b"abc", 3)) == []
    assert list(one.receive(1001, b"bcd", 3)) == [b"d"]
    # A probe that keeps the connection alive repeats the last byte, whatever it is.
    assert list(one.receive(1003, b"\0", 1)) == []
    assert one.position == 4


def test_overlapping_pieces_behind_a_hole() -> None:
    one = stream()
    for begin, end in ((4, 6), (2, 5), (2, 4), (4, 8), (9, 9)):
        assert list(one.receive(1000 + begin, b"abcdefghi"[begin:end], end - begin)) == []
    assert b"".join(one.receive(1000, b"ab", 2)) == b"abcdefgh"
    assert one.held == 0


def test_the_end() -> None:
    one = stream()
    assert list(one.receive(1003, b"", 0, fin=True)) == []
    assert (one.ended, one.waiting) == (False, True)
    assert list(one.receive(1000, b"abc", 3)) == [b"abc"]
    assert (one.ended, one.waiting) == (True, False)
    two = stream()
    assert list(two.receive(1000, b"abc", 3, fin=True)) == [b"abc"]
    assert two.ended


def test_nothing_comes_behind_the_end() -> None:
    one = stream()
    assert list(one.receive(1000, b"abc", 3, fin=True)) == [b"abc"]
    assert list(one.receive(1003, b"de", 2)) == []
    assert list(one.receive(1001, b"bcde", 4)) == []
    assert (one.position, one.waiting, one.held) == (3, False, 0)
    two = stream()
    assert list(two.receive(1003, b"", 0, fin=True)) == []
    assert list(two.receive(1002, b"cde", 3)) == []
    assert list(two.receive(1000, b"ab", 2)) == [b"ab", b"c"]
    assert (two.ended, two.waiting, two.held) == (True, False, 0)


def test_an_acknowledged_end_is_no_byte() -> None:
    one = stream()
    assert one.lacks(1004)
    assert list(one.receive(1000, b"abc", 3)) == [b"abc"]
    assert one.lacks(1004)
    one.receive(1003, b"", 0, fin=True)
    assert one.ended
    assert not one.waiting
    assert not one.lacks(1004)


def test_what_the_receiver_has_and_we_have_not() -> None:
    one = stream()
    assert not one.lacks(1000)
    assert not one.lacks(990)
    assert not one.lacks((1000 + (1 << 31)) & SEQUENCE_MASK)
    assert one.lacks(1003)
    assert one.skip() == (3, [])
    assert list(one.receive(1003, b"de", 2)) == [b"de"]
    assert not one.lacks(1005)


def test_a_hole_is_given_up() -> None:
    one = stream()
    one.receive(1003, b"de", 2)
    one.receive(1007, b"hi", 2)
    assert one.skip() == (3, [b"de"])
    assert one.skip() == (2, [b"hi"])
    assert one.skip() == (0, ())
    assert (one.position, one.held) == (9, 0)


def test_cut_by_the_capture() -> None:
    one = stream()
    assert list(one.receive(1000, b"ab", 5)) == [b"ab"]
    assert one.waiting
    assert list(one.receive(1005, b"fg", 2)) == []
    # The same once more, and whole.
    assert list(one.receive(1000, b"abcde", 5)) == [b"cde", b"fg"]
    assert list(one.receive(1007, b"", 4)) == []
    assert one.skip() == (4, [])


def test_a_beginning_that_comes_late() -> None:
    one = Stream()
    assert list(one.receive(1003, b"de", 2)) == []
    assert list(one.receive(1000, b"abc", 3)) == []
    assert one.waiting
    assert not one.is_open
    assert list(one.open(1000)) == [b"abc", b"de"]
    assert one.held == 0
    assert one.starts_at(1000)
    assert not one.starts_at(1005)


def test_a_beginning_that_never_comes() -> None:
    one = Stream()
    one.receive(2, b"cd", 2)
    one.receive(SEQUENCE_MASK, b"xyz", 3)
    assert one.skip() == (0, [b"xyz", b"cd"])


def test_what_is_too_far_away_is_of_another_connection() -> None:
    one = stream()
    assert list(one.receive(1000 + (1 << 30) + 1, b"x", 1)) == []
    assert not one.waiting


def test_dropped() -> None:
    one = stream()
    one.receive(1003, b"de", 2)
    one.drop()
    assert one.held == 0


@given(
    st.binary(min_size=1, max_size=200),
    st.integers(0, SEQUENCE_MASK),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_any_cut_in_any_order(data: bytes, first: int, random: Random, opened_late: bool) -> None:
    """Segments overlap, come twice and in any order; all of the stream is among them."""
    cuts = [(at, min(len(data), at + random.randint(7, 60))) for at in range(0, len(data), 7)]
    cuts += [(0, 1), *random.choices(cuts, k=5)]
    random.shuffle(cuts)
    one = Stream()
    if not opened_late:
        one.open(first)
    ready: list[bytes] = []
    for begin, end in cuts:
        fin = end == len(data) and random.random() < 0.5
        ready += one.receive((first + begin) & SEQUENCE_MASK, data[begin:end], end - begin, fin)
    ready += one.receive((first + len(data)) & SEQUENCE_MASK, b"", 0, fin=True)
    if opened_late:
        ready += one.open(first)
    assert b"".join(ready) == data
    assert all(ready)
    assert one.ended
    assert (one.waiting, one.held) == (False, 0)


@given(
    st.binary(min_size=1, max_size=200),
    st.sets(st.integers(0, 19)),
    st.randoms(use_true_random=False),
)
def test_what_is_lost_is_counted(data: bytes, lost: set[int], random: Random) -> None:
    segments = [(at, data[at : at + 10]) for at in range(0, len(data), 10)]
    kept = [segment for number, segment in enumerate(segments) if number not in lost]
    random.shuffle(kept)
    one = stream()
    found = bytearray()
    for at, piece in kept:
        found += b"".join(one.receive(1000 + at, piece, len(piece)))
    one.lacks(1000 + len(data))
    while one.waiting:
        size, ready = one.skip()
        assert size > 0
        found += bytes(size) + b"".join(ready)
    expected = bytearray(len(data))
    for at, piece in kept:
        expected[at : at + len(piece)] = piece
    assert found == expected
