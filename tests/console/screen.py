"""What a console writes, caught."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping

import rich.console

from ws76proxy.console import Console, Level

from .sample_records import Told

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def without_colour(text: str) -> str:
    """The text as it is read; what else begins with ESC stays in it."""
    return _COLOUR.sub("", text)


class Screen:
    """A console on a file in memory; `terminal`: with colour, unless the environment forbids it."""

    def __init__(
        self,
        *,
        terminal: bool = False,
        width: int = 100,
        level: Level = "normal",
        encoding: str = "utf-8",
        show_secrets: bool = False,
        text_width: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._bytes = io.BytesIO()
        self._encoding = encoding
        file = io.TextIOWrapper(self._bytes, encoding=encoding, write_through=True)
        self.console = Console(
            rich.console.Console(
                file=file,
                force_terminal=terminal,
                width=width,
                color_system="truecolor" if terminal else "auto",
                legacy_windows=False,
                _environ=environ if environ is not None else {},
            ),
            level=level,
            show_secrets=show_secrets,
            text_width=text_width,
        )

    def tell(self, records: Iterable[Told]) -> str:
        """Tell all, and say what has been written because of it."""
        before = len(self._bytes.getvalue())
        for record in records:
            self.console.tell(record)
        return self._bytes.getvalue()[before:].decode(self._encoding)

    def settle(self, session: int | None = None) -> str:
        before = len(self._bytes.getvalue())
        self.console.settle(session)
        return self._bytes.getvalue()[before:].decode(self._encoding)

    @property
    def text(self) -> str:
        return self._bytes.getvalue().decode(self._encoding)
