"""Held messages and open sessions as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ws76proxy.console.ink import Ink, Row
from ws76proxy.console.lines import hexdump
from ws76proxy.console.text import cells, cut, escape_head, neutral
from ws76proxy.control.messages import GoneEvent, HeldMessage, OpenSession

__all__ = ["gone_line", "held_lines", "session_lines", "shown_lines"]

_INDENT = 8
_LEAST = 20
_MOST_SHOWN = 65_536
"""Characters of a message that are shown: an editor shows all."""


def held_lines(ink: Ink, width: int, message: HeldMessage) -> str:
    """A message that waits: what and how long, and below it the beginning of its content."""
    row: Row = [
        (f"session{message.session % 5}", f"{message.name:<{_INDENT - 1}} "),
        (message.direction, _who(ink, message.direction)),
        ("", f"  message {message.number}, {_bytes(message.size)}"),
        ("warning", f"  {_left(message.left)}"),
    ]
    used = sum(cells(text) for _, text in row)
    rule = f'  rule "{neutral(message.rule)}"'
    if used + len(rule) > width:
        # On a line of its own: the name of a rule is not to be guessed.
        room = max(width - _INDENT, _LEAST)
        lines = ink.paint(row) + "\n"
        lines += ink.paint([("dim", " " * _INDENT + cut(rule.strip(), room, ink.ellipsis))]) + "\n"
    else:
        lines = ink.paint([*row, ("dim", rule)]) + "\n"
    room = max(width - _INDENT - 1, _LEAST)
    text = cut(message.text, room, ink.ellipsis)
    return lines + ink.paint([("", " " * _INDENT + text)]) + "\n"


def shown_lines(ink: Ink, width: int, message: HeldMessage) -> Iterator[str]:
    """The same, with all of its content, each of its lines on one."""
    yield held_lines(ink, width, message).partition("\n")[0] + "\n"
    if message.payload is not None:
        yield ink.paint([("warning", "not UTF-8:")]) + "\n"
        yield from (ink.paint(row) + "\n" for row in hexdump(message.payload[:4096], message.size))
        return
    text = message.text[:_MOST_SHOWN]
    yield from (neutral(line) + "\n" for line in text.split("\n"))
    if len(text) < len(message.text):
        more = f"{ink.ellipsis} and {len(message.text) - len(text):,} more characters"
        yield ink.paint([("dim", more)]) + "\n"


def gone_line(ink: Ink, event: GoneEvent) -> str:
    """A message waits no longer."""
    how = event.how.replace("-", " ")
    if event.by == "time":
        how = "goes on: nobody has decided in time"
    style = f"session{event.session % 5}"
    return ink.paint([(style, f"{event.name:<{_INDENT - 1}} "), ("", how)]) + "\n"


def session_lines(ink: Ink, width: int, sessions: Iterable[OpenSession]) -> Iterator[str]:
    """A line for each open session, below one that says what is what."""
    right, left = ink.right, ink.left
    titles = f"{'#':<7}{'dialect':<12}{'age':>9}  {right:>9}  {left:>9}  {'waiting':>7}  path"
    yield ink.paint([("label", titles)]) + "\n"
    for one in sessions:
        begin = (
            f"{one.dialect or '-':<12}{one.age:>7.0f} s  {one.client_messages:>9,}"
            f"  {one.server_messages:>9,}  {one.waiting:>7,}  "
        )
        room = max(width - 7 - cells(begin), _LEAST)
        path = cut(escape_head(one.path[:500]), room, ink.ellipsis)
        number = (f"session{one.session % 5}", f"#{one.session:<6}")
        yield ink.paint([number, ("", begin), ("", path)]) + "\n"


def _who(ink: Ink, direction: str) -> str:
    return f"client {ink.right}" if direction == "client" else f"{ink.left} server"


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size:,} bytes"


def _left(seconds: float | None) -> str:
    return "no time limit" if seconds is None else f"{seconds:.0f} s left"
