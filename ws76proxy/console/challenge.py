"""A challenge and its answer on a page: both keys taken apart, and the digests under each other."""

from __future__ import annotations

from ws76proxy.console.ink import Row
from ws76proxy.console.page import Page
from ws76proxy.console.text import escape_head
from ws76proxy.record import ChallengeRecord, KeyReading
from ws76proxy.wire.challenge import DIGEST_SIZE, MAX_KEY_NUMBER

__all__ = ["put_answer", "put_challenge", "put_keys", "put_steps"]

_TITLES = {
    ("client", "server"): "",
    ("client", "relay"): "the client's challenge, answered by the relay",
    ("relay", "server"): "the relay's own challenge, answered by the server",
}


def put_challenge(page: Page, record: ChallengeRecord, *, title: bool) -> None:
    """Everything about one challenge; `title`: say whose it is, as there is another."""
    words = _TITLES.get((record.asked_by, record.answered_by))
    if title and words:
        page.row(("strong", words))
    put_keys(page, record.key1, record.key2)
    key3 = _bytes(record.key3)
    if key3:
        page.labelled("key3", *_octets(key3, "key3"), ("dim", f"  {_printable(key3)}"))
    else:
        page.labelled("key3", ("error", "(nothing came)"))
    row = _concatenation(record.key1, record.key2, key3)
    if row:
        page.labelled("challenge", *row)
    if record.expected is not None:
        expected = _bytes(record.expected)
        page.labelled("expected", *_octets(expected, ""), ("dim", f"  {_printable(expected)}"))
    put_answer(page, record)


def put_answer(page: Page, record: ChallengeRecord) -> None:
    """What was received, where it differs, and the verdict."""
    _put_received(page, record)
    mark, style, words = _verdict_words(record, page)
    page.labelled("verdict", (style, f"{mark} {words}"))


def put_keys(page: Page, key1: KeyReading | None, key2: KeyReading | None) -> None:
    """Both keys, taken apart."""
    _put_key(page, "key1", key1)
    _put_key(page, "key2", key2)


def put_steps(
    page: Page, key1: KeyReading, key2: KeyReading, key3: bytes, answer: bytes | None
) -> None:
    """Each step from a challenge to the answer that a server must send (5.2), with its bytes.

    `answer` is None where the draft's server has none.
    """
    for number, (label, key) in enumerate((("key1", key1), ("key2", key2)), 1):
        _put_key_text(page, label, key)
        page.labelled("digits", (label, page.cut(key.digits, page.room) or "(none)"))
        page.labelled("spaces", ("space", str(key.spaces)))
        page.labelled("division", *_division(page, label, key))
        if key.part is not None:
            part = _octets(_bytes(f"{key.part:08x}"), label)
            page.labelled(f"part{number}", *part, ("dim", "  32 bits, highest byte first"))
        page.blank()
    page.labelled("key3", *_octets(key3, "key3"), ("dim", f"  {_printable(key3)}"))
    if answer is None:
        page.labelled("answer", ("error", "(none: a server must close)"))
        return
    row = _concatenation(key1, key2, key3)
    page.labelled("challenge", *row, ("dim", "  part1, part2, key3"))
    page.labelled("MD5 of it", *_octets(answer, "strong"), ("dim", f"  {_printable(answer)}"))


def _verdict_words(record: ChallengeRecord, page: Page) -> tuple[str, str, str]:
    """Mark, style and words of a verdict."""
    came = len(record.received) // 2
    if record.verdict == "verified":
        return page.ink.good, "good", "digest verified"
    if record.verdict == "wrong" and came == DIGEST_SIZE and record.expected:
        differing = len(_differing(_bytes(record.received), record.expected))
        words = f"DIGEST WRONG: {differing} of {DIGEST_SIZE} bytes differ"
    elif record.verdict == "wrong":
        words = "DIGEST WRONG"
    elif record.verdict == "missing":
        words = f"DIGEST MISSING: {came} of {DIGEST_SIZE} bytes came"
    else:
        words = "NO RIGHT ANSWER: these keys have none"
    return page.ink.bad, "error", words


def _put_key(page: Page, label: str, key: KeyReading | None) -> None:
    if key is None:
        page.labelled(label, ("error", "(absent)"))
        return
    _put_key_text(page, label, key)
    page.labelled("", *_division(page, label, key))


