"""Heads: read without loss, edited without touching anything else, collected in any pieces."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import Field, Head, HeadLimits, HeadReader, RequestHead, ResponseHead
from ws76proxy.wire import head as head_module

from .chunks import cuts, every_way, one_by_one
from .counting import CountingPattern, Work, count_buffers

REQUEST = b"GET /demo HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\n\r\n"


class Lines(NamedTuple):
    """A head as what it is made of."""

    preamble: bytes
    start_line: bytes
    fields: list[tuple[bytes, bytes]]
    """Each line after the start line, and its line end."""
    start_end: bytes
    last_end: bytes

    @property
    def raw(self) -> bytes:
        """All of it."""
        fields = b"".join(line + end for line, end in self.fields)
        return self.preamble + self.start_line + self.start_end + fields + self.last_end


line_ends = st.sampled_from([b"\r\n", b"\n"])
# What a line may be without ending early, or lending its CR to its line end.
lines = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.lists(st.sampled_from(b"aA: \t\r"), min_size=1, max_size=8).map(bytes),
    st.sampled_from([b"Host: example.com", b"Sec-WebSocket-Key1:  1 2 ", b"HOST:b", b"none", b":"]),
).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))
heads = st.builds(
    Lines,
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r"]), max_size=3).map(b"".join),
    lines.filter(lambda line: not line.startswith(b"\r")),
    st.lists(st.tuples(lines, line_ends), max_size=6),
    line_ends,
    line_ends,
)
one_line = st.binary(max_size=12).filter(lambda text: b"\n" not in text and text[-1:] != b"\r")


@given(heads)
def test_reading_keeps_everything(made: Lines) -> None:
    head = Head(made.raw)
    assert (head.preamble, head.start_line) == (made.preamble, made.start_line)
    assert len(head.fields) == len(made.fields)
    for field, (line, line_end) in zip(head.fields, made.fields, strict=True):
        assert field.raw == line + line_end
        assert field.line_end == line_end
        assert made.raw[field.offset : field.offset + len(field.raw)] == field.raw
        name, colon, after = line.partition(b":")
        assert (field.name, field.has_colon, field.after_colon) == (name, bool(colon), after)
        assert field.value == after.removeprefix(b" ")
        assert field.stripped == after.strip(b" \t")
        if colon:
            rest = made.raw[field.value_offset : field.offset + len(line)]
            assert rest == field.value
        same_name = [one for one in head.fields if one.name.lower() == name.lower()]
        assert list(head.get_all(name.lower())) == same_name
        assert head.get(name.lower()) == same_name[0]
        assert head.value(name.lower()) == same_name[0].value
    assert head.get(b"not there") is None
    assert head.value(b"not there") is None
    assert head.get_all(b"not there") == ()


# Edits: what was there before and after the edit stays, byte by byte.


def field_of(head: Head, choice: int) -> Field:
    assume(head.fields)
    return head.fields[choice % len(head.fields)]


@given(heads, st.integers(0, 5), one_line)
def test_replace_field(made: Lines, choice: int, value: bytes) -> None:
    head = Head(made.raw)
    old = field_of(head, choice)
    edited = head.replace_field(old, value).raw
    before, after = made.raw[: old.offset], made.raw[old.offset + len(old.raw) :]
    space = b" " if old.after_colon[:1] == b" " else b""
    assert edited == before + old.name + b":" + space + value + old.line_end + after


@given(heads, st.lists(one_line, max_size=6), st.randoms(use_true_random=False))
def test_replace_fields(made: Lines, values: list[bytes], order: random.Random) -> None:
    """Several at once, in whatever order they are given, are the same as one after the other."""
    head = edited = Head(made.raw)
    pairs = list(zip(head.fields, values, strict=False))
    # From the last to the first, so that the fields still to come keep their offsets.
    for old, value in reversed(pairs):
        edited = edited.replace_field(old, value)
    order.shuffle(pairs)
    assert head.replace_fields(dict(pairs)) == edited


@given(heads, st.integers(0, 5))
def test_replacing_with_the_same_value_changes_nothing(made: Lines, choice: int) -> None:
    head = Head(made.raw)
    old = field_of(head, choice)
    assume(old.has_colon)
    assert head.replace_field(old, old.value) == head


@given(heads, st.integers(0, 5), one_line.filter(bool))
def test_rename_and_remove_field(made: Lines, choice: int, name: bytes) -> None:
    head = Head(made.raw)
    old = field_of(head, choice)
    before, after = made.raw[: old.offset], made.raw[old.offset + len(old.raw) :]
    rest = old.raw[len(old.name) :]
    assert head.rename_field(old, name).raw == before + name + rest + after
    assert head.rename_field(old, old.name) == head
    assert head.remove_field(old).raw == before + after


@given(heads, one_line.filter(lambda name: b":" not in name), one_line)
@example(Lines(b"\n", b"GET / HTTP/1.1", [], b"\r\n", b"\r\n"), b"Host", b"a")
@example(Lines(b"\r\n", b"GET / HTTP/1.1", [], b"\n", b"\n"), b"Host", b"a")
def test_add_field(made: Lines, name: bytes, value: bytes) -> None:
    added = Head(made.raw).add_field(name, value)
    before = made.raw.removesuffix(made.last_end)
    assert added.raw == before + name + b": " + value + made.start_end + made.last_end
    field = added.fields[-1]
    assert (field.name, field.value) == (name, value)
    assert Head(added.raw).remove_field(field).raw == made.raw


@given(heads, st.binary(min_size=1, max_size=9).filter(lambda line: line[0] not in b"\r\n"))
def test_replace_start_line(made: Lines, line: bytes) -> None:
    assume(b"\n" not in line)
    edited = Head(made.raw).replace_start_line(line)
    assert edited.raw == made._replace(start_line=line).raw


def test_edits_keep_the_kind_of_head() -> None:
    head = RequestHead(REQUEST)
    host = head.fields[0]
    for edited in (
        head.replace_field(host, b"a"),
        head.rename_field(host, b"a"),
        head.remove_field(host),
        head.add_field(b"a", b"b"),
        head.replace_start_line(b"GET / HTTP/1.0"),
    ):
        assert type(edited) is RequestHead


token = st.text("abcXYZ-019", min_size=1, max_size=8)
value_text = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\n\r"), max_size=12)


@given(token, st.lists(st.tuples(token, st.one_of(value_text, one_line)), max_size=6))
def test_what_is_built_reads_back(start_line: str, fields: list[tuple[str, str | bytes]]) -> None:
    head = Head.build(start_line, fields)
    assert head.start_line == start_line.encode()
    expected = [
        (name.encode(), value.encode("latin-1") if isinstance(value, str) else value)
        for name, value in fields
    ]
    assert [(field.name, field.value) for field in head.fields] == expected
    assert all(field.line_end == b"\r\n" for field in head.fields)
    assert HeadReader(Head).feed(head.raw) == head


def test_our_own_side_cannot_smuggle_a_line() -> None:
    head = RequestHead(REQUEST)
    host = head.fields[0]
    edits: list[Callable[[], object]] = [
        lambda: head.replace_field(host, b"a\r\nb: c"),
        lambda: head.rename_field(host, b"a: b\nc"),
        lambda: head.add_field(b"a", b"b\n"),
        lambda: head.add_field(b"a\n", b"b"),
        lambda: head.replace_start_line(b"GET / HTTP/1.1\na: b"),
        lambda: Head.build("GET / HTTP/1.1", [("a", "b\r\n\r\n")]),
        lambda: Head.build("GET / HTTP/1.1\n", []),
        lambda: Head.build("GET /€ HTTP/1.1", []),
        lambda: Head.build("GET / HTTP/1.1", [("a", "€")]),
    ]
    for edit in edits:
        with pytest.raises(LocalProtocolError):
            edit()


@pytest.mark.parametrize(
    ("line", "method", "target", "version"),
    [
        (b"GET /demo HTTP/1.1", b"GET", b"/demo", b"HTTP/1.1"),
        (b"GET /with space HTTP/1.1", b"GET", b"/with space", b"HTTP/1.1"),
        (b"GET  HTTP/1.1", b"GET", b"", b"HTTP/1.1"),
        (b"GET /", b"GET", b"/", b""),
        (b"GET", b"GET", b"", b""),
    ],
)
def test_request_line(line: bytes, method: bytes, target: bytes, version: bytes) -> None:
    head = RequestHead(line + b"\r\n\r\n")
    assert (head.method, head.target, head.version) == (method, target, version)


@pytest.mark.parametrize(
    ("line", "version", "status", "reason"),
    [
        (b"HTTP/1.1 101 Web Socket Protocol Handshake", b"HTTP/1.1", 101, b"Web Socket Protocol "),
        (b"HTTP/1.1 101", b"HTTP/1.1", 101, b""),
        (b"HTTP/1.1 101 ", b"HTTP/1.1", 101, b""),
        (b"HTTP/1.1  101", b"HTTP/1.1", None, b"101"),
        (b"HTTP/1.1 1011 no", b"HTTP/1.1", None, b"no"),
        (b"HTTP/1.1 \xb2\xb2\xb2 no", b"HTTP/1.1", None, b"no"),
        (b"hello", b"hello", None, b""),
    ],
)
def test_status_line(line: bytes, version: bytes, status: int | None, reason: bytes) -> None:
    head = ResponseHead(line + b"\n\n")
    assert (head.version, head.status) == (version, status)
    assert head.reason.startswith(reason)


# The reader


class Read(NamedTuple):
    """What became of some bytes."""

    head: bytes | None
    excess: bytes
    refusal: str | None


def read(chunks: list[bytes], limits: HeadLimits) -> Read:
    """Feed a reader until it has a head, or refuses."""
    reader = HeadReader(Head, limits)
    for number, chunk in enumerate(chunks, start=1):
        head = reader.feed(chunk)
        if head is not None:
            assert not reader.buffered
            return Read(head.raw, reader.excess + b"".join(chunks[number:]), None)
        if reader.refusal is not None:
            return Read(None, b"", reader.refusal)
    assert reader.buffered == b"".join(chunks)
    return Read(None, b"", None)


def read_slowly(data: bytes, limits: HeadLimits) -> Read:
    """The same, a byte at a time: empty lines, a start line, fields, an empty line."""
    line, found, begun = b"", 0, False
    for position, byte in enumerate(data):
        if position == limits.size:
            return Read(None, b"", f"the head is larger than {limits.size} bytes")
        if not begun and byte in b"\r\n":
            continue
        begun = True
        line += bytes([byte])
        if byte != 0x0A:
            continue
        if line in (b"\n", b"\r\n"):
            if found - 1 > limits.fields:
                return Read(None, b"", f"the head has more than {limits.fields} fields")
            return Read(data[: position + 1], data[position + 1 :], None)
        line, found = b"", found + 1
    return Read(None, b"", None)


streams = st.one_of(
    st.lists(st.sampled_from(b"\r\n\r\n\r\na: "), max_size=40).map(bytes),
    st.tuples(heads, st.binary(max_size=20)).map(lambda parts: parts[0].raw + parts[1]),
)


@given(
    streams, cuts, st.builds(HeadLimits, st.sampled_from([10, 30, 1000]), st.sampled_from([1, 100]))
)
@example(b"\r\n\na\r\n\r\n", [5000], HeadLimits(9, 0))
def test_a_head_in_any_pieces(data: bytes, places: list[int], limits: HeadLimits) -> None:
    expected = read_slowly(data, limits)
    for chunks in every_way(data, places):
        assert read(chunks, limits) == expected


@given(heads, cuts, st.binary(max_size=30))
def test_key3_behind_a_head_is_excess(made: Lines, places: list[int], behind: bytes) -> None:
    """Whatever it begins with: CR, LF and NUL too."""
    for chunks in every_way(made.raw + behind, places):
        assert read(chunks, HeadLimits()) == Read(made.raw, behind, None)


def test_limits_are_inclusive() -> None:
    size, fields = len(REQUEST), 2
    assert HeadReader(Head, HeadLimits(size, fields)).feed(REQUEST + b"more") is not None
    for limits in (HeadLimits(size - 1, fields), HeadLimits(size, fields - 1)):
        reader = HeadReader(Head, limits)
        assert reader.feed(REQUEST + b"more") is None
        assert reader.refusal is not None


def test_a_refused_head_stays_refused_and_stops_growing() -> None:
    for limits in (HeadLimits(size=10), HeadLimits(fields=1)):
        reader = HeadReader(Head, limits)
        reader.feed(REQUEST)
        refusal = reader.refusal
        assert refusal is not None
        assert reader.feed(REQUEST) is None
        assert (reader.refusal, reader.buffered) == (refusal, REQUEST)


@pytest.mark.parametrize("filling", [b"a", b"\r\n", b"\n\r\r", b"a: b\r\n"])
def test_a_drip_is_scanned_once(filling: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    count_buffers(head_module, monkeypatch, work)
    for name in ("_BLANK_LINE", "_LEADING_LINE_ENDS"):
        pattern = getattr(head_module, name)
        monkeypatch.setattr(head_module, name, CountingPattern(pattern, work))
    data = filling * (50_000 // len(filling))
    reader = HeadReader(RequestHead, HeadLimits(100_000, 100_000))
    for chunk in one_by_one(data):
        assert reader.feed(chunk) is None
    assert reader.buffered == data
    assert work.bytes < 6 * len(data)


def test_memory_of_a_head_without_end() -> None:
    reader = HeadReader(RequestHead, HeadLimits(size=10_000))
    tracemalloc.start()
    try:
        for _ in range(100_000):
            reader.feed(b"a: b" * 25)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.refusal is not None
    assert peak < 50_000
