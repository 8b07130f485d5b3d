"""What both heads are checked for: line ends, names, and how a field becomes evidence."""

from __future__ import annotations

from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire.head import Field, Head

__all__ = ["HeadFindings"]


class HeadFindings:
    """The diagnoses about one head, with evidence at the right place.

    `base` is the offset of the head's first byte in `stream`.
    """

    def __init__(self, head: Head, stream: Stream, base: int) -> None:
        self.head = head
        self.stream = stream
        self.base = base
        self.diagnoses: list[Diagnosis] = []

    def without_evidence(self, code: str, detail: str) -> None:
        """Something that did not come, or that stands in no single place."""
        self.diagnoses.append(found(code, detail))

    def at_field(self, code: str, detail: str, field: Field) -> None:
        """Something about one field: the evidence is its line, without the line end."""
        line = field.raw[: -len(field.line_end)]
        offset = self.base + field.offset
        self.diagnoses.append(found(code, detail, stream=self.stream, offset=offset, evidence=line))

    def at_start_line(self, code: str, detail: str) -> None:
        """Something about the first line."""
        head = self.head
        offset = self.base + len(head.preamble)
        self.diagnoses.append(
            found(code, detail, stream=self.stream, offset=offset, evidence=head.start_line)
        )

    def compared(self, field: Field) -> bytes:
        """A value of the answer as most clients compare it, and what white space around it does."""
        value = field.value
        # The usual value is plain.
        if not value or (value[0] > 0x20 and value[-1] > 0x20):
            return value
        stripped = field.stripped
        if not stripped:
            return value
        if value.lstrip(b" ") == stripped:
            self.at_field("response-value-leading-space", f"it is {quoted(value)}", field)
        else:
            self.at_field("response-value-trailing-space", f"it is {quoted(value)}", field)
        return stripped

    def check_lines(self, whose: str) -> None:
        """Line ends, empty lines in front, names; `whose` is request or response."""
        head = self.head
        raw = head.raw
        if raw.count(b"\n") != raw.count(b"\r\n"):
            self._bare_line_feed(f"{whose}-bare-line-feed")
        if head.preamble:
            self.diagnoses.append(
                found(
                    f"{whose}-empty-line-first",
                    f"{len(head.preamble)} bytes of line ends come before the first line",
                    stream=self.stream,
                    offset=self.base,
                    evidence=head.preamble,
                )
            )
        for field in head.fields:
            name = field.name
            # The usual name is tried first, in one expression: this runs for every field.
            if name and name[0] > 0x20 and name[-1] > 0x20 and field.has_colon:
                continue
            if not field.has_colon:
                self.at_field(f"{whose}-line-without-colon", f"the line is {quoted(name)}", field)
            elif not name:
                self.at_field(
                    f"{whose}-field-name-empty",
                    f"the line is {quoted(field.raw[: -len(field.line_end)])}",
                    field,
                )
            elif not name.strip(b" \t"):
                self.at_field(f"{whose}-field-name-spaced", "the name is white space only", field)
            elif name[0] in b" \t" or name[-1] in b" \t":
                self.at_field(f"{whose}-field-name-spaced", f"the name is {quoted(name)}", field)

    def _bare_line_feed(self, code: str) -> None:
        raw = self.head.raw
        lines = raw.count(b"\n")
        bare = lines - raw.count(b"\r\n")
        position = -1
        while True:
            position = raw.index(b"\n", position + 1)
            if raw[position - 1 : position] != b"\r":
                break
        begin = raw.rfind(b"\n", 0, position) + 1
        self.diagnoses.append(
            found(
                code,
                f"{bare} of {lines} lines end in LF alone; the first is shown",
                stream=self.stream,
                offset=self.base + begin,
                evidence=raw[begin : position + 1],
            )
        )
