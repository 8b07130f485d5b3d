"""One rule on a command line: ``/server/regex/replacement``."""

from __future__ import annotations

from typing import Any

from ws76proxy.rules.errors import Fault, RuleError
from ws76proxy.rules.reading.reader import rules_of
from ws76proxy.rules.ruleset import RuleSet

__all__ = ["parse_rewrite"]

_EXPECTED = "expected /REGEX/REPLACEMENT, or /client/… or /server/… for what one side says"
_SHOWN = 150


def parse_rewrite(text: str) -> RuleSet:
    """Read ``/regex/replacement`` or ``/client|server/regex/replacement``: a rule for messages.

    The first character separates, whatever it is. The replacement is as in the action `replace`;
    it may hold the separator where the side is given. Raises RuleError.
    """
    if not text:
        raise RuleError(f"{text!r}: {_EXPECTED}, found nothing")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RuleError(f"{text!r}: {_EXPECTED}, found what is not UTF-8") from None
    separator, rest = text[0], text[1:]
    if separator.isalnum() or separator.isspace() or separator == "\\":
        raise RuleError(
            f"{text!r}: {_EXPECTED} (or another separator in place of /), found {separator!r} first"
        )
    parts = rest.split(separator, 2)
    if len(parts) == 3 and parts[0] not in ("client", "server"):
        # The separator may also have been meant as a part of the regular expression.
        raise RuleError(
            f"{text!r}: {_EXPECTED}, found {parts[0]!r} and two more parts"
            f" (a separator that does not occur elsewhere helps, such as in |{parts[0]}|…)"
        )
    if len(parts) < 2:
        raise RuleError(f"{text!r}: {_EXPECTED}, found {len(parts)} part")
    *side, regex, replacement = parts
    if not regex:
        raise RuleError(f"{text!r}: {_EXPECTED}, found an empty REGEX")
    rule: dict[str, Any] = {
        "name": _name(text),
        "when": {"from": side[0]} if side else {},
        "do": [{"action": "replace", "regex": regex, "with": replacement}],
    }
    try:
        return rules_of({"message": [rule]}, _name(text), read_file=_no_files)
    except Fault as fault:
        part = "REPLACEMENT" if fault.path[-1] == "with" else "REGEX"
        raise RuleError(f"{text!r}: {part}: {fault.text}") from None


def _name(text: str) -> str:
    """The rule's name: what was written, on one line."""
    shown = "".join([one if one.isprintable() else repr(one)[1:-1] for one in text])
    return f"rewrite {shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}…'}"


def _no_files(name: str) -> bytes:
    raise FileNotFoundError(name)
