"""Hex dumps as the usual programs write them: xxd, hexdump, od, Wireshark, curl --trace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from ws76proxy.errors import UsageError

__all__ = ["Block", "DumpError", "read_dump", "read_plain", "read_trace"]

_ROW = re.compile(
    r"(?P<indent>[ \t]*)(?:0x)?(?P<offset>[0-9a-fA-F]{4,16}):?(?P<rest>[ \t].*)?\Z", re.DOTALL
)
_GROUP = re.compile(r"(?:[0-9a-fA-F]{2}){1,16}\Z")
_OCTAL_WORDS = re.compile(r"(?: [01][0-7]{5}){4,}\Z")
_TRACE = re.compile(r"(?:.{0,40}\s)?(?P<mark>=>|<=) (?P<what>[A-Za-z ]+), (?P<size>\d+) bytes")
_PLAIN = re.compile(r"(?:0x|\\x)?((?:[0-9a-fA-F]{2})+)[\s:,;-]*")
_SEPARATORS = " \t:,;-"
_BASES = (16, 10, 8)
_MOST_IN_ROW = 64
# So many digits at the beginning are taken for nothing else, even where a slip follows in the line.
_LEAST_DIGITS, _CERTAIN_DIGITS = 8, 32
_LARGEST = 16 << 20


class DumpError(UsageError):
    """A dump that breaks off or jumps; the text says in which line."""


class Block(NamedTuple):
    """Bytes that stand together. `stream` is 1 where the lines are indented further than others, as
    Wireshark shows what the server sent; otherwise 0."""

    stream: int
    data: bytes


@dataclass(slots=True)
class _Row:
    """A line of a dump. `tight` are its bytes up to the first wide gap, behind which a column of
    text begins in most dumps; `loose` are all that could be bytes."""

    number: int
    line: str
    indent: int
    offset: str
    tight: bytes
    loose: bytes
    is_end: bool
    is_repeated: bool = False


def read_dump(text: str, *, swapped: bool = False) -> list[Block] | None:
    """The bytes of a dump, in the order of its lines; None where this is no dump.

    `swapped`: the bytes of each group of two stand in the machine's order, as `hexdump` without
    options writes them. Where a dump begins at offset 0 again, another block begins. Raises
    DumpError where offsets do not follow each other.
    """
    rows = _rows(text, swapped)
    if rows is None:
        return None
    first_error: DumpError | None = None
    for base in _BASES:
        try:
            return _join(rows, base)
        except DumpError as error:
            first_error = first_error or error
    assert first_error is not None  # noqa: S101 - there is more than no base
    raise first_error


def _rows(text: str, swapped: bool) -> list[_Row] | None:
    """The lines that belong to a dump; None where those are few, or do not begin at offset 0."""
    rows: list[_Row] = []
    others = 0
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        row = _row(number, line, swapped)
        if row is not None and (rows or (not row.is_end and not row.offset.strip("0"))):
            rows.append(row)
        elif line.strip() == "*" and rows:
            rows[-1].is_repeated = True
        else:
            others += 1
    return rows if rows and len(rows) >= others else None


def _row(number: int, line: str, swapped: bool) -> _Row | None:
    match = _ROW.match(line)
    if match is None:
        return None
    rest = match["rest"] or ""
    if _OCTAL_WORDS.match(rest):
        raise DumpError(
            f"line {number}: expected bytes in hexadecimal, found words in octal (od -A x -t x1"
            " writes bytes)"
        )
    tight, loose = _bytes_of(rest, swapped)
    if rest.strip() and not loose:
        return None
    indent = len(match["indent"].expandtabs())
    is_end = not rest.strip()
    return _Row(number, line, indent, match["offset"], tight, loose, is_end)


def _bytes_of(rest: str, swapped: bool) -> tuple[bytes, bytes]:
    """The bytes of a line up to the first wide gap, and all."""
    loose = bytearray()
    tight: int | None = None
    words = re.split(r"([ \t]+)", rest.split("  |")[0].strip())
    width = len(words[0])
    for word, gap in zip_longest(words[::2], words[1::2], fillvalue=""):
        if not _GROUP.match(word) or len(word) > width or len(loose) >= _MOST_IN_ROW:
            break
        group = bytes.fromhex(word)
        loose += group[::-1] if swapped and len(group) == 2 else group
        # Two spaces in the middle of a line of single bytes belong to it; no other wide gap does.
        is_middle = width == 2 and len(loose) == 8 and gap == "  "
        if tight is None and len(gap.expandtabs()) > 1 and not is_middle:
            tight = len(loose)
    return bytes(loose[:tight]), bytes(loose)


def _join(rows: Sequence[_Row], base: int) -> list[Block]:
    """The rows' bytes, one behind the other. Raises DumpError."""
    outermost = min(row.indent for row in rows)
    blocks: list[tuple[int, bytearray]] = []
    sizes = [0, 0]
    before: list[_Row | None] = [None, None]
    for row, following in zip(rows, _following(rows, outermost), strict=True):
        stream = int(row.indent > outermost)
        offset = _number(row, base)
        last = before[stream]
        if offset == 0 and not row.is_end:
            blocks.append((stream, bytearray()))
            sizes[stream] = 0
        elif last is not None and last.is_repeated and offset > sizes[stream]:
            fill = _repeated(last, offset - sizes[stream])
            blocks[-1][1].extend(fill)
            sizes[stream] = offset
        if row.is_end and offset == sizes[stream] - 1:
            # The last group was filled up with a zero.
            del blocks[-1][1][-1:]
            sizes[stream] = offset
        if offset != sizes[stream]:
            raise _jumped(row, sizes[stream], last)
        data = row.tight
        if following is not None and not row.is_repeated:
            size = _number(following, base) - offset
            if 0 < size <= len(row.loose):
                data = row.loose[:size]
        if not blocks or blocks[-1][0] != stream:
            blocks.append((stream, bytearray()))
        blocks[-1][1].extend(data)
        sizes[stream] += len(data)
        before[stream] = row
    return [Block(stream, bytes(data)) for stream, data in blocks if data]


