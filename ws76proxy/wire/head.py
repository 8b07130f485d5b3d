"""HTTP heads that keep every byte: field order, case, spaces and line ends as they came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, Self, TypeVar

import msgspec

from ws76proxy.errors import LocalProtocolError

__all__ = [
    "DEFAULT_HEAD_LIMITS",
    "Field",
    "Head",
    "HeadLimits",
    "HeadReader",
    "RequestHead",
    "ResponseHead",
]

HeadType = TypeVar("HeadType", bound="Head")

_BLANK_LINE = re.compile(rb"\n\r?\n")
_LEADING_LINE_ENDS = re.compile(rb"[\r\n]*")
_STATUS = re.compile(rb"[0-9]{3}\Z")


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How large a head may grow: in bytes, blank line included, and in fields."""

    size: int = 65_536
    fields: int = 256


DEFAULT_HEAD_LIMITS = HeadLimits()


class Field(msgspec.Struct, frozen=True, gc=False):
    """One line of a head after the start line.

    ``raw`` is the line with its line end; ``offset`` counts bytes from the head's first byte. A
    line without a colon is kept too: its ``name`` is the whole line and ``has_colon`` is false.
    """

    raw: bytes
    offset: int
    name: bytes
    after_colon: bytes
    has_colon: bool

    @property
    def value(self) -> bytes:
        """The value as the draft reads it (4.1): one U+0020 after the colon dropped, no more."""
        return self.after_colon[1:] if self.after_colon.startswith(b" ") else self.after_colon

    @property
    def stripped(self) -> bytes:
        """The value as HTTP reads it: spaces and tabs at both edges dropped."""
        return self.after_colon.strip(b" \t")

    @property
    def value_offset(self) -> int:
        """Where `value` starts, in bytes from the head's first byte."""
        skipped = 2 if self.after_colon.startswith(b" ") else 1
        return self.offset + len(self.name) + skipped

    def with_value(self, value: bytes) -> bytes:
        """The same line with another value; its name, space and line end stay.

        Raises LocalProtocolError for a line feed in it.
        """
        _must_be_one_line(value)
        space = b" " if self.after_colon.startswith(b" ") else b""
        return self.name + b":" + space + value + self.line_end

    @property
    def line_end(self) -> bytes:
        """The bytes that end the line: CR LF, or a lone LF."""
        return b"\r\n" if self.raw.endswith(b"\r\n") else b"\n"


class _Lines(NamedTuple):
    """A head, read."""

    preamble: bytes
    start_line: bytes
    fields: tuple[Field, ...]
    by_name: dict[bytes, tuple[Field, ...]]
    """Names are in lower case."""


def _read_lines(raw: bytes) -> _Lines:
    preamble = b""
    if raw[:1] in b"\r\n":
        match = _LEADING_LINE_ENDS.match(raw)
        preamble = match.group() if match else b""
    start_line, *lines = raw[len(preamble) :].split(b"\n")
    begin = len(preamble) + len(start_line) + 1
    start_line = start_line.removesuffix(b"\r")
    fields: list[Field] = []
    index: dict[bytes, tuple[Field, ...]] = {}
    for line in lines:
        content = line.removesuffix(b"\r")
        if not content:
            break
        name, colon, value = content.partition(b":")
        one = Field(line + b"\n", begin, name, value, bool(colon))
        fields.append(one)
        lowered = name.lower()
        index[lowered] = (*index[lowered], one) if lowered in index else (one,)
        begin += len(line) + 1
    return _Lines(preamble, start_line, tuple(fields), index)


