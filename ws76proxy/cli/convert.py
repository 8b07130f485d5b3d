"""The command that writes recordings of any format in another one."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, cast

import click
import msgspec

from ws76proxy.cli import fail
from ws76proxy.cli.complaints import Complaints
from ws76proxy.cli.progress import ReadingProgress
from ws76proxy.cli.selecting import sessions_option
from ws76proxy.record import RecordingRecord, SessionStartRecord
from ws76proxy.recording import har, lines, mitm
from ws76proxy.recording.foreign import header_of
from ws76proxy.recording.gathering import gather
from ws76proxy.recording.losses import Losses
from ws76proxy.recording.reader import Complain
from ws76proxy.recording.sources import Source, Told, files_of, read_all
from ws76proxy.redaction import redact

__all__ = ["command"]

_BY_SUFFIX = {
    ".jsonl": "ws76",
    ".har": "har",
    ".mitm": "mitm",
    ".flow": "mitm",
    ".flows": "mitm",
    ".txt": "text",
}
_TEXT_COLUMNS = 120
_WHOLE = sys.maxsize - 1


@click.command("convert")
@click.argument("files", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Choice(["ws76", "har", "mitm", "text"]),
    help="The format of OUT, where its name does not say it (.ws76.jsonl; .har; .mitm, .flow or"
    " .flows; .txt).",
)
@sessions_option
@click.option(
    "--redact",
    "redacts",
    is_flag=True,
    help="Replace cookies, authorization and tokens in addresses. Without it OUT has the secrets"
    " that IN has.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there already.")
def command(
    files: tuple[Path, ...],
    out: Path,
    to: str | None,
    numbers: tuple[int, ...],
    redacts: bool,
    force: bool,
) -> int:
    """Write recordings as another format: ours, HAR, mitmproxy flows, or plain text.

    IN is a recording of ours, a HAR, mitmproxy flows, or a capture; its content says which. A
    folder stands for the recordings in it. OUT may be - for standard output, with --to. HAR and
    flows hold a session without loss: converted back it is the same to the byte. For them each
    session is in memory as a whole; a HAR is read as a whole. Plain text cannot be converted back.

    What other programs will not see in OUT is listed on standard error. What is wrong with IN is
    said there too; the rest is converted, and the exit status is 2.
    """
    target = _TARGETS[to or _by_suffix(out)]
    if str(out) != "-":
        _check_place(out, force=force)
    complaints = Complaints()
    paths = files_of(files, complaints)
    progress = ReadingProgress(paths)
    complaints.before = progress.hide
    told = _with_headers(read_all(paths, complaints, progress))
    if numbers:
        told = _only(told, frozenset(numbers))
    if redacts:
        told = _redacted(told)
    try:
        first = next(told, None)
        if first is not None:
            with _opened(out) as file:
                losses = target(_chained(first, told), file, complaints)
            progress.end()
            for line in losses:
                click.echo(f"ws76proxy: {line}", err=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{out}: cannot write: {error.strerror}")
    finally:
        progress.end()
        complaints.finish()
    if first is None and not complaints:
        which = f"session {' or '.join(map(str, numbers))}" if numbers else "record"
        raise click.UsageError(f"expected something to convert, found no {which}")
    return 2 if complaints else 0


# Where it goes


def _by_suffix(out: Path) -> str:
    target = _BY_SUFFIX.get(out.suffix.lower())
    if target is None:
        expected = ", ".join(_BY_SUFFIX)
        raise click.UsageError(f"OUT: found {str(out)!r}; expected a name in {expected}, or --to")
    return target


def _check_place(out: Path, *, force: bool) -> None:
    if out.exists() and not out.is_file():
        raise click.UsageError(f"OUT: found {out}, which is no ordinary file; expected a file")
    if out.exists() and not force:
        raise click.UsageError(f"OUT: {out} exists; expected another name, or --force")
    if not out.parent.is_dir():
        raise click.UsageError(f"OUT: found no folder {out.parent}; expected one")


@contextlib.contextmanager
def _opened(out: Path) -> Iterator[IO[bytes]]:
    """The file to write; it takes its name when all of it is written, and nobody else reads it."""
    if str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = out.resolve()
    with NamedTemporaryFile(
        dir=place.parent, prefix=f".{place.name[:100]}.", suffix=".part", delete=False
    ) as file:
        try:
            yield file.file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(place)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


# What goes there


def _chained(first: Told, others: Iterator[Told]) -> Iterator[Told]:
    yield first
    yield from others


def _with_headers(stream: Iterator[Told]) -> Iterator[Told]:
    """The same, with a header before the records of a file that has none."""
    headless: Path | None = None
    for told in stream:
        source = told.source
        if source.header is None:
            if source.path != headless:
                headless, start = source.path, told.record
                began = source.path.stat().st_mtime
                if isinstance(start, SessionStartRecord):
                    with contextlib.suppress(ValueError):
                        began = datetime.fromisoformat(start.started).timestamp()
                header = header_of(source.path, "relay", began)
                with_header = Source(source.path, header)
                yield Told(with_header, header)
            told = Told(with_header, told.record, told.line)
        yield told


def _only(stream: Iterator[Told], numbers: frozenset[int]) -> Iterator[Told]:
    """The sessions of these numbers, each header only where one of them follows."""
    header: Told | None = None
    for told in stream:
        if isinstance(told.record, RecordingRecord):
            header = told
        elif told.record.session in numbers:
            if header is not None:
                yield header
                header = None
            yield told


def _redacted(stream: Iterator[Told]) -> Iterator[Told]:
    """The same without secrets, in the headers too."""
    came: Source | None = None
    for told in stream:
        if told.source is not came:
            came = told.source
            source = Source(came.path, came.header and _redacted_header(came.header))
        record = told.record
        if isinstance(record, RecordingRecord):
            yield Told(source, _redacted_header(record))
        else:
            yield Told(source, redact(record))


def _redacted_header(header: RecordingRecord) -> RecordingRecord:
    clean = cast("RecordingRecord", redact(header))
    return msgspec.structs.replace(clean, redacted=True)


def _write_ws76(stream: Iterator[Told], file: IO[bytes], complain: Complain) -> list[str]:
    lines.write((told.record for told in stream), file)
    return []


def _write_har(stream: Iterator[Told], file: IO[bytes], complain: Complain) -> list[str]:
    return har.write(gather(stream, complain), file, complain)


def _write_mitm(stream: Iterator[Told], file: IO[bytes], complain: Complain) -> list[str]:
    return mitm.write(gather(stream, complain), file, complain)


def _write_text(stream: Iterator[Told], file: IO[bytes], complain: Complain) -> list[str]:
    """What the console shows, with each text message as a whole."""
    # Not above: the other formats have no use for a terminal's library.
    from rich.console import Console as RichConsole

    from ws76proxy.console import Console

    losses = Losses("text", is_kept=False)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
    rich_console = RichConsole(
        file=text, width=_TEXT_COLUMNS, color_system=None, force_terminal=False, highlight=False
    )
    console: Console | None = None
    run = ""
    try:
        for told in stream:
            if console is None or told.source.run != run:
                if console is not None:
                    console.finish()
                console = Console(rich_console, show_secrets=True, text_width=_WHOLE)
                run = told.source.run
            losses.add(told.record)
            console.tell(told.record)
        if console is not None:
            console.finish()
    finally:
        # The file is closed by whoever opened it.
        text.detach()
    return losses.lines()


_TARGETS: dict[str, Callable[[Iterator[Told], IO[bytes], Complain], list[str]]] = {
    "ws76": _write_ws76,
    "har": _write_har,
    "mitm": _write_mitm,
    "text": _write_text,
}
