"""What users write to choose texts: regular expressions that cannot hang, and `*` and `?`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

import re2

from ws76proxy.errors import UsageError

__all__ = [
    "MAX_PROGRAM",
    "MAX_REPLACEMENTS",
    "MAX_SECONDS",
    "Clock",
    "Glob",
    "Regex",
    "RegexIndex",
    "Template",
    "escaped",
    "glob_expression",
]

MAX_PROGRAM = 8 * 1024 * 1024
"""Bytes of memory that a compiled expression may take, and what RE2 remembers while it searches."""
MAX_REPLACEMENTS = 100_000
"""How many matches in one text are replaced."""
MAX_SECONDS = 1.0
"""How long replacing in one text may take, in seconds."""
_LOOK_AT_CLOCK = 16

Clock = Callable[[], float]
"""Seconds, from whenever; it never jumps."""

_REFERENCE = re.compile(r"\\(?:g<(\w+)>|([1-9][0-9]?)|(.)|\Z)", re.DOTALL)
_ESCAPES = {"0": None, "\\": b"\\", "n": b"\n", "r": b"\r", "t": b"\t"}


class Template(NamedTuple):
    """What a match is replaced with: bytes as they are, and numbers of groups (0: the match)."""

    pieces: tuple[bytes | int, ...]

    def fill(self, match: Any) -> bytes:
        """The replacement of this match; a group that took no part is empty."""
        return b"".join(
            [piece if isinstance(piece, bytes) else match[piece] or b"" for piece in self.pieces]
        )


class Regex:
    """A regular expression of RE2: its time grows with the text, whatever the expression.

    That costs look-around and back-references, which RE2 does not have. `^` and `$` are the ends of
    the text, `.` is anything but a line end, unless flags such as ``(?ims)`` say otherwise.
    """

    def __init__(self, text: str, *, captures: bool = False, ignore_case: bool = False) -> None:
        """`captures`: groups are wanted, for `replace`. Raises UsageError for what is no such
        expression; it says what and where."""
        self.text = text
        self._compiled = _compiled(text, captures=captures, ignore_case=ignore_case)

    @property
    def size(self) -> int:
        """How many instructions it is compiled to."""
        return int(self._compiled.programsize)

    def is_in(self, text: str) -> bool:
        """Whether some of the text matches."""
        # In bytes: for a text RE2's binding would also count where its characters stand.
        return self._compiled.search(text.encode("utf-8", "replace")) is not None

    def is_in_bytes(self, data: bytes) -> bool:
        """Whether some of the bytes, read as UTF-8, match."""
        return self._compiled.search(data) is not None

    def is_all_of(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._compiled.fullmatch(text.encode("utf-8", "replace")) is not None

    def template(self, text: str) -> Template:
        r"""Read what a match is to be replaced with.

        ``\1`` to ``\99``, ``\g<1>`` and ``\g<name>`` are groups, ``\0`` and ``\g<0>`` the match,
        ``\\``, ``\n``, ``\r`` and ``\t`` what they always are. Raises UsageError for anything else
        behind a backslash, and for a group that the expression does not have.
        """
        pieces: list[bytes | int] = []
        end = 0
        for found in _REFERENCE.finditer(text):
            pieces.append(text[end : found.start()].encode())
            end = found.end()
            group, number, escape = found.groups()
            if group is None and number is None:
                if escape not in _ESCAPES:
                    raise UsageError(
                        f"expected \\1, \\g<name>, \\n, \\r, \\t or \\\\, found {found[0]!r}"
                    )
                literal = _ESCAPES[escape]
                pieces.append(0 if literal is None else literal)
            else:
                pieces.append(self._group(group or number))
        pieces.append(text[end:].encode())
        return Template(tuple([piece for piece in pieces if piece != b""]))

    def _group(self, name: str) -> int:
        groups: int = self._compiled.groups
        by_name = {key.decode(): index for key, index in self._compiled.groupindex.items()}
        if name.isdigit():
            if int(name) <= groups:
                return int(name)
        elif name in by_name:
            return int(by_name[name])
        has = "none" if not groups else ", ".join([*map(str, range(1, groups + 1)), *by_name])
        raise UsageError(f"expected a group that the expression has ({has}), found {name!r}")

    def replace(
        self,
        data: bytes,
        template: Template,
        count: int | None = None,
        *,
        clock: Clock | None = None,
    ) -> bytes | None:
        """The bytes with matches replaced from the left: `count` of them, or all.

        Bytes outside of matches stay, whether they are UTF-8 or not. After MAX_REPLACEMENTS it
        stops. Each search takes time in proportion to the text, but there may be as many as there
        are places: where it all takes longer than MAX_SECONDS by `clock`, the result is None.
        """
        end_of_time = inf if clock is None else clock() + MAX_SECONDS
        pieces: list[bytes] = []
        end = position = 0
        left = min(count or MAX_REPLACEMENTS, MAX_REPLACEMENTS)
        # Not `finditer`: RE2's binding finds an empty match twice.
        while left and position <= len(data):
            if clock is not None and left % _LOOK_AT_CLOCK == 0 and clock() > end_of_time:
                return None
            match = self._compiled.search(data, position)
            if match is None:
                break
            begin, position = match.span()
            if begin == position:
                position += 1
                # A byte on may be within a character.
                if begin < len(data) and data[begin] & 0xC0 == 0x80:
                    continue
            pieces += data[end:begin], template.fill(match)
            end = match.end()
            left -= 1
        return b"".join(pieces) + data[end:] if pieces else data


def _compiled(text: str, *, captures: bool = False, ignore_case: bool = False) -> Any:
    try:
        options = _options(captures=captures, ignore_case=ignore_case)
        return re2.compile(text.encode("utf-8"), options)
    except UnicodeEncodeError:
        raise UsageError(f"{text!r}: expected a regular expression in Unicode") from None
    except re2.error as error:
        why = error.args[0] if error.args else ""
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        if "too large" in said:
            said += f" (it would take more than {MAX_PROGRAM // 1024**2} MiB)"
        raise UsageError(
            f"{_shortened(text)!r}: expected a regular expression as RE2 reads it, found {said}"
        ) from None


def _options(*, captures: bool, ignore_case: bool = False) -> Any:
    options = re2.Options()
    # RE2 would write to standard error by itself.
    options.log_errors = False
    options.never_capture = not captures
    options.case_sensitive = not ignore_case
    options.max_mem = MAX_PROGRAM
    return options


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"


class Glob:
    """A pattern for a whole text, in which `*` is any characters and `?` is one."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        self.text = text
        # Brackets are ordinary here: they stand in the queries of resources and in IPv6 addresses.
        pattern = fnmatch.translate(text.replace("[", "[[]"))
        self._match = re.compile(pattern, re.IGNORECASE if ignore_case else 0).match

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._match(text) is not None