class Head(msgspec.Struct, frozen=True, dict=True):
    """A whole HTTP head, blank line included, as it came (``raw``), read without loss.

    Nothing is refused here: what is odd about a head is for the diagnosis to say. ``preamble`` are
    the empty lines that came before the start line.
    """

    raw: bytes

    @property
    def preamble(self) -> bytes:
        """Empty lines before the start line (some clients end a request with one too many)."""
        return self._lines.preamble

    @property
    def start_line(self) -> bytes:
        """The first line, without its line end."""
        return self._lines.start_line

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every line after the start line, in order, the blank line left out."""
        return self._lines.fields

    @cached_property
    def _lines(self) -> _Lines:
        """Read when first asked for: a head that is only passed on never is."""
        return _read_lines(self.raw)

    @property
    def _index(self) -> dict[bytes, tuple[Field, ...]]:
        return self._lines.by_name

    def get_all(self, name: bytes) -> tuple[Field, ...]:
        """Every field of that name, in order; names compare without case. `name` in lower case."""
        return self._index.get(name, ())

    def get(self, name: bytes) -> Field | None:
        """The first field of that name (lower case), or None."""
        found = self._index.get(name)
        return found[0] if found else None

    def value(self, name: bytes) -> bytes | None:
        """The first such field's value as the draft reads it, or None."""
        found = self._index.get(name)
        return found[0].value if found else None

    # Edits raise LocalProtocolError for a line feed in what they are given.

    def replace_field(self, old: Field, value: bytes) -> Self:
        """The same head with another value in one field; its name, space and line end stay."""
        return self.replace_fields({old: value})

    def replace_fields(self, values: Mapping[Field, bytes]) -> Self:
        """The same head with other values in these of its fields; the rest stays as it is."""
        pieces, position = [], 0
        for old in sorted(values, key=lambda field: field.offset):
            pieces += [self.raw[position : old.offset], old.with_value(values[old])]
            position = old.offset + len(old.raw)
        return type(self)(b"".join(pieces) + self.raw[position:])

    def rename_field(self, old: Field, name: bytes) -> Self:
        """The same head with another name on one field."""
        _must_be_one_line(name)
        return self._splice(old, name + old.raw[len(old.name) :])

    def remove_field(self, old: Field) -> Self:
        """The same head without that field."""
        return self._splice(old, b"")

    def add_field(self, name: bytes, value: bytes) -> Self:
        """The same head with one more field at its end, with the start line's line end."""
        _must_be_one_line(name, value)
        after_start_line = len(self.preamble) + len(self.start_line)
        line_end = b"\r\n" if self.raw.startswith(b"\r", after_start_line) else b"\n"
        end = len(self.raw) - (2 if self.raw.endswith(b"\r\n") else 1)
        line = name + b": " + value + line_end
        return type(self)(self.raw[:end] + line + self.raw[end:])

    def replace_start_line(self, line: bytes) -> Self:
        """The same head with another start line (given without line end)."""
        _must_be_one_line(line)
        begin = len(self.preamble)
        return type(self)(self.raw[:begin] + line + self.raw[begin + len(self.start_line) :])

    def _splice(self, old: Field, line: bytes) -> Self:
        return type(self)(self.raw[: old.offset] + line + self.raw[old.offset + len(old.raw) :])

    @classmethod
    def build(cls, start_line: str, fields: Sequence[tuple[str, str | bytes]]) -> Self:
        """A head of our own: text is encoded as Latin-1, lines end in CR LF.

        Raises LocalProtocolError for text outside of Latin-1, or a line feed in a name or value.
        """
        try:
            lines = [start_line.encode("latin-1")]
            for name, value in fields:
                encoded = value if isinstance(value, bytes) else value.encode("latin-1")
                lines.append(name.encode("latin-1") + b": " + encoded)
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"not encodable as Latin-1: {error}") from error
        _must_be_one_line(*lines)
        return cls(b"\r\n".join(lines) + b"\r\n\r\n")


def _must_be_one_line(*parts: bytes) -> None:
    for part in parts:
        if b"\n" in part:
            raise LocalProtocolError(f"a line feed in {part!r} would end the line there")


class RequestHead(Head, frozen=True):
    """A request's head; the parts of a malformed start line are empty bytes."""

    @property
    def method(self) -> bytes:
        """The first word of the start line."""
        return self.start_line.split(b" ", 1)[0]

    @cached_property
    def target(self) -> bytes:
        """What is between the first and the last space: the resource name."""
        _, _, rest = self.start_line.partition(b" ")
        target, space, _version = rest.rpartition(b" ")
        return target if space else rest

    @property
    def version(self) -> bytes:
        """What is after the last space: ``HTTP/1.1``; empty where there is only one space."""
        _, _, rest = self.start_line.partition(b" ")
        _target, space, version = rest.rpartition(b" ")
        return version if space else b""


class ResponseHead(Head, frozen=True):
    """A response's head; ``status`` is None where the start line has none."""

    @property
    def version(self) -> bytes:
        """The first word of the status line: ``HTTP/1.1``."""
        return self.start_line.split(b" ", 1)[0]

    @cached_property
    def status(self) -> int | None:
        """The three-digit code, or None."""
        code = self.start_line.split(b" ", 2)[1:2]
        return int(code[0]) if code and _STATUS.match(code[0]) else None

    @property
    def reason(self) -> bytes:
        """What follows the code; any text is as good as any other."""
        return b"".join(self.start_line.split(b" ", 2)[2:])


class HeadReader(Generic[HeadType]):
    """Collects bytes until a head is whole, never scanning a byte twice.

    ``feed`` returns the head once, when its blank line has come; what came after it is in
    ``excess``. When a limit is passed, ``refusal`` says which, in words, and feeding stops.
    """

    def __init__(self, head_type: type[HeadType], limits: HeadLimits = DEFAULT_HEAD_LIMITS) -> None:
        self._head_type = head_type
        self._limits = limits
        self._buffer = bytearray()
        self._begin = 0
        self._scanned = 0
        self.excess = b""
        self.refusal: str | None = None

    @property
    def buffered(self) -> bytes:
        """What has come of a head that is not whole yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> HeadType | None:
        """Take the next bytes; return the head when it is whole, otherwise None."""
        if self.refusal is not None:
            return None
        buffer = self._buffer
        only_line_ends = self._begin == len(buffer)
        buffer += data
        if only_line_ends:
            # Empty lines before the start line are no end of the head.
            leading = _LEADING_LINE_ENDS.match(buffer, self._begin)
            self._begin = self._scanned = leading.end() if leading else self._begin
        end = _BLANK_LINE.search(buffer, self._scanned)
        size = end.end() if end else len(buffer)
        if size > self._limits.size:
            self.refusal = f"the head is larger than {self._limits.size} bytes"
            return None
        if end is None:
            self._scanned = max(self._scanned, len(buffer) - 2)
            return None
        raw = bytes(buffer[:size])
        if raw.count(b"\n", self._begin) - 2 > self._limits.fields:
            self.refusal = f"the head has more than {self._limits.fields} fields"
            return None
        self.excess = bytes(buffer[size:])
        self._buffer = bytearray()
        self._begin = self._scanned = 0
        return self._head_type(raw)
