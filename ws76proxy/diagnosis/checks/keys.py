"""Checks of the two keys: may a client send these, and may a server answer them (4.1, 5.2)?"""

from __future__ import annotations

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire.challenge import MAX_KEY_NUMBER, Challenge, Key, KeyFault, read_key
from ws76proxy.wire.head import RequestHead

__all__ = ["check_keys", "faulty_keys"]

_KEYS = (("Key1", b"sec-websocket-key1"), ("Key2", b"sec-websocket-key2"))
_MOST_SPACES = 12


def faulty_keys(challenge: Challenge | None) -> str:
    """Which faults of its keys make the draft's server abort; empty where there are none.

    None: a key is missing.
    """
    if challenge is None:
        return "a key is missing"
    keys = (("Key1", challenge.key1), ("Key2", challenge.key2))
    return ", ".join([f"{name}: {key.faults[0].value}" for name, key in keys if key.fatal])


def check_keys(head: RequestHead, findings: HeadFindings, good: bool) -> None:
    """What both keys of a request have wrong, and that they are right where `good`."""
    sound: list[str] = []
    for name, lowered in _KEYS:
        fields = head.get_all(lowered)
        if not fields:
            findings.without_evidence("key-missing", f"there is no Sec-WebSocket-{name}")
            continue
        key = read_key(fields[0].value)
        for fault in key.faults:
            findings.at_field(f"key-{fault.value}", _about(name, key, fault), fields[0])
        if len(fields) > 1:
            times = f"Sec-WebSocket-{name} is given {len(fields)} times"
            findings.at_field("key-twice", times, fields[1])
        elif good and not key.faults:
            sound.append(f"{name}: {key.number} / {key.spaces} = {key.part}")
    if len(sound) == 2:
        findings.without_evidence("keys-well-formed", "; ".join(sound))


def _about(name: str, key: Key, fault: KeyFault) -> str:
    digits = quoted(key.digits)[1:-1] if len(key.digits) <= 40 else f"{len(key.digits)} digits"
    match fault:
        case KeyFault.NUMBER_TOO_LARGE:
            return f"{name}: {digits} is above {MAX_KEY_NUMBER}"
        case KeyFault.NOT_DIVISIBLE:
            return _about_division(name, key)
        case KeyFault.TOO_MANY_SPACES:
            return f"{name}: there are {key.spaces} spaces, 12 are allowed"
    return f"{name} is {quoted(key.text)}"


def _about_division(name: str, key: Key) -> str:
    number = key.number or 0
    detail = f"{name}: {key.number} / {key.spaces} leaves {number % key.spaces}"
    # What trims or folds white space takes spaces away; nothing is known that adds any.
    more = [count for count in range(key.spaces + 1, _MOST_SPACES + 1) if not number % count]
    if not more:
        return detail
    return f"{detail}; with {more[0]} spaces it would not: have some been lost on the way?"