def _following(rows: Sequence[_Row], outermost: int) -> Iterator[_Row | None]:
    """For each row, the next one of its stream."""
    following: list[_Row | None] = []
    coming: list[_Row | None] = [None, None]
    for row in reversed(rows):
        stream = int(row.indent > outermost)
        following.append(coming[stream])
        coming[stream] = row
    return reversed(following)


def _number(row: _Row, base: int) -> int:
    try:
        return int(row.offset, base)
    except ValueError:
        raise DumpError(f"line {row.number}: found the offset {row.offset}") from None


def _repeated(row: _Row, size: int) -> bytes:
    """What stands for a line with an asterisk: the line before it, again and again."""
    if not row.tight or size % len(row.tight) or size > _LARGEST:
        raise DumpError(
            f"line {row.number + 1}: expected lines of {len(row.tight)} bytes to be left out, found"
            f" {size} bytes"
        )
    return row.tight * (size // len(row.tight))


def _jumped(row: _Row, expected: int, last: _Row | None) -> DumpError:
    why = ""
    if last is not None and not last.is_end:
        why = f" (line {last.number} holds {len(last.tight)} bytes, as far as it is understood)"
    return DumpError(f"line {row.number}: expected offset {expected:#x}{why}, found {row.offset}")


def read_plain(text: str) -> bytes | None:
    """The bytes of nothing but hexadecimal digits, in pairs; None where it does not begin so.

    Raises DumpError, which says in which line and column something else stands.
    """
    lines = [(number, line) for number, line in enumerate(_lines(text), 1) if line.strip()]
    first = lines[0][1] if lines else ""
    slip = _not_plain(first)
    digits = sum(len(match[1]) for match in _PLAIN.finditer(first[:slip]))
    if digits < (_LEAST_DIGITS if slip is None else _CERTAIN_DIGITS):
        return None
    data = bytearray()
    for number, line in lines:
        column = _not_plain(line)
        if column is not None:
            raise DumpError(
                f"line {number}, column {column + 1}, behind {len(data)} bytes in the lines before:"
                f" expected digits in pairs, found {line[column : column + 16]!r}"
            )
        for match in _PLAIN.finditer(line):
            data += bytes.fromhex(match[1])
    return bytes(data)


def _not_plain(line: str) -> int | None:
    """Where something stands that is no pair of digits."""
    place = len(line) - len(line.lstrip(_SEPARATORS))
    while place < len(line):
        match = _PLAIN.match(line, place)
        if match is None:
            return place
        place = match.end()
    return None


def read_trace(text: str) -> list[Block] | None:
    """What ``curl --trace`` wrote: what was sent is stream 0, what came 1; None: it is no trace.

    Raises DumpError.
    """
    blocks: list[tuple[int, bytearray]] = []
    current: _Traced | None = None
    for number, line in enumerate(_lines(text), 1):
        begin = _TRACE.match(line)
        if begin is not None:
            current = _Traced(bytearray(), int(begin["size"]))
            # What is told about TLS is not part of the streams.
            if "SSL" not in begin["what"]:
                blocks.append((int(begin["mark"] == "<="), current.data))
        elif current is not None and line.strip() and not line.startswith("=="):
            current.take(number, line)
    if current is None:
        return None
    return [Block(stream, bytes(data)) for stream, data in blocks]


@dataclass(slots=True)
class _Traced:
    """One write or read in a trace."""

    data: bytearray
    size: int

    def take(self, number: int, line: str) -> None:
        """Its next line; those behind its end are not its own."""
        left = self.size - len(self.data)
        if not left:
            return
        row = _row(number, line, swapped=False)
        if row is None:
            hint = " (curl --trace writes them, --trace-ascii does not)"
            raise DumpError(
                f"line {number}: expected {left} bytes more, in hexadecimal{hint}, found"
                f" {line[:32]!r}"
            )
        if int(row.offset, 16) != len(self.data):
            raise DumpError(
                f"line {number}: expected offset {len(self.data):#x}, found {row.offset}"
            )
        self.data += row.loose[: min(16, left)]


def _lines(text: str) -> list[str]:
    # str.splitlines takes more characters for line ends than programs write.
    return [line.removesuffix("\r") for line in text.split("\n")]
