"""Whether bytes are UTF-8: as Python's own decoder says, whatever is cut where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.wire.utf8 import is_utf8

PIECE = 16_384


def by_python(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(
    st.binary(max_size=50)
    | st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_small_ones(data: bytes) -> None:
    assert is_utf8(data) is is_utf8(memoryview(data)) is by_python(data)


@given(
    st.integers(PIECE - 8, PIECE + 8),
    st.sampled_from(["ä", "世", "🦄", "a"]),
    st.sampled_from([b"", b"\x80", b"\xf0\x9f\xa6", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5"]),
    st.integers(0, 8),
)
def test_around_the_edge_of_a_piece(size: int, character: str, bad: bytes, place: int) -> None:
    text = "x" * (size % 4) + character * (size // len(character.encode()))
    data = text.encode()
    cut = len(data) - place
    for whole in (data, data[:cut], data[:cut] + bad + data[cut:], data + bad, data + data + bad):
        assert is_utf8(whole) is is_utf8(memoryview(whole)) is by_python(whole)


@pytest.mark.parametrize("lost", range(1, 4))
def test_an_unfinished_character_at_the_very_end_of_a_piece(lost: int) -> None:
    data = ("🦄" * (2 * PIECE // 4)).encode()
    assert is_utf8(data)
    assert not is_utf8(data[:-lost])
