"""All cases, and how some are chosen by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from ws76proxy.errors import UsageError
from ws76proxy.probe.cases import (
    closing,
    echoed,
    fields,
    frames,
    handshake,
    hixie75,
    key3,
    keys,
    segments,
)
from ws76proxy.probe.model import Case

__all__ = ["CASES", "GROUPS", "choose"]

CASES: tuple[Case, ...] = (
    *handshake.CASES,
    *keys.CASES,
    *key3.CASES,
    *segments.CASES,
    *fields.CASES,
    *echoed.CASES,
    *frames.CASES,
    *closing.CASES,
    *hixie75.CASES,
)
"""In the order in which they are tried and reported: what all else rests on comes first."""

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "76.handshake": "right handshakes",
        "76.answer": "each part of the answer to one",
        "76.key": "keys, right and wrong",
        "76.key3": "the eight bytes behind the fields",
        "76.segments": "the same bytes in other segments",
        "76.fields": "order, letters and number of fields",
        "76.host": "Host",
        "76.origin": "Origin",
        "76.protocol": "the subprotocol",
        "76.resource": "the resource name",
        "76.frames": "text messages",
        "76.discard": "frames to be discarded",
        "76.utf8": "text that is not UTF-8",
        "76.closing": "the closing handshake",
        "76.end": "the end of TCP",
        "75.handshake": "draft-75: the handshake",
        "75.answer": "draft-75: each part of the answer",
        "75.fields": "draft-75: fields",
        "75.protocol": "draft-75: the subprotocol",
        "75.segments": "draft-75: other segments",
        "75.frames": "draft-75: text messages",
        "75.discard": "draft-75: frames to be discarded",
        "75.closing": "draft-75: no closing handshake",
        "75.end": "draft-75: the end of TCP",
    }
)
"""What the cases of a group are about, in the order of `CASES`."""


def choose(only: Sequence[str] = (), skip: Sequence[str] = ()) -> tuple[Case, ...]:
    """The cases whose names match a pattern of `only`, or all; without those that match `skip`.

    Patterns are those of a shell, such as ``76.key3.*``. Raises UsageError for a pattern that
    matches no case, and where none are left.
    """
    for option, patterns in (("--only", only), ("--skip", skip)):
        for pattern in patterns:
            if not any(fnmatchcase(case.name, pattern) for case in CASES):
                raise UsageError(
                    f"{option} {pattern!r}: found no case of that name; expected a name or a "
                    f"pattern from --list, such as '76.key3.*'"
                )
    chosen = tuple(
        case
        for case in CASES
        if (not only or any(fnmatchcase(case.name, pattern) for pattern in only))
        and not any(fnmatchcase(case.name, pattern) for pattern in skip)
    )
    if not chosen:
        raise UsageError("--skip: found no case left; expected at least one that is not skipped")
    return chosen
