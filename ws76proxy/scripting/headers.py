"""The fields of a head as a script sees them: ordered, without case; what is not touched stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire.head import Field, Head

__all__ = ["EditableHeaders", "Headers"]

HeadType = TypeVar("HeadType", bound=Head)


class Headers(Generic[HeadType]):
    """The fields of a head, to read. Names compare without case; text is Latin-1.

    A value is what stands behind the colon, without the one space that usually follows it. `head`
    has every byte.
    """

    __slots__ = ("head",)

    def __init__(self, head: HeadType) -> None:
        self.head = head

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first field of that name, or `default`."""
        fields = self._fields(name)
        return _text(fields[0].value) if fields else default

    def get_all(self, name: str) -> list[str]:
        """The values of all fields of that name, in order."""
        return [_text(field.value) for field in self._fields(name)]

    def items(self) -> list[tuple[str, str]]:
        """Each field as name and value, in order; a name may come more than once."""
        return [
            (_text(field.name), _text(field.value)) for field in self.head.fields if field.has_colon
        ]

    def __getitem__(self, name: str) -> str:
        """The value of the first field of that name. Raises KeyError where there is none."""
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._fields(name))

    def __iter__(self) -> Iterator[str]:
        """The names as they are written, in order."""
        return iter([name for name, _value in self.items()])

    def __len__(self) -> int:
        return len(self.items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.items()!r})"

    def _fields(self, name: str) -> list[Field]:
        wanted = name.encode("latin-1", "replace").lower()
        return [field for field in self.head.get_all(wanted) if field.has_colon]


class EditableHeaders(Headers[HeadType]):
    """The fields of a head, to read and to edit.

    Fields that are not edited keep their bytes, and an edited one its name, its space and its line
    end. All edits raise LocalProtocolError for what cannot stand in a field: a line end, a colon in
    a name, text outside of Latin-1.
    """

    __slots__ = ()

    def set(self, name: str, value: str) -> None:
        """Give the field of that name this value; add it where there is none.

        Where there are several, the first gets the value and the others go.
        """
        encoded_name, encoded = _name(name), _value(value)
        fields = self._fields(name)
        if not fields:
            self.head = self.head.add_field(encoded_name, encoded)
            return
        # From the end, so that the places of those before stay right.
        for field in reversed(fields[1:]):
            self.head = self.head.remove_field(field)
        self.head = self.head.replace_field(fields[0], encoded)

    def add(self, name: str, value: str) -> None:
        """Add a field at the end, whether or not there is one of that name."""
        self.head = self.head.add_field(_name(name), _value(value))

    def remove(self, name: str) -> None:
        """Remove every field of that name; there need not be one."""
        for field in reversed(self._fields(name)):
            self.head = self.head.remove_field(field)

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        """Remove every field of that name. Raises KeyError where there is none."""
        if name not in self:
            raise KeyError(name)
        self.remove(name)


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _name(name: str) -> bytes:
    encoded = _line(name, "a field's name")
    if not encoded or b":" in encoded:
        raise LocalProtocolError(f"expected a field's name without a colon, found {name!r}")
    return encoded


def _value(value: str) -> bytes:
    return _line(value, "a field's value")


def _line(text: str, what: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{what}: expected text, found {type(text).__name__}")
    try:
        encoded = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"{what}: not encodable as Latin-1: {error}") from error
    if b"\n" in encoded or b"\r" in encoded:
        raise LocalProtocolError(f"{what}: expected one line, found {text!r}")
    return encoded