def escaped(text: str) -> str:
    """The regular expression that matches this text and nothing else."""
    return str(re2.escape(text))


def glob_expression(text: str) -> str:
    """The regular expression that matches what a glob does, whatever bytes `*` stands for."""
    pieces = [
        r"\C*" if piece.startswith("*") else "(?s:.)" if piece == "?" else escaped(piece)
        for piece in re.split(r"(\*+|\?)", text)
    ]
    return rf"\A{''.join(pieces)}\z"


# What an expression is made of, as far as anchors are concerned.
_PARTS = re.compile(
    r"""
    (?P<quoted>  \\Q .*? (?: \\E | \Z ) )
  | (?P<begin>   \^ | \\A )
  | (?P<end>     \$ | \\z )
  | (?P<other>   \\ . | \[ \^? \]? (?: \[:\^?\w+:\] | \\ . | [^\]\\] )* \] | . )
    """,
    re.DOTALL | re.VERBOSE,
)
_AT_ONCE = 500
# Something that no message holds: whether a filter works at all.
_SENTINEL = "\x01ws76proxy\x02sentinel\x03"


class RegexIndex:
    """Many expressions, looked for in many texts at once; it is sure of what is in none of them.

    What it finds may be wrong, since the texts are looked at together.
    """

    def __init__(self, expressions: Sequence[str]) -> None:
        """`expressions`: each such that `Regex` takes it."""
        self._parts: list[tuple[Any, list[int]]] = []
        self._lines: dict[int, Any] = {}
        self._always: list[int] = []
        bare: dict[int, str] = {}
        for index, text in enumerate(expressions):
            bare[index] = _with_anchors(text, "(?:)", "(?:)")
            if bare[index] != text:
                self._lines[index] = _compiled_or_none(_with_anchors(text, "(?m:^)", "(?m:$)"))
        for chunk in _chunks(bare, _AT_ONCE):
            self._add(chunk)

    def hits(self, data: bytes, as_lines: Callable[[], bytes]) -> set[int]:
        """Which expressions may match in one of the texts that stand in `data`.

        `as_lines`: gives `data` with a line end, and nothing else, between texts: what `^` and `$`
        are looked for in.
        """
        hits = set(self._always)
        for part, numbers in self._parts:
            hits.update([numbers[found] for found in part.Match(data) or ()])
        anchored = self._lines.keys() & hits
        if anchored:
            lines = as_lines()
            for index in anchored:
                compiled = self._lines[index]
                if compiled is not None and compiled.search(lines) is None:
                    hits.discard(index)
        return hits

    def _add(self, bare: dict[int, str]) -> None:
        """Take these in: a filter for those with a literal part, a set for the others."""
        made = _working(re2.Filter(), bare)
        if made is None:
            self._add_in_halves(bare, self._add)
            return
        numbers = [*bare]
        # Those without a literal part: a filter would try them one by one.
        loose = {numbers[found] for found in made.Match(b"", potential=True) or ()}
        if not loose:
            self._parts.append((made, numbers))
            return
        self._add_loose({index: text for index, text in bare.items() if index in loose})
        rest = {index: text for index, text in bare.items() if index not in loose}
        if rest:
            self._add(rest)

    def _add_loose(self, bare: dict[int, str]) -> None:
        made = _working(re2.Set.SearchSet(_options(captures=False)), bare)
        if made is None:
            self._add_in_halves(bare, self._add_loose)
        else:
            self._parts.append((made, [*bare]))

    def _add_in_halves(self, bare: dict[int, str], add: Callable[[dict[int, str]], None]) -> None:
        if len(bare) == 1:
            # Alone too large already.
            self._always += bare
            return
        for half in _chunks(bare, (len(bare) + 1) // 2):
            add(half)


def _working(made: Any, expressions: dict[int, str]) -> Any | None:
    """A filter or set with these in it; None where RE2 has not enough memory for them all."""
    options = _options(captures=False)
    is_filter = isinstance(made, re2.Filter)
    try:
        for text in [*expressions.values(), escaped(_SENTINEL)]:
            # A set has had its options already.
            made.Add(text.encode(), *([options] if is_filter else []))
        made.Compile()
    except re2.error:
        return None
    # Without memory to search it would find nothing, in silence.
    found = made.Match(_SENTINEL.encode()) or ()
    return made if len(expressions) in found else None


def _with_anchors(expression: str, begin: str, end: str) -> str:
    """The expression with these in the place of its anchors, fit to be part of a larger one."""
    pieces = []
    for part in _PARTS.finditer(expression):
        kind, text = part.lastgroup, part[0]
        if kind == "begin":
            text = begin
        elif kind == "end":
            text = end
        elif kind == "quoted" and not text.endswith(r"\E"):
            text += r"\E"
        pieces.append(text)
    return "".join(pieces)


def _compiled_or_none(text: str) -> Any | None:
    try:
        return _compiled(text)
    except UsageError:
        return None


def _chunks(expressions: dict[int, str], size: int) -> Iterator[dict[int, str]]:
    items = [*expressions.items()]
    for start in range(0, len(items), size):
        yield dict(items[start : start + size])
