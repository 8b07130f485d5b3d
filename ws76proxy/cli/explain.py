"""The command that explains a handshake: pasted, captured, recorded, or its keys alone."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import rich.console

from ws76proxy.cli.codes import check_code, hint_for
from ws76proxy.cli.complaints import Complaints
from ws76proxy.cli.paging import print_all
from ws76proxy.cli.progress import ReadingProgress
from ws76proxy.diagnosis import CATALOGUE, Severity
from ws76proxy.explain import (
    RANKS,
    STANDARD_INPUT,
    Explained,
    JsonReport,
    MarkdownReport,
    Report,
    Tally,
    TextReport,
    explain_challenge,
    explain_inputs,
    inputs_of,
)

__all__ = ["command"]

_LOOKS_LIKE_A_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+\Z")
_BETWEEN_BYTES = re.compile(r"0x|\\x|[\s:,]")


class _Hex(click.ParamType[bytes]):
    name = "hex"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return bytes.fromhex(_BETWEEN_BYTES.sub("", value))
        except ValueError:
            expected = "expected bytes in hexadecimal, such as 5e6e3a64735b3455"
            self.fail(f"found {value!r}; {expected}", param, ctx)


_HEX = _Hex()


class _Keys(NamedTuple):
    key1: str | None
    key2: str | None
    key3: bytes | None
    response: bytes | None

    @property
    def are_given(self) -> bool:
        return any(one is not None for one in self)


@click.command("explain")
@click.argument("inputs", metavar="[FILE|CODE]...", nargs=-1)
@click.option("--key1", metavar="VALUE", help="The value of Sec-WebSocket-Key1.")
@click.option("--key2", metavar="VALUE", help="The value of Sec-WebSocket-Key2.")
@click.option("--key3", type=_HEX, help="The 8 bytes behind the request's head.")
@click.option("--response", type=_HEX, help="The 16 bytes that the server sent behind its head.")
@click.option("--wss", is_flag=True, help="What was pasted went over TLS.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    help="Leave this finding out. Repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="How serious a finding must be for exit status 1, and for a session of a recording to be"
    " told.",
)
@click.option("--all", "all_of_them", is_flag=True, help="Tell each session of a recording.")
@click.option("-v", "--verbose", is_flag=True, help="Print both heads as they came too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a bug report.")
@click.option("--show-secrets", is_flag=True, help="Print cookies, authorization and tokens.")
@click.option(
    "--no-pager", is_flag=True, help="Do not use $PAGER for what is longer than a screen."
)
def command(
    inputs: tuple[str, ...],
    key1: str | None,
    key2: str | None,
    key3: bytes | None,
    response: bytes | None,
    wss: bool,
    ignored: tuple[str, ...],
    fail_on: str,
    all_of_them: bool,
    verbose: bool,
    as_json: bool,
    as_markdown: bool,
    show_secrets: bool,
    no_pager: bool,
) -> int:
    """Explain a handshake: each step from the keys to the digest, and what is wrong.

    FILE has what was sent in any form: raw bytes, one file for both directions or one for each; a
    hex dump (xxd, hexdump, od, Wireshark); what curl --trace or curl -v printed; a log; a recording
    of any format, or a capture (pcap, pcapng). "-" is standard input. With keys alone, the digest
    that the server must send. CODE is a finding's: its page of the catalogue.

    Of a recording with several sessions, those with findings are told, then how often each finding
    came, and what the handshakes of each server say together.

    Exit status: 0 when nothing is wrong, 1 when something is, 2 when an input was not understood.
    """
    keys = _Keys(key1, key2, key3, response)
    for code in ignored:
        check_code("--ignore", code)
    if as_json and as_markdown:
        raise click.UsageError("found both --json and --markdown; expected one of them")
    if bool(inputs) == keys.are_given:
        raise click.UsageError(
            "expected either files, - or codes, or --key1, --key2 and --key3; found"
            f" {'both' if inputs else 'neither'}"
        )
    report = _report(as_json, as_markdown, verbose, show_secrets)
    encoding = "utf-8" if as_json or as_markdown else rich.console.Console().encoding
    pager = not (no_pager or as_json or as_markdown)
    run = _Run(report, Severity(fail_on), frozenset(ignored), all_of_them=all_of_them)
    complaints = Complaints()
    if keys.are_given:
        print_all(run.sessions(iter([_challenge(keys, run.ignored)])), encoding, pager=pager)
    elif all(one in CATALOGUE for one in inputs):
        print_all(run.pages(inputs), encoding, pager=pager)
    else:
        run.explain(_paths(inputs), complaints, encoding, secure=wss, pager=pager)
        if not run.tally.sessions and not complaints:
            complaints(f"{', '.join(inputs)}: expected a handshake, found none")
    complaints.finish()
    if complaints:
        return 2
    return 1 if run.has_failed else 0


class _Run:
    """One run of the command, whatever the input."""

    def __init__(
        self, report: Report, fail_on: Severity, ignored: Collection[str], *, all_of_them: bool
    ) -> None:
        self.tally = Tally()
        self.ignored = ignored
        self._report = report
        self._least = RANKS[fail_on]
        self._all = all_of_them

    @property
    def has_failed(self) -> bool:
        return RANKS[self.tally.worst] >= self._least

    def explain(
        self,
        paths: list[Path],
        complaints: Complaints,
        encoding: str,
        *,
        secure: bool,
        pager: bool,
    ) -> None:
        """Print what is in the files."""
        files = inputs_of(paths, complaints)
        progress = ReadingProgress([one.path for one in files if one.is_recording])
        complaints.before = progress.hide
        explained = explain_inputs(files, complaints, progress, secure=secure, ignored=self.ignored)
        try:
            print_all(self.sessions(explained), encoding, pager=pager, before=progress.end)
        finally:
            progress.end()

    def sessions(self, explained: Iterator[Explained | str]) -> Iterator[str]:
        """The report, piece by piece."""
        told = 0
        held: Explained | None = None
        yield self._report.begin()
        for one in explained:
            if isinstance(one, str):
                yield self._report.note(one)
                continue
            self.tally.add(one)
            if self._all or one.kind or RANKS[one.worst] >= self._least:
                told += 1
                yield self._report.session(one)
            else:
                # The only session there is, is told whatever it is.
                held = one if self.tally.sessions == 1 else None
        if held is not None and self.tally.sessions == 1:
            told += 1
            yield self._report.session(held)
        yield self._report.finish(self.tally, told)

    def pages(self, codes: Collection[str]) -> Iterator[str]:
        """The catalogue's pages."""
        yield self._report.begin()
        for code in codes:
            yield self._report.page(CATALOGUE[code])
        yield self._report.finish(self.tally, 0)