def _put_key_text(page: Page, label: str, key: KeyReading) -> None:
    text, marks = _visible_key(page, label, key.text)
    page.labelled(label, *text)
    if marks.strip() and (page.ink.ascii_only or not page.ink.colour):
        page.labelled("", ("", marks))


def _visible_key(page: Page, label: str, text: str) -> tuple[Row, str]:
    """The key with digits and spaces told apart, and the marks to set under it without colour."""
    row: Row = []
    marks = ""
    left = page.room
    for number, character in enumerate(text):
        if character == " ":
            style, shown, mark = "space", page.ink.space, " "
            if page.ink.ascii_only:
                # An underscore is a legal character of a key: the mark below tells it apart.
                mark = "_"
        elif character.isascii() and character.isdigit():
            style, shown, mark = label, character, "^"
        else:
            shown = escape_head(character)
            style, mark = "filling", " " * len(shown)
        left -= len(shown)
        if left < 24 and number + 1 < len(text):
            row.append(("dim", f"{page.ink.ellipsis} ({len(text)} characters)"))
            break
        row.append((style, shown))
        marks += mark
    return row or [("error", "(empty)")], marks


def _division(page: Page, label: str, key: KeyReading) -> Row:
    """``1868545188 / 12 spaces = 155712099``, and the part in the hexadecimal that is hashed."""
    if not key.digits:
        return [("error", "no digits: there is no number in it")]
    spaces = f"{key.spaces} space{'' if key.spaces == 1 else 's'}"
    if key.number is None:
        return [("error", f"a number of {len(key.digits)} digits, above {MAX_KEY_NUMBER}")]
    row: Row = [
        (label, str(key.number)),
        ("dim", f" {page.ink.divided_by} "),
        ("space", spaces),
    ]
    if key.part is not None:
        return [
            *row,
            ("dim", " = "),
            ("", str(key.part)),
            ("dim", " = 0x"),
            (label, f"{key.part:08x}"),
        ]
    if not key.spaces:
        why = "no spaces to divide by"
    elif key.number > MAX_KEY_NUMBER:
        why = f"above {MAX_KEY_NUMBER}"
    else:
        why = f"not whole, {key.number % key.spaces} left over"
    return [*row, ("error", f": {why}")]


def _concatenation(key1: KeyReading | None, key2: KeyReading | None, key3: bytes) -> Row:
    """What is hashed; empty where a key has no part."""
    row: Row = []
    for label, key in (("key1", key1), ("key2", key2)):
        if key is None or key.part is None:
            return []
        row += [*_octets(_bytes(f"{key.part:08x}"), label), ("", " ")]
    return row + _octets(key3, "key3")


def _put_received(page: Page, record: ChallengeRecord) -> None:
    received = _bytes(record.received)
    if not received:
        page.labelled("received", ("error", "(nothing came)"))
    else:
        differing = _differing(received, record.expected) if record.expected else set()
        row = _octets(received, "", differing)
        padding = " " * (_octets_width(DIGEST_SIZE) - _octets_width(len(received)) + 2)
        page.labelled("received", *row, ("dim", f"{padding}{_printable(received)}"))
        if differing:
            page.labelled("", ("error", _marks(len(received), differing)))
    if record.sent is not None:
        sent = _bytes(record.sent)
        label = "sent on"
        page.labelled(label, *_octets(sent, "good"), ("dim", f"  {_printable(sent)}"))


def _differing(received: bytes, expected: str) -> set[int]:
    pairs = zip(received, _bytes(expected), strict=False)
    return {place for place, (one, other) in enumerate(pairs) if one != other}


def _octets(data: bytes, style: str, differing: set[int] | frozenset[int] = frozenset()) -> Row:
    """Bytes in hexadecimal, four to a word, as the parts are."""
    row: Row = []
    for place, byte in enumerate(data):
        if place and place % 4 == 0:
            row.append(("", " "))
        row.append(("error" if place in differing else style, f"{byte:02x}"))
    return row


def _octets_width(count: int) -> int:
    return 2 * count + max(count - 1, 0) // 4


def _marks(count: int, differing: set[int]) -> str:
    marks = [
        (" " if place and place % 4 == 0 else "") + ("^^" if place in differing else "  ")
        for place in range(count)
    ]
    return "".join(marks).rstrip()


def _bytes(text: str) -> bytes:
    """Bytes from hexadecimal; none where a record from elsewhere has something else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _printable(data: bytes) -> str:
    return "".join([chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data])
