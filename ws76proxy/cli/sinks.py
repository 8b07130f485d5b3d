"""What recordings are shown as: the relay's own lines, JSON Lines, or a table of sessions."""

from __future__ import annotations

import io
import sys
from collections import OrderedDict
from typing import IO, Protocol, cast

import msgspec
import rich.console
import rich.text

from ws76proxy.console import Console, Level, SessionSummary, SummaryTable
from ws76proxy.console.text import neutral
from ws76proxy.record import RecordingRecord, SessionEndRecord, SessionStartRecord
from ws76proxy.recording.filters import Criterion, Decision
from ws76proxy.recording.sources import Told
from ws76proxy.redaction import redact

__all__ = ["JsonSink", "ScreenSink", "Sink", "TableSink"]

# Of so many runs of recorders, and sessions without an end, the oldest is done with.
_MOST_RUNS = 16
_MOST_SESSIONS = 100_000


class Sink(Protocol):
    """Takes records, and has a text for them."""

    @property
    def encoding(self) -> str:
        """What the text is to be encoded in."""

    def tell(self, told: Told) -> None:
        """Take a record."""

    def settle(self) -> None:
        """There is nothing more for now."""

    def finish(self) -> None:
        """There will be nothing more."""

    def take(self) -> str:
        """The text since the last time."""


class _Paper(io.TextIOBase):
    """Standard output as rich sees it: what is written waits until it is taken."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.heading = ""
        """Stands before the next text, if one comes."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def fileno(self) -> int:
        return sys.stdout.fileno()

    def write(self, text: str) -> int:
        if self.heading:
            self._texts.append(self.heading)
            self.heading = ""
        self._texts.append(text)
        return len(text)

    def flush(self) -> None:
        """Whoever takes the text writes it."""

    def take(self) -> str:
        text = "".join(self._texts)
        self._texts.clear()
        return text


class _OnPaper:
    """A sink that writes with rich."""

    def __init__(self) -> None:
        self._paper = _Paper()
        file = cast("IO[str]", self._paper)
        self._terminal = rich.console.Console(file=file)
        # Asking for the size of a terminal takes longer than a message: not for each of them.
        self._rich = rich.console.Console(file=file, highlight=False)
        self._rich.size = self._terminal.size

    @property
    def encoding(self) -> str:
        return self._paper.encoding

    def take(self) -> str:
        self._rich.size = self._terminal.size
        return self._paper.take()


class ScreenSink(_OnPaper):
    """As the relay prints."""

    def __init__(self, *, level: Level, show_secrets: bool, named: bool) -> None:
        """`named`: say which file it is, where another run of a recorder begins."""
        super().__init__()
        self._level: Level = level
        self._show_secrets = show_secrets
        self._named = named
        # A session's number is unique within its run only.
        self._consoles: OrderedDict[str, Console] = OrderedDict()
        self._run: str | None = None

    def tell(self, told: Told) -> None:
        run = told.source.run
        if run != self._run:
            self._change(told)
        if not isinstance(told.record, RecordingRecord):
            self._consoles[run].tell(told.record)

    def settle(self) -> None:
        for console in self._consoles.values():
            console.settle()

    def finish(self) -> None:
        for console in self._consoles.values():
            console.finish()

    def _change(self, told: Told) -> None:
        """Records of another run follow."""
        if self._run is not None:
            self._consoles[self._run].flush_all()
        self._run = run = told.source.run
        if self._named:
            with self._rich.capture() as heading:
                name = rich.text.Text(neutral(str(told.source.path)))
                self._rich.rule(name, style="dim", align="left")
            self._paper.heading = heading.get()
        if run in self._consoles:
            self._consoles.move_to_end(run)
            return
        if len(self._consoles) >= _MOST_RUNS:
            self._consoles.popitem(last=False)[1].finish()
        console = Console(self._rich, level=self._level, show_secrets=self._show_secrets)
        self._consoles[run] = console
        if told.source.header is not None:
            console.tell(told.source.header)


class JsonSink:
    """Each record as a line of JSON, below the header of its run."""

    encoding = "utf-8"

    def __init__(self, *, show_secrets: bool) -> None:
        self._show_secrets = show_secrets
        self._encoder = msgspec.json.Encoder()
        self._lines = bytearray()
        self._run: str | None = None

    def tell(self, told: Told) -> None:
        header = told.source.header
        if told.source.run != self._run:
            self._run = told.source.run
            if header is not None:
                self._write(Told(told.source, header))
        if not isinstance(told.record, RecordingRecord):
            self._write(told)

    def _write(self, told: Told) -> None:
        record = told.record if self._show_secrets else redact(told.record)
        self._lines += self._encoder.encode(record)
        self._lines += b"\n"

    def settle(self) -> None:
        """Nothing is kept back."""

    def finish(self) -> None:
        """Nothing is kept back."""

    def take(self) -> str:
        text = self._lines.decode()
        self._lines.clear()
        return text


class TableSink(_OnPaper):
    """A line for each session that fulfils all criteria, when it has ended."""

    def __init__(self, criteria: tuple[Criterion, ...], *, show_secrets: bool) -> None:
        super().__init__()
        self._criteria = criteria
        self._show_secrets = show_secrets
        self._table = SummaryTable(self._rich)
        self._open: OrderedDict[tuple[str, int], tuple[SessionSummary, Decision]] = OrderedDict()
        self._has_head = False

    def tell(self, told: Told) -> None:
        record = told.record
        if not record.session:
            return
        key = (told.source.run, record.session)
        if isinstance(record, SessionStartRecord) and key in self._open:
            self._put(key)
        if key not in self._open:
            if len(self._open) >= _MOST_SESSIONS:
                self._put(next(iter(self._open)))
            self._open[key] = SessionSummary(record.session), Decision(self._criteria)
        summary, decision = self._open[key]
        decision.look(record)
        summary.add(record if self._show_secrets else redact(record))
        if isinstance(record, SessionEndRecord):
            self._put(key)

    def settle(self) -> None:
        """A session that goes on waits for its end."""

    def finish(self) -> None:
        for key in [*self._open]:
            self._put(key)

    def _put(self, key: tuple[str, int]) -> None:
        summary, decision = self._open.pop(key)
        if not decision.wanted:
            return
        if not self._has_head:
            self._has_head = True
            self._paper.write(self._table.head())
        self._paper.write(self._table.line(summary))
