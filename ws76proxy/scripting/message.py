"""A message between its coming and its going, as a script sees it."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.errors import LocalProtocolError
from ws76proxy.scripting.deeds import Side, framable
from ws76proxy.scripting.session import Session

__all__ = ["Edit", "Message"]


class Edit(NamedTuple):
    """What one script made of a payload, or of a head: all of it before and after."""

    script: str
    before: bytes
    after: bytes


class Message:
    """One text message that a side has said and the other has not got yet.

    `side` is who said it: "client" or "server". `number` counts the messages of this side from 1.
    `edits` are those of earlier scripts; `dropped_by` is the script that dropped it, or empty.
    Once the function that got the message has returned, the message is on its way, and nothing done
    to it has an effect.
    """

    __slots__ = ("_content", "_text", "dropped_by", "edits", "number", "session", "side")

    def __init__(self, session: Session, side: Side, number: int, content: bytes) -> None:
        """`content`: the payload that came, valid UTF-8 or not; as such it is not looked at."""
        self.session = session
        self.side: Side = side
        self.number = number
        self.dropped_by = ""
        self.edits: tuple[Edit, ...] = ()
        self._content = content
        self._text: str | None = None

    @property
    def from_client(self) -> bool:
        """Whether the client said it."""
        return self.side == "client"

    @property
    def content(self) -> bytes:
        """The payload: what stands between 0x00 and 0xFF.

        Set, it raises LocalProtocolError for bytes that no text frame can hold: those with 0xFF.
        """
        return self._content

    @content.setter
    def content(self, value: bytes) -> None:
        if type(value) is not bytes or 0xFF in value:
            value = _payload(value)
        self._content = value
        self._text = None

    @property
    def text(self) -> str:
        """The payload as text, with U+FFFD for each sequence that is no UTF-8.

        Set, it raises LocalProtocolError for text that is not encodable: a lone surrogate.
        """
        text = self._text
        if text is None:
            try:
                text = self._content.decode()
            except UnicodeDecodeError:
                text = self._content.decode(errors="replace")
            self._text = text
        return text

    @text.setter
    def text(self, value: str) -> None:
        try:
            self._content = str.encode(value)
        except TypeError:
            found = type(value).__name__
            raise TypeError(
                f"text: expected text, found {found}: bytes are for `content`"
            ) from None
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"not encodable as UTF-8: {error}") from error
        self._text = value

    def drop(self) -> None:
        """Let the message go no further. Later scripts do not see it."""
        self.dropped_by = self.session.script or "a script"

    @property
    def dropped(self) -> bool:
        """Whether the message goes no further."""
        return bool(self.dropped_by)

    def __repr__(self) -> str:
        return f"<message {self.number} of the {self.side}: {self.text[:80]!r}>"


def _payload(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        found = type(value).__name__
        raise TypeError(f"content: expected bytes, found {found}: text is for `text`")
    return framable(value)
