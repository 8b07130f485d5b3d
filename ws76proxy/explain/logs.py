"""Handshakes in logs: curl -v, bytes literals, escaped text, and heads behind prefixes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ws76proxy.explain.model import Pasted, PastedError, Piece, shown
from ws76proxy.session import Peer

__all__ = ["read_escapes", "read_literals", "read_log", "read_verbose"]

_REQUEST = re.compile(rb"[A-Z]{3,10} \S{1,8000} HTTP/\d")
_STATUS = re.compile(rb"(?:\r?\n)*HTTP/\d\.\d \d{3}")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_LITERAL = re.compile(r"""\b[bB](?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
_QUOTED = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)\"""")
_ESCAPE = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{2})|u00(?P<wide>[0-9A-Fa-f]{2})|(?P<octal>[0-3][0-7]{2}|0)"
    r"|(?P<short>[rntabfv\\\"'/]))"
)
_SHORT = {"r": "\r", "n": "\n", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ONLY_ESCAPES = re.compile(rb"\s*((?:\\x[0-9A-Fa-f]{2}[ ]?)+)\s*\Z")
_ESCAPED_HEAD = re.compile(rb"HTTP/\d[^\n]{0,300}?\\r\\n")
_NUMBERS = re.compile(r"[\W\d_]+")
_LONGEST_LINE = 9000


def read_verbose(data: bytes, name: str) -> Pasted | None:
    """The output of ``curl -v``: heads behind marks; what came behind them is not shown."""
    lines = _lines(data)
    sent = _marked(lines, b">")
    if not sent or _REQUEST.match(sent[0]) is None:
        return None
    came = _marked(lines, b"<")
    pieces = [Piece(Peer.CLIENT, _head(sent))]
    if came:
        pieces.append(Piece(Peer.SERVER, _head(came)))
    notes = ["curl -v shows no bytes behind the heads (curl --trace FILE does): key3 and digest"]
    notes[0] += " are not known"
    return Pasted("the output of curl -v", pieces, notes, is_exact=False)


def _marked(lines: Sequence[bytes], mark: bytes) -> list[bytes]:
    """The first head behind that mark, without it."""
    head: list[bytes] = []
    for line in lines:
        if line[:1] == mark and line[1:2] in (b" ", b""):
            head.append(line[2:])
            if not line[2:].strip():
                break
    return head


class _Write(NamedTuple):
    """What a program has logged at once. `label` is what stands before it in its line, without
    times and other numbers."""

    label: str
    data: bytes


def read_literals(data: bytes, name: str) -> Pasted | None:
    """A log of a program in Python: each read or write as a bytes literal, in order."""
    writes: list[_Write] = []
    for line in data.decode("utf-8", "replace").split("\n"):
        found = list(_LITERAL.finditer(line))
        label = _label(line[: found[0].start()]) if found else ""
        writes += [_Write(label, _evaluated(one.group())) for one in found]
    return _from_writes("bytes literals", [one for one in writes if one.data])


def read_escapes(data: bytes, name: str) -> Pasted | None:
    r"""A text that has line ends as the two characters \r and \n."""
    if _ESCAPED_HEAD.search(data) is None:
        return None
    lines = data.decode("latin-1").split("\n")
    writes: list[_Write] = []
    for line in lines:
        found = list(_QUOTED.finditer(line))
        label = _label(line[: found[0].start()]) if found else ""
        writes += [_Write(label, _unescaped(one[1] or one[2] or "")) for one in found]
    pasted = _from_writes("quoted text with escapes", [one for one in writes if one.data])
    if pasted is not None:
        return pasted
    writes = [_Write("", one) for one in _unquoted(lines)]
    pasted = _from_writes("text with escapes", writes)
    if pasted is not None:
        # Where a line ends is not said: what followed may be missing.
        pasted.is_exact = False
    return pasted


def _unquoted(lines: Sequence[str]) -> Iterator[bytes]:
    """Lines from the request on that have a line end in them, and what follows a head."""
    prefix: int | None = None
    behind_head = False
    for line in lines:
        begin = _beginning(line)
        if begin is not None:
            prefix = begin
        if prefix is None:
            continue
        written = line[prefix:] if not line[:prefix].strip() or begin is not None else ""
        data = _unescaped(written.rstrip("\r"))
        if "\\r\\n" in written or behind_head:
            yield data
            behind_head = data == b"\r\n" or data.endswith(b"\r\n\r\n")
        else:
            prefix = None


def _beginning(line: str) -> int | None:
    """Where a request or an answer begins in a line."""
    if "HTTP/" not in line:
        return None
    found = re.search(r"[A-Z]{3,10} \S{1,8000} HTTP/\d|HTTP/\d", line[:_LONGEST_LINE])
    return None if found is None else found.start()


def _from_writes(kind: str, writes: list[_Write]) -> Pasted | None:
    """Whose each of them is: where request and answer have other labels, these tell; otherwise all
    are the client's before the answer, and the server's from there on."""
    start = next((n for n, one in enumerate(writes) if _REQUEST.match(one.data)), None)
    if start is None:
        return None
    request, writes = writes[start], writes[start:]
    turn = next((n for n, one in enumerate(writes) if _STATUS.match(one.data)), len(writes))
    answer = writes[turn] if turn < len(writes) else None
    labels = {request.label: Peer.CLIENT}
    if answer is not None:
        labels[answer.label] = Peer.SERVER
    notes: list[str] = []
    if answer is None or len(labels) == 2:
        pieces = [Piece(labels[one.label], one.data) for one in writes if one.label in labels]
        others = len(writes) - len(pieces)
        if others:
            notes.append(
                f"{others} other literals were passed over: they stand behind other words than the"
                " request and the answer do"
            )
    else:
        pieces = [Piece(Peer.CLIENT, one.data) for one in writes[:turn]]
        pieces += [Piece(Peer.SERVER, one.data) for one in writes[turn:]]
        if len(writes) > turn + 2:
            notes.append(
                "what follows the answer is taken for the server's: nothing says whose it is"
            )
    return Pasted(kind, pieces, notes)


def _label(text: str) -> str:
    return _NUMBERS.sub(" ", text).strip().lower()[-80:]


def _evaluated(literal: str) -> bytes:
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return b""
    return value if isinstance(value, bytes) else b""


def _unescaped(text: str) -> bytes:
    def one(match: re.Match[str]) -> str:
        code = match["hex"] or match["wide"]
        if code:
            return chr(int(code, 16))
        if match["octal"]:
            return chr(int(match["octal"], 8))
        return _SHORT.get(match["short"], match["short"])

    return _ESCAPE.sub(one, text).encode("latin-1", "replace")


def read_log(data: bytes, name: str) -> Pasted | None:
    r"""Heads in a log, each line behind as much as its first has before it.

    Chrome's ``net-internals`` shows what follows a head as ``\xNN``, which is read too.
    """
    lines = _lines(data)
    begins = list(_requests(lines))
    if not begins:
        return None
    notes: list[str] = []
    number, prefix = begins[0]
    client, tail = _logged(lines, number, prefix, notes, name)
    pieces = [Piece(Peer.CLIENT, client + tail)]
    is_exact = bool(tail)
    until = begins[1][0] if len(begins) > 1 else len(lines)
    status = next((n for n in range(number, until) if _status_in(lines[n]) is not None), None)
    if status is not None:
        answer, digest = _logged(lines, status, _status_in(lines[status]) or 0, notes, name)
        pieces.append(Piece(Peer.SERVER, answer + digest))
        is_exact = is_exact and bool(digest)
    if not is_exact:
        notes.append("of what is not text in a log, such as key3 and digest, nothing is known")
    if len(begins) > 1:
        notes.append(f"{len(begins) - 1} more requests follow; only the first is explained")
    return Pasted("a log", pieces, notes, is_exact=is_exact)


def _requests(lines: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """The lines that have the first line of a request, and where it begins in them."""
    for number, line in enumerate(lines):
        before, version, _ = line[:_LONGEST_LINE].partition(b" HTTP/1.")
        words = before.rsplit(None, 1)
        if version and len(words) == 2:
            method = re.search(rb"[A-Z]{3,10}\Z", words[0][-16:])
            if method is not None:
                yield number, len(words[0]) - len(method.group())


def _status_in(line: bytes) -> int | None:
    found = re.search(rb"HTTP/\d\.\d \d{3}", line[:_LONGEST_LINE])
    return None if found is None else found.start()


def _logged(
    lines: Sequence[bytes], number: int, prefix: int, notes: list[str], name: str
) -> tuple[bytes, bytes]:
    """The head whose first line is that one, and the bytes behind it, if they are shown."""
    head = [lines[number][prefix:]]
    following = number + 1
    for following in range(number + 1, len(lines)):
        text = lines[following][prefix:]
        if not text.strip():
            break
        if _FIELD.match(text) is None:
            if len(head) == 1:
                raise PastedError(
                    f"{name}: taken for a log: line {following + 1}: expected a field of the head"
                    f" that begins in line {number + 1}, found {shown(text)}"
                )
            notes.append(
                f"line {following + 1} is no field ({shown(text)}): the head is taken to end there"
            )
            break
        head.append(text)
    if len(head) == 1:
        raise PastedError(
            f"{name}: taken for a log: line {number + 2}: expected the head's fields, found none"
        )
    behind = lines[following + 1] if following + 1 < len(lines) else b""
    tail = _ONLY_ESCAPES.match(behind)
    return _head(head), _unescaped(tail[1].decode("ascii").replace(" ", "")) if tail else b""


def _head(lines: Sequence[bytes]) -> bytes:
    """A head of lines, up to the empty one."""
    kept: list[bytes] = []
    for line in lines:
        if not line.strip():
            break
        kept.append(line)
    return b"\r\n".join([*kept, b"", b""])


def _lines(data: bytes) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in data.split(b"\n")]
