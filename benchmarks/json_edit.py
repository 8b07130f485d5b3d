"""An edit of JSON, the same for all relays that edit: one more hop. Also a script for the relay."""

from __future__ import annotations

from typing import Protocol

import msgspec

_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode


class Message(Protocol):
    """What the relay gives to `on_message`."""

    text: str


def edit(text: str) -> str:
    """The same object with `hop` raised by one."""
    document = _decode(text)
    document["hop"] += 1  # type: ignore[operator]
    return _encode(document).decode()


def on_message(message: Message) -> None:
    message.text = edit(message.text)