def _report(as_json: bool, as_markdown: bool, verbose: bool, show_secrets: bool) -> Report:
    if as_json:
        return JsonReport(show_secrets=show_secrets)
    if as_markdown:
        return MarkdownReport(show_secrets=show_secrets)
    return TextReport(rich.console.Console(), raw=verbose, show_secrets=show_secrets)


def _challenge(keys: _Keys, ignored: Collection[str]) -> Explained:
    if keys.key1 is None or keys.key2 is None or keys.key3 is None:
        raise click.UsageError("expected --key1, --key2 and --key3 together")
    key1, key2 = os.fsencode(keys.key1), os.fsencode(keys.key2)
    return explain_challenge(key1, key2, keys.key3, keys.response, ignored)


def _paths(inputs: tuple[str, ...]) -> list[Path]:
    paths = [Path(one) for one in inputs]
    for path in paths:
        if path == STANDARD_INPUT or path.exists():
            continue
        text = str(path)
        if text in CATALOGUE:
            raise click.UsageError(f"found the code {text!r} among files; expected codes alone")
        if _LOOKS_LIKE_A_CODE.match(text):
            raise click.UsageError(
                f"found {text!r}; expected a file, or a finding's code{hint_for(text)}"
            )
    if paths.count(STANDARD_INPUT) > 1:
        raise click.UsageError("found - twice; expected it once")
    return paths
